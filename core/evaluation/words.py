# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the prompt's words reach the texture: two words make it differ more than two seeds do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab

from .views import View

_BLUR = 4.0
"""Standard deviation in pixels: the place of single strokes is chance, whatever the words."""


def word_effect(views: Mapping[str, Sequence[Sequence[View]]]) -> float:
    """How much further apart textures of different words are than those of one word, as a share of the latter.

    Textures of one seed are never compared with each other, since they share their noise.

    Args:
        views: for each of two or more prompts the views of its textures, one a seed, in the order of the same seeds.

    Returns:
        0 where words change nothing; negative is chance.
    """
    blurred = {word: [[_blurred(view) for view in texture] for texture in textures] for word, textures in views.items()}
    pairs = list(combinations(range(min(len(textures) for textures in blurred.values())), 2))
    within = [_apart(textures[one], textures[other]) for textures in blurred.values() for one, other in pairs]
    between = [
        _apart(blurred[first][one], blurred[second][other])
        for first, second in combinations(blurred, 2)
        for pair in pairs
        for one, other in (pair, pair[::-1])
    ]
    return fmean(between) / fmean(within) - 1.0


def _blurred(view: View) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    colours = np.where(view.mask[..., None], rgb2lab(view.image), 0.0)
    weight = gaussian_filter(view.mask.astype(np.float64), _BLUR)
    smooth = np.stack([gaussian_filter(channel, _BLUR) for channel in np.moveaxis(colours, -1, 0)], axis=-1)
    return smooth / np.maximum(weight, 1e-6)[..., None], view.mask


def _apart(
    first: Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]],
    second: Sequence[tuple[NDArray[np.float64], NDArray[np.bool_]]],
) -> float:
    """Mean distance (CIELAB) of what stands at the same place."""
    distances = [
        np.linalg.norm(one - other, axis=-1)[mask] for (one, mask), (other, _) in zip(first, second, strict=True)
    ]
    return float(np.concatenate(distances).mean())
