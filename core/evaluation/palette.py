# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a texture leaves its style's palette anywhere, if only on one part of the object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import KDTree
from skimage.color import rgb2lab

from ..geometry.mesh import Mesh
from .surface_sample import sample_surface

_SEED = 20261128
_COLOURS = 100_000
"""Pixels of the picture that stand for its palette; as many others are compared with them."""
_PERCENTILE = 99.0
_LEAST_POINTS = 200
"""Of a part; fewer have no percentile worth the name."""


@dataclass(frozen=True)
class PaletteDistance:
    """Distances in CIELAB to the nearest colour of one half of the picture's pixels, 99th percentiles."""

    texture: float
    """Of the texture, on the part that is farthest."""
    picture: float
    """Of the picture's other half: what a texture without a foreign colour has."""


def measure_palette(
    mesh: Mesh, texture: NDArray[np.uint8], picture: Image.Image, parts: NDArray[np.int64] | None = None
) -> PaletteDistance:
    """How far a texture goes from its style image's colours.

    Args:
        mesh: normalised.
        texture: [S, S, 3] sRGB.
        picture: the style image, RGB.
        parts: [T] the part of each triangle; ``None`` takes the object whole.
    """
    generator = np.random.default_rng(_SEED)
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    pixels = generator.permutation(pixels)[: 2 * _COLOURS]
    colours = rgb2lab(pixels / 255.0)
    half = len(colours) // 2
    palette = KDTree(colours[:half])
    sample = sample_surface(mesh, texture, generator)
    apart, _ = palette.query(sample.colour)
    labels = np.zeros(len(apart), np.int64) if parts is None else parts[sample.triangle]
    groups = [apart[labels == label] for label in np.unique(labels)]
    large = [group for group in groups if len(group) >= _LEAST_POINTS] or [apart]
    return PaletteDistance(
        texture=max(float(np.percentile(group, _PERCENTILE)) for group in large),
        picture=float(np.percentile(palette.query(colours[half:])[0], _PERCENTILE)),
    )
