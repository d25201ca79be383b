# SPDX-License-Identifier: GPL-3.0-or-later
"""UVs for the faces that have none on a mesh whose other faces have: in what those leave free of the texture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_cdt

from ..geometry.mesh import uv_areas
from ..geometry.uv_layers import UvLayers, downward
from ..job import JobError
from ..reporting import Reporter
from .unwrap import unwrap

_CELLS = 512
"""Cells along the texture's side in which free space is looked for."""
_MARGIN_CELLS = 2
"""Distance of the new UVs to those that are there."""
_COARSEST = 0.25
"""Texels along a line on the surface that new faces must get, as a share of what the others have."""

Floats = NDArray[np.float64]


def unwrap_beside(
    positions: NDArray[Any],
    triangles: NDArray[Any],
    corner_uvs: Floats,
    bare: NDArray[np.bool_],
    reporter: Reporter | None = None,
) -> Floats:
    """Give triangles without UVs a place of their own.

    Args:
        positions: [V, 3].
        triangles: [T, 3].
        corner_uvs: [T, 3, 2]; they count where ``bare`` is false.
        bare: [T] which triangles have no UVs; some have, and some have not.
        reporter: see ``unwrap``.

    Returns:
        ``corner_uvs`` with those of the bare triangles, in the largest free square of the texture, with as many texels
        to a length as the others have where there is room for it.

    Raises:
        JobError: ``bad_mesh`` when there is no room, or a bare part cannot be unwrapped.
        Cancelled: ``reporter`` said so.
    """
    corner, side = _largest_free_square(corner_uvs[~bare])
    new = unwrap(positions, triangles[bare], reporter)
    areas = np.linalg.norm(_doubled_areas(positions[triangles]), axis=-1)
    there = _density(corner_uvs[~bare], areas[~bare])
    wanted = there / _density(new, areas[bare])
    if not side >= _COARSEST * wanted:
        raise JobError(
            "bad_mesh",
            f"{int(bare.sum())} of the {len(bare)} triangles of the mesh have no UVs, "
            "and those of the others leave no room for them in the texture",
            "Unwrap all of it in Blender, or export it without UVs to have all of them made.",
        )
    uvs = corner_uvs.copy()
    uvs[bare] = corner + new * min(side, wanted)
    return uvs


def _largest_free_square(corner_uvs: Floats) -> tuple[Floats, float]:
    """Lower left corner [2] and side of a square that no triangle [T, 3, 2] reaches, nor any of its repeats."""
    grid = np.arange(_CELLS)
    centres = (np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2) + 0.5) / _CELLS
    layers = UvLayers(corner_uvs.astype(np.float32))
    taken = np.zeros((_CELLS, _CELLS), bool)
    if len(layers.triangle):
        taken.flat[np.flatnonzero(layers.first(centres) >= 0)] = True
    # What is narrower than a cell passes between their centres.
    rim = downward(_along_edges(corner_uvs))
    column, row = ((rim - np.floor(rim)) * _CELLS).astype(np.int64).clip(0, _CELLS - 1).T
    taken[row, column] = True
    near = binary_dilation(np.pad(taken, _MARGIN_CELLS, "wrap"), np.ones((3, 3), bool), _MARGIN_CELLS)
    free = ~np.asarray(near, np.bool_)[_MARGIN_CELLS:-_MARGIN_CELLS, _MARGIN_CELLS:-_MARGIN_CELLS]
    distance = np.asarray(distance_transform_cdt(np.pad(free, 1), "chessboard"))[1:-1, 1:-1]
    row, column = np.unravel_index(distance.argmax(), distance.shape)
    reach = int(distance[row, column]) - 1
    if reach < 0:
        return np.zeros(2), 0.0
    side = (2 * reach + 1) / _CELLS
    # Rows run downwards, UVs upwards.
    return np.array([(column - reach) / _CELLS, 1.0 - (row - reach) / _CELLS - side]), side


def _along_edges(corner_uvs: Floats) -> Floats:
    """Points [N, 2] along the edges of triangles [T, 3, 2], no further apart than half a cell."""
    begin = corner_uvs.reshape(-1, 2)
    way = np.roll(corner_uvs, -1, axis=1).reshape(-1, 2) - begin
    count = np.ceil(np.abs(way).max(axis=-1) * 2 * _CELLS).astype(np.int64) + 1
    edge = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    return begin[edge] + way[edge] * (number / count[edge])[:, None]


def _density(corner_uvs: Floats, areas: Floats) -> float:
    """Length in the UV layout for a length on the surface; 0 for UVs without area."""
    covered = float(uv_areas(corner_uvs.astype(np.float32)).sum())
    return float(np.sqrt(covered / areas.sum())) if areas.sum() > 0.0 else 1.0


def _doubled_areas(corners: NDArray[Any]) -> Floats:
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
