# SPDX-License-Identifier: GPL-3.0-or-later
"""Baked light: whether the texture is lighter where the surface faces some light, as base colour should not be.

Lightness is compared with normal·light over the points of the surface, each weighted by its area: with a light from
above, where painted-in light mostly comes from, and with the light that fits best. Lambert's light does not reach the
far side, which no straight line follows: alone on a surface it comes to about 0.9 on a ball and 0.8 on a box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from skimage.color import rgb2lab

from ..geometry.mesh import Mesh, face_vectors, uv_areas
from ..results.coverage import Coverage

_CELL = 0.15
"""Side of the cells, in units of the normalised mesh, that count as independent of each other: whatever is painted is
alike over a short way."""

_ALIKE = 1e-3
"""Standard deviation (of normals, or of CIELAB lightness) below which there is nothing to correlate."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BakedLight:
    """Correlations of lightness with normal·light."""

    top: float | None
    """With a light from above (world +Z), in [-1, 1]; ``None`` where all of the surface is at one angle to it."""
    best: float | None
    """With the light that fits best, in [0, 1], less what chance alone would give; ``None`` for a flat sheet."""
    direction: tuple[float, float, float] | None
    """Unit vector towards that light, world space; ``None`` where ``best`` is 0 or ``None``."""


def measure_baked_light(mesh: Mesh, texture: NDArray[np.uint8], coverage: Coverage) -> BakedLight:
    """How much of a texture's lightness is explained by a distant light, with lightness L of CIELAB.

    The best light is the ``b`` of ``L ~ a + b·n`` by least squares, and its value the multiple correlation ``R``,
    adjusted (Ezekiel 1930): ``R² - (1 - R²) 3 / (m - 4)`` where the surface has ``m`` cells, and at least 0.

    Args:
        mesh: normalised.
        texture: [H, W, 3] sRGB.
        coverage: of the same mesh; its texels are the points of the surface, and what is hidden plays no part.
    """
    texels, seen = coverage.texels, coverage.seen
    normals = texels.normal[seen].astype(np.float64)
    if not len(normals):
        return BakedLight(None, None, None)
    triangle = texels.triangle[seen]
    lightness = _lightness(texture, texels.row[seen], texels.column[seen], texels.size)
    flat = np.maximum(uv_areas(mesh.corner_uvs), np.finfo(np.float64).tiny)
    weights = (np.linalg.norm(face_vectors(mesh), axis=-1) / flat)[triangle]
    weights /= weights.sum()
    normals -= weights @ normals
    lightness -= weights @ lightness
    spread, variance = weights @ normals**2, float(weights @ lightness**2)
    plain = variance < _ALIKE**2
    top = None
    if spread[2] > _ALIKE**2:
        top = 0.0 if plain else float(weights * lightness @ normals[:, 2] / np.sqrt(spread[2] * variance))
    if spread.sum() <= _ALIKE**2:
        return BakedLight(top, None, None)
    if plain:
        return BakedLight(top, 0.0, None)
    root = np.sqrt(weights)
    light = np.linalg.lstsq(normals * root[:, None], lightness * root, rcond=1e-3)[0]
    explained = float(weights @ (normals @ light) ** 2) / variance
    cells = len(np.unique(np.floor(texels.position[seen] / _CELL).astype(np.int64), axis=0))
    adjusted = explained - (1.0 - explained) * 3.0 / max(cells - 4, 1)
    if adjusted <= 0.0:
        return BakedLight(top, 0.0, None)
    x, y, z = (light / np.linalg.norm(light)).tolist()
    return BakedLight(top, float(np.sqrt(adjusted)), (x, y, z))


def _lightness(texture: NDArray[np.uint8], row: NDArray[np.int32], column: NDArray[np.int32], size: int) -> Floats:
    """L of CIELAB [N] at the centres of the texels of a map of ``size``, bilinear, repeated beyond the borders."""
    height, width = texture.shape[:2]
    place = np.stack([(row + 0.5) * height / size - 0.5, (column + 0.5) * width / size - 0.5])
    channels = [
        map_coordinates(texture[..., channel].astype(np.float64), place, order=1, mode="grid-wrap")
        for channel in range(3)
    ]
    return rgb2lab(np.stack(channels, axis=-1) / 255.0)[..., 0]
