# SPDX-License-Identifier: GPL-3.0-or-later
"""Style distance: how far apart two sets of pictures are in colours and in small structure.

Sliced Wasserstein distances in CIELAB, of pixels and of the responses of a fixed random convolution on three scales
(random filters model texture well: Ustyuzhaninov et al., arXiv 1606.00021; the sliced form: Heitz et al., arXiv
2006.07229). The filters are fixed by a seed, 7 by 7, without mean and rectified. The statistics term of the
optimisation (``core.style.statistics``) compares colours of patches in sRGB and not these responses, but what is near
by one tends to be near by the other: for what that term contributes, this distance is no evidence; ``judge`` is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab
from torch import Tensor
from torch.nn import functional

from .views import View

_SEED = 20241107
_FILTERS = 32
_FILTER_SIZE = 7
_LEVELS = 3
_DIRECTIONS = 64
_QUANTILES = 512
_SAMPLES = 8192
"""Pixels, or places, that are compared of each set of pictures."""
_SMALLEST_SAMPLE = 64


@dataclass(frozen=True)
class StyleDistance:
    """Both parts are in units of CIELAB: all colours moved by 10 give ``colour`` 10."""

    colour: float
    """Distance between the distributions of colours."""
    structure: float
    """Distance between the distributions of filter responses, averaged over the scales."""

    @property
    def total(self) -> float:
        """The sum, by which styles are ranked."""
        return self.colour + self.structure


class StyleSignature:
    """Everything that the style distance knows about a set of pictures: quantiles along fixed directions."""

    def __init__(self, views: Sequence[View]) -> None:
        """Pool the covered pixels of ``views``, at least one of which must have some."""
        levels: list[list[Tensor]] = [[] for _ in range(_LEVELS)]
        colours = []
        for view in views:
            lab, mask = _lab(view)
            colours.append(lab[0].flatten(1).T[mask.flatten() > 0.5])
            for level, responses in enumerate(_responses(lab, mask)):
                levels[level].append(responses)
        self._colour = _quantiles(torch.cat(colours))
        pooled = [torch.cat(parts) for parts in levels]
        self._structure = [_quantiles(part) if len(part) >= _SMALLEST_SAMPLE else None for part in pooled]

    def distance(self, other: StyleSignature) -> StyleDistance:
        """Distance from ``other``; 0 from itself, symmetric. Scales that either is too small for are left out."""
        pairs = [
            (one, two)
            for one, two in zip(self._structure, other._structure, strict=True)
            if one is not None and two is not None
        ]
        structure = sum(_apart(one, two, _FILTERS) for one, two in pairs) / max(1, len(pairs))
        return StyleDistance(_apart(self._colour, other._colour, 3), structure)


def _lab(view: View) -> tuple[Tensor, Tensor]:
    """CIELAB [1, 3, H, W] and mask [1, 1, H, W]."""
    lab: NDArray[np.float64] = rgb2lab(view.image)
    mask = torch.from_numpy(view.mask.astype(np.float32))[None, None]
    return torch.from_numpy(lab.astype(np.float32)).permute(2, 0, 1)[None], mask


def _responses(lab: Tensor, mask: Tensor) -> list[Tensor]:
    """Rectified filter responses [n, F] of each scale, where the filter lies wholly on covered pixels."""
    scales = []
    for level in range(_LEVELS):
        if level:
            share = functional.avg_pool2d(mask, 2)
            lab = functional.avg_pool2d(lab * mask, 2) / share.clamp_min(1e-6)
            mask = (share > 0.99).to(share.dtype)
        if min(lab.shape[-2:]) < _FILTER_SIZE:
            scales.append(lab.new_zeros(0, _FILTERS))
            continue
        responses = functional.conv2d(lab, _filters()).relu()[0]
        covered = -functional.max_pool2d(-mask, _FILTER_SIZE, stride=1)[0, 0] > 0.5
        scales.append(responses[:, covered].T)
    return scales


@cache
def _filters() -> Tensor:
    """[F, 3, size, size] of length 1 and mean 0 in each channel."""
    generator = torch.Generator().manual_seed(_SEED)
    filters = torch.randn(_FILTERS, 3, _FILTER_SIZE, _FILTER_SIZE, generator=generator)
    filters -= filters.mean(dim=(2, 3), keepdim=True)
    return filters / filters.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()


@cache
def _directions(dimensions: int) -> Tensor:
    """[dimensions, directions] of length 1."""
    generator = torch.Generator().manual_seed(_SEED + dimensions)
    directions = torch.randn(dimensions, _DIRECTIONS, generator=generator)
    return directions / directions.norm(dim=0, keepdim=True)


def _quantiles(samples: Tensor) -> Tensor:
    """[directions, Q]: the same number of quantiles for every set of pictures, whatever their size."""
    generator = torch.Generator().manual_seed(_SEED)
    chosen = torch.randint(len(samples), (_SAMPLES,), generator=generator)
    ordered = (samples[chosen] @ _directions(samples.shape[1])).T.sort(dim=1).values
    return ordered.reshape(_DIRECTIONS, _QUANTILES, -1).mean(dim=2)


def _apart(one: Tensor, two: Tensor, dimensions: int) -> float:
    """Mean distance of quantiles, over the mean length of a unit vector's projection on a random direction."""
    shrink = math.exp(math.lgamma(dimensions / 2) - math.lgamma((dimensions + 1) / 2)) / math.sqrt(math.pi)
    return float((one - two).abs().mean()) / shrink
