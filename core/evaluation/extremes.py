# SPDX-License-Identifier: GPL-3.0-or-later
"""The best and the worst that a texture can be by any measure of style, made from the style image itself.

The ceiling is the picture laid onto the object from three sides: all of its strokes, undistorted, and all of its
content. The floor has every colour of the picture as often as the picture, and nothing of what it does with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..geometry.mesh import Mesh
from ..results.preview import Paint, covered_views
from ..views.cameras import Camera
from ..views.embree import EmbreeRasteriser
from ..views.rasteriser import Raster
from .views import NEUTRAL, View

_SEED = 20261126


def box_projected(mesh: Mesh, picture: Image.Image, cameras: Sequence[Camera], size: int, extent: float) -> list[View]:
    """Views of the mesh with ``picture`` laid on along the axis that the surface faces most, mirrored at its edges.

    Args:
        mesh: normalised.
        picture: its shorter side covers ``extent`` of the mesh.
        cameras: one for each view.
        size: side of a view in pixels.
        extent: in units of the mesh.
    """
    paint = _box_paint(np.asarray(picture.convert("RGB")), extent)
    return [View(image, mask) for image, mask in covered_views(EmbreeRasteriser(mesh), paint, cameras, size, NEUTRAL)]


def shuffled(picture: Image.Image, size: int) -> View:
    """A square view each of whose pixels is a pixel of ``picture``, drawn at random."""
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    drawn = np.random.default_rng(_SEED).integers(len(pixels), size=(size, size))
    return View(pixels[drawn], np.ones((size, size), dtype=np.bool_))


def _box_paint(picture: NDArray[np.uint8], extent: float) -> Paint:
    height, width = picture.shape[:2]
    pixels_per_length = min(height, width) / extent

    def paint(raster: Raster) -> NDArray[np.float32]:
        position, normal = raster.position[raster.mask], raster.normal[raster.mask]
        axis = np.abs(normal).argmax(axis=-1)
        # Upright on the sides (z is up), and lying on top and bottom as seen from the front.
        across = np.where(axis == 0, position[:, 1], position[:, 0])
        upward = np.where(axis == 2, position[:, 1], position[:, 2])
        column = _folded(across * pixels_per_length + (width - 1) / 2.0, width)
        row = _folded((height - 1) / 2.0 - upward * pixels_per_length, height)
        return _bilinear(picture, row, column)

    return paint


def _folded(place: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Places in [0, count - 1], mirrored at both ends as often as it takes."""
    last = max(count - 1, 1)
    return np.asarray(last - np.abs(np.mod(place, 2 * last) - last), dtype=np.float32)


def _bilinear(
    picture: NDArray[np.uint8], row: NDArray[np.floating], column: NDArray[np.floating]
) -> NDArray[np.float32]:
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    bottom, right = np.minimum(top + 1, picture.shape[0] - 1), np.minimum(left + 1, picture.shape[1] - 1)
    down, over = (row - top)[:, None], (column - left)[:, None]
    upper = picture[top, left] * (1.0 - over) + picture[top, right] * over
    lower = picture[bottom, left] * (1.0 - over) + picture[bottom, right] * over
    return ((upper * (1.0 - down) + lower * down) / 255.0).astype(np.float32)
