# SPDX-License-Identifier: GPL-3.0-or-later
"""Views of a mesh as they would be, had it been painted with a style's pattern itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..evaluation.views import VIEW_SIZE, View, evaluation_cameras
from ..geometry.mesh import Mesh, bounding_radius
from ..views.embree import EmbreeRasteriser
from ..views.rasteriser import Raster
from .coordinates import plane_coordinates
from .styles import Style, sample_style

MOST_CELLS = 5.0
"""Finer patterns than this are too fine for views of 64 pixels."""


def coarse_style(rng: np.random.Generator, family: str) -> Style:
    """A random style of a family that is coarse enough to be seen."""
    while (drawn := sample_style(rng, family)).cells > MOST_CELLS:
        pass
    return drawn


def seen_from_all_sides(mesh: Mesh) -> list[Raster]:
    """What the cameras of ``evaluation.views`` see of ``mesh``."""
    rasteriser = EmbreeRasteriser(mesh)
    return [rasteriser.rasterise(camera, VIEW_SIZE, VIEW_SIZE) for camera in evaluation_cameras(bounding_radius(mesh))]


def pattern_views(seen: list[Raster], style: Style) -> list[View]:
    """``seen``, painted in ``style``."""
    views = []
    for raster in seen:
        image = np.full((*raster.mask.shape, 3), 128, np.uint8)
        image[raster.mask] = np.round(seen_pattern(style, raster) * 255)
        views.append(View(image, raster.mask))
    return views


def seen_pattern(style: Style, seen: Raster) -> NDArray[np.float32]:
    """float32 [n, 3], sRGB: what the covered pixels of ``seen`` show when the surface is painted in ``style``."""
    plane = plane_coordinates(seen.position[seen.mask], seen.normal[seen.mask])
    return style.colour(plane[:, 0], plane[:, 1])
