# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture in the colours of another, so that only structure can tell the two apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import special_ortho_group
from skimage.color import lab2rgb, rgb2lab

_ROTATIONS = 24
_QUANTILES = 1024
_SEED = 20261126


def in_colours_of(picture: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``picture`` [H, W, 3] with the distribution of colours of ``palette`` [h, w, 3], both sRGB.

    The distribution is moved in CIELAB along one random axis after the other until it is the other one (Pitié et al.
    2005, "N-dimensional probability density function transfer").
    """
    colours: NDArray[np.float64] = rgb2lab(picture).reshape(-1, 3)
    wanted: NDArray[np.float64] = rgb2lab(palette).reshape(-1, 3)
    levels = np.linspace(0.0, 1.0, _QUANTILES)
    axes = special_ortho_group.rvs(3, size=_ROTATIONS, random_state=np.random.default_rng(_SEED))
    for rotation in axes:
        turned, goal = colours @ rotation.T, wanted @ rotation.T
        for axis in range(3):
            here, there = np.quantile(turned[:, axis], levels), np.quantile(goal[:, axis], levels)
            turned[:, axis] = np.interp(turned[:, axis], here, there)
        colours = turned @ rotation
    moved: NDArray[np.float64] = lab2rgb(colours.reshape(picture.shape))
    return np.rint(255.0 * moved.clip(0.0, 1.0)).astype(np.uint8)
