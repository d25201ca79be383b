# SPDX-License-Identifier: GPL-3.0-or-later
"""Content leakage: whether pieces of the style image's motif turn up in the renders.

Patches of the style image are searched for in the renders by normalised cross-correlation, at the sizes that the
picture has on the object and unturned; slow changes of colour, which any picture has, are taken out first. Strokes
alone correlate too, so the same is done with patches of the style image cut into small tiles and shuffled like a
jigsaw: those have its strokes but not its motif. What the real patches find beyond the shuffled ones is leakage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from torch import Tensor
from torch.nn import functional

from .views import View

_SIDE = 96
"""Side of the views, and shorter side of the style image, in pixels: the motif matters here, not the brush stroke."""
_PATCH = 24
_STRIDE = _PATCH // 3
_TILE = _PATCH // 2
_SHUFFLES = 3
_SEED = 20241108
_TOP_SHARE = 0.02
_BLUR = 3.0
"""Standard deviation, in pixels, of the blur whose result is taken out."""
_LEAST_CONTRAST = 3.0
"""Standard deviation of what is left, in CIELAB, below which a patch is flat, and like any other flat one."""


@dataclass(frozen=True)
class Leakage:
    """Mean best correlations of the most findable patches, in [-1, 1]."""

    real: float
    """Of the style image's own patches."""
    shuffled: float
    """Of the shuffled style image's patches."""

    @property
    def excess(self) -> float:
        """How much better the real ones are found: about 0 without leakage, up to 1."""
        return self.real - self.shuffled


def measure_leakage(style: View, views: Sequence[View], sizes: Sequence[float] = (1.0,)) -> Leakage:
    """Search ``views`` for pieces of ``style``; the most findable fiftieth of its patches counts.

    Args:
        style: the style image.
        views: of the object.
        sizes: how large the motif is in the views, over the size at which both have shorter sides of one length; where
            it is found best counts.
    """
    picture = _lab(style.image, style.mask, _SIDE / min(style.image.shape[:2]))[0]
    scenes = [
        _lab(view.image, view.mask, _SIDE / (size * min(view.image.shape[:2]))) for size in sizes for view in views
    ]
    generator = np.random.default_rng(_SEED)
    shuffled = [_score(_shuffle(picture, generator), scenes) for _ in range(_SHUFFLES)]
    return Leakage(_score(picture, scenes), float(np.mean(shuffled)))


def _lab(image: NDArray[np.uint8], mask: NDArray[np.bool_], scale: float) -> tuple[Tensor, Tensor]:
    """CIELAB's quick changes [1, 3, h, w] and mask [1, 1, h, w] (covered wholly) at ``scale`` times the size."""
    sides = (max(_PATCH, round(image.shape[1] * scale)), max(_PATCH, round(image.shape[0] * scale)))
    small = Image.fromarray(image).resize(sides, Image.Resampling.BOX)
    cover = Image.fromarray(mask.astype(np.float32)).resize(sides, Image.Resampling.BOX)
    lab: NDArray[np.float64] = rgb2lab(np.asarray(small))
    covered = (np.asarray(cover) > 0.999).astype(np.float32)[..., None]
    # The mean over what is covered alone: the background must not shine into the object.
    blurred = gaussian_filter(lab * covered, (_BLUR, _BLUR, 0)) / np.maximum(
        gaussian_filter(covered, (_BLUR, _BLUR, 0)), 1e-3
    )
    quick = ((lab - blurred) * covered).astype(np.float32)
    return torch.from_numpy(quick).permute(2, 0, 1)[None], torch.from_numpy(covered).permute(2, 0, 1)[None]


def _shuffle(picture: Tensor, generator: np.random.Generator) -> Tensor:
    """The picture's tiles in another order; what does not fill a tile is cut off."""
    rows, columns = picture.shape[2] // _TILE, picture.shape[3] // _TILE
    tiles = functional.unfold(picture[:, :, : rows * _TILE, : columns * _TILE], _TILE, stride=_TILE)
    order = torch.from_numpy(generator.permutation(rows * columns))
    return functional.fold(tiles[:, :, order], (rows * _TILE, columns * _TILE), _TILE, stride=_TILE)


def _score(picture: Tensor, scenes: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Mean best correlation of the most findable patches of ``picture`` [1, 3, h, w]."""
    patches = functional.unfold(picture, _PATCH, stride=_STRIDE)[0].T.reshape(-1, 3, _PATCH, _PATCH)
    patches = patches - patches.mean(dim=(2, 3), keepdim=True)
    length = patches.square().sum(dim=(1, 2, 3)).sqrt()
    patches = patches[length > _least_length()]
    if not len(patches):
        return 0.0
    patches = patches / patches.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
    best = torch.stack([_best_correlations(patches, *scene) for scene in scenes]).amax(dim=0)
    count = max(1, round(_TOP_SHARE * len(best)))
    return float(best.sort(descending=True).values[:count].mean())


def _best_correlations(patches: Tensor, scene: Tensor, mask: Tensor) -> Tensor:
    """[n]: of each patch (mean 0 in each channel, length 1) the best correlation wherever the scene is covered."""
    box = _box(mask[0, 0] > 0.0)
    if box is None:
        return patches.new_zeros(len(patches))
    scene, mask, area = scene[:, :, *box], mask[:, :, *box], _PATCH * _PATCH
    mean = functional.avg_pool2d(scene, _PATCH, stride=1)
    square = functional.avg_pool2d(scene.square(), _PATCH, stride=1)
    length = ((square - mean.square()).sum(dim=1) * area).clamp_min(0.0).sqrt()[0]
    covered = functional.avg_pool2d(mask, _PATCH, stride=1)[0, 0] > 0.999
    usable = covered & (length > _least_length())
    if not bool(usable.any()):
        return patches.new_zeros(len(patches))
    correlation = functional.conv2d(scene, patches)[0][:, usable] / length[usable]
    return correlation.amax(dim=1)


def _box(covered: Tensor) -> tuple[slice, slice] | None:
    """Rows and columns between which all of ``covered`` [h, w] lies; ``None`` where no patch has room there."""
    sides = []
    for along in (1, 0):
        found = covered.any(along).nonzero()
        if not len(found) or int(found[-1]) - int(found[0]) + 1 < _PATCH:
            return None
        sides.append(slice(int(found[0]), int(found[-1]) + 1))
    return sides[0], sides[1]


def _least_length() -> float:
    return _LEAST_CONTRAST * _PATCH
