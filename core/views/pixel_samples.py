# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points of the surface each pixel of a view shows: one inside a surface, several along its edges.

At silhouettes, and where one part stands in front of another, a pixel shows more than its centre does. There 16 rays
are cast through it, so that what it shows is blended by area, for a few per cent of the cost of casting them all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..geometry.overlap import Overlap
from .cameras import Camera
from .rasteriser import Raster, Rasteriser

EDGE_RAYS = 16
"""Rays through a pixel at an edge."""

_JUMP = 2.0
"""Distance of a pixel's point from its neighbour's tangent plane, in pixels, that makes an edge between them."""


@dataclass(frozen=True)
class PixelSamples:
    """N points of the surface that the pixels of one view show."""

    pixel: NDArray[np.int64]
    """[N] number of the pixel, row by row; a pixel may have several points."""
    weight: NDArray[np.float32]
    """[N] share of the pixel's area that the point stands for; what is left of the pixel is background."""
    position: NDArray[np.float32]
    """[N, 3] world space; where surfaces share texels, the point that owns the texel of the one that is seen."""
    normal: NDArray[np.float32]
    """[N, 3] unit normal of the point that is seen, on the viewer's side."""


def centre_samples(raster: Raster, overlap: Overlap | None = None) -> PixelSamples:
    """The points in the pixels' centres, each for its whole pixel: aliased edges."""
    pixel = np.flatnonzero(raster.mask)
    weight = np.ones(len(pixel), dtype=np.float32)
    return PixelSamples(pixel, weight, _colour_positions(raster, overlap), raster.normal[raster.mask])


def smooth_samples(
    rasteriser: Rasteriser, camera: Camera, raster: Raster, overlap: Overlap | None = None
) -> PixelSamples:
    """The points in the pixels' centres, and along edges those of ``EDGE_RAYS`` rays through each pixel instead.

    Args:
        rasteriser: casts the rays.
        camera: of the view.
        raster: what ``rasteriser`` saw from there.
        overlap: of its mesh; ``None`` where no surfaces share texels.
    """
    height, width = raster.mask.shape
    edge = edge_pixels(raster, 2.0 * math.tan(math.radians(camera.fov_degrees) / 2.0) / height)
    row, column = np.nonzero(edge)
    offset = _hammersley(EDGE_RAYS)
    fine = rasteriser.look_through(
        camera, row[:, None] + offset[None, :, 0], column[:, None] + offset[None, :, 1], height, width
    )
    inner = replace(raster, mask=raster.mask & ~edge)
    edge_pixel = np.broadcast_to((row * width + column)[:, None], fine.mask.shape)[fine.mask]
    inner_pixel = np.flatnonzero(inner.mask)
    return PixelSamples(
        pixel=np.concatenate([inner_pixel, edge_pixel]),
        weight=np.repeat(np.array([1.0, 1.0 / EDGE_RAYS], np.float32), [len(inner_pixel), len(edge_pixel)]),
        position=np.concatenate([_colour_positions(inner, overlap), _colour_positions(fine, overlap)]),
        normal=np.concatenate([inner.normal[inner.mask], fine.normal[fine.mask]]),
    )


def _colour_positions(raster: Raster, overlap: Overlap | None) -> NDArray[np.float32]:
    if overlap is None:
        return raster.position[raster.mask]
    return overlap.colour_positions(raster.triangle[raster.mask], raster.barycentric[raster.mask])


def edge_pixels(raster: Raster, pixel_angle: float) -> NDArray[np.bool_]:
    """[H, W]: the pixels beside a silhouette, or beside another pixel whose surface lies in front or behind.

    ``pixel_angle`` is the side of a pixel at distance 1.
    """
    edge = np.zeros(raster.mask.shape, np.bool_)
    _mark_edges(raster.mask, raster.depth, raster.position, raster.normal, np.float32(_JUMP * pixel_angle), edge)
    return edge


@njit(nogil=True, error_model="numpy")
def _mark_edges(
    mask: NDArray[np.bool_],
    depth: NDArray[np.float32],
    position: NDArray[np.float32],
    normal: NDArray[np.float32],
    jump: np.float32,
    edge: NDArray[np.bool_],
) -> None:
    """Set both pixels of each pair of neighbours that lies across an edge; ``jump`` is ``_JUMP`` at distance 1."""
    height, width = mask.shape
    # Neighbours at about one depth are about a pixel apart: no need to look at their planes.
    nearly = np.float32(math.sqrt(1.0 - 1.0 / _JUMP**2))
    for row in range(height):
        for column in range(width):
            for down in range(2):
                other_row, other_column = row + down, column + 1 - down
                if other_row == height or other_column == width:
                    continue
                here, there = mask[row, column], mask[other_row, other_column]
                across = here != there
                if here and there:
                    one, other = depth[row, column], depth[other_row, other_column]
                    limit = jump * min(one, other)
                    if abs(other - one) > nearly * limit:
                        ahead, behind = np.float32(0.0), np.float32(0.0)
                        for axis in range(3):
                            step = position[other_row, other_column, axis] - position[row, column, axis]
                            ahead += step * normal[row, column, axis]
                            behind += step * normal[other_row, other_column, axis]
                        # From either side: across a crease each point lies near the plane of the other.
                        across = abs(ahead) > limit and abs(behind) > limit
                if across:
                    edge[row, column] = edge[other_row, other_column] = True


def _hammersley(count: int) -> NDArray[np.float64]:
    """[count, 2] points in the unit square (Hammersley set): each in a row and a column of its own."""
    number = np.arange(count)
    digits = math.ceil(math.log2(count))
    reverse = sum(((number >> digit) & 1) << (digits - 1 - digit) for digit in range(digits))
    return np.stack([number + 0.5, reverse + 0.5], axis=-1) / count
