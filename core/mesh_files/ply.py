# SPDX-License-Identifier: GPL-3.0-or-later
"""Stanford PLY (Turk, 1994): polygons and triangle strips, as text or binary, with UVs at vertices or at corners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ply_elements import Rows, read_header, read_rows
from .polygons import triangulate
from .raw_mesh import RawMesh, Unreadable, by_corner, refuse_too_many

_UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"))
_FACE_NAMES = ("vertex_indices", "vertex_index")


@dataclass(frozen=True)
class _Polygons:
    corners: NDArray[np.int64]
    counts: NDArray[np.int64]
    corner_uvs: NDArray[np.float64] | None
    """[C, 2]; 0 for all corners of a polygon that has none."""
    bare: NDArray[np.bool_]
    """Which polygons have none; all, where UVs are those of vertices."""


def read_ply(path: Path, tick: Callable[[], None]) -> RawMesh:
    """Read a file, in its own axes.

    Args:
        path: the file.
        tick: called now and then; may raise, to stop.

    Raises:
        Unreadable: it is no PLY, is cut off, holds points alone, or faces refer to vertices that are not there.
    """
    data = path.read_bytes()
    header = read_header(data)
    rows = read_rows(data, header, tick)
    if "vertex" not in rows:
        raise Unreadable("has no vertices")
    vertices = rows["vertex"]
    positions = vertices.columns("x", "y", "z")
    if positions is None:
        raise Unreadable("has vertices without x, y and z")
    if "face" in rows:
        polygons = _faces(rows["face"])
    elif "tristrips" in rows:
        polygons = _strips(rows["tristrips"])
    else:
        raise Unreadable("is a cloud of points without faces", "Make a surface of it first, in MeshLab for example.")
    if len(polygons.corners) and not 0 <= polygons.corners.min() <= polygons.corners.max() < len(positions):
        wrong = polygons.corners[(polygons.corners < 0) | (polygons.corners >= len(positions))][0]
        raise Unreadable(f"has a face that refers to vertex {wrong} of {len(positions)}")
    refuse_too_many(int((polygons.counts - 2).clip(0).sum()))
    tick()
    cut, polygon = triangulate(positions, polygons.corners, polygons.counts, tick)
    triangles = polygons.corners[cut]
    found = (vertices.columns(*names) for names in _UV_NAMES)
    of_vertices = next((uv for uv in found if uv is not None), None)
    uvs, bare = by_corner(of_vertices, triangles, 2), np.full(len(triangles), of_vertices is None)
    if polygons.corner_uvs is not None:
        # Those of corners say more, where there are any.
        theirs = ~polygons.bare[polygon]
        uvs[theirs], bare[theirs] = polygons.corner_uvs[cut[theirs]], False
    normals = by_corner(vertices.columns("nx", "ny", "nz"), triangles, 3)
    return RawMesh(positions, triangles, uvs, bare, normals)


def _faces(rows: Rows) -> _Polygons:
    name = next((name for name in _FACE_NAMES if name in rows.lists), None)
    if name is None:
        raise Unreadable("has faces without vertex_indices")
    values, counts = rows.lists[name]
    if "texcoord" not in rows.lists:
        return _Polygons(values.astype(np.int64), counts, None, np.ones(len(counts), bool))
    uvs, lengths = rows.lists["texcoord"]
    corner_uvs = np.zeros((len(values), 2))
    fits = lengths == 2 * counts
    corner_uvs[np.repeat(fits, counts)] = uvs[np.repeat(fits, lengths)].reshape(-1, 2)
    return _Polygons(values.astype(np.int64), counts, corner_uvs, ~fits)


def _strips(rows: Rows) -> _Polygons:
    name = next((name for name in _FACE_NAMES if name in rows.lists), None)
    if name is None:
        raise Unreadable("has strips without vertex_indices")
    values, counts = rows.lists[name]
    # A strip ends where its list does, and at -1.
    lists = np.split(values.astype(np.int64), np.cumsum(counts)[:-1])
    strips: list[NDArray[Any]] = [part for one in lists for part in np.split(one, np.flatnonzero(one < 0))]
    triangles = [_strip_triangles(strip[strip >= 0]) for strip in strips]
    corners = np.concatenate([np.empty((0, 3), np.int64), *triangles])
    return _Polygons(corners.reshape(-1), np.full(len(corners), 3, np.int64), None, np.ones(len(corners), bool))


def _strip_triangles(strip: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(strip) < 3:
        return np.empty((0, 3), np.int64)
    triangles = np.stack([strip[:-2], strip[1:-1], strip[2:]], axis=-1)
    triangles[1::2] = triangles[1::2, [1, 0, 2]]
    return triangles
