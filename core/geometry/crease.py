# SPDX-License-Identifier: GPL-3.0-or-later
"""Split normals for files that bring none: smooth over shallow edges, sharp over creases."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

CREASE_DEGREES = 30.0
"""Edges sharper than this stay sharp (Blender's own default)."""


def crease_normals(positions: NDArray[Any], triangles: NDArray[Any]) -> NDArray[np.float32]:
    """Unit normals [T, 3, 3] of the corners of ``triangles`` [T, 3]: the faces around a vertex share one, weighted by
    area, where smooth edges join them. Vertices in one place count as one. A corner without any area gets 0.
    """
    _, welded = np.unique(positions, axis=0, return_inverse=True)
    faces = welded.reshape(-1)[triangles]
    corners = positions[triangles].astype(np.float64)
    weighted = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    first, second = _smooth_edges(faces, _unit(weighted))
    # Half-edge h leaves corner h of its face for the next corner; link the two corners at either end.
    next_first, next_second = _next_corner(first), _next_corner(second)
    same_way = faces.reshape(-1)[first] == faces.reshape(-1)[second]
    rows = np.concatenate([first, next_first])
    columns = np.concatenate([np.where(same_way, second, next_second), np.where(same_way, next_second, second)])
    links = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(faces.size, faces.size))
    groups, group = connected_components(links, directed=False)
    shares = np.repeat(weighted, 3, axis=0)
    total = np.stack([np.bincount(group, shares[:, axis], groups) for axis in range(3)], axis=-1)
    return _unit(total)[group].reshape(-1, 3, 3).astype(np.float32)


def _smooth_edges(faces: NDArray[Any], normals: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pairs of half-edges (numbered 3 * face + corner) that are one edge, shallower than ``CREASE_DEGREES``."""
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    paired = (edges[order[:-1]] == edges[order[1:]]).all(axis=1)
    first, second = order[:-1][paired], order[1:][paired]
    smooth = (normals[first // 3] * normals[second // 3]).sum(-1) > np.cos(np.radians(CREASE_DEGREES))
    return first[smooth], second[smooth]


def _next_corner(half_edge: NDArray[Any]) -> NDArray[Any]:
    return half_edge - half_edge % 3 + (half_edge + 1) % 3


def _unit(vectors: NDArray[Any]) -> NDArray[Any]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0.0, length, 1.0)
