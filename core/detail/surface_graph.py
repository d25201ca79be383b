# SPDX-License-Identifier: GPL-3.0-or-later
"""Points spread evenly over a surface, each with a tangent plane and its neighbours, coarse and fine.

What lies on one tangent plane goes on, on the next one: the way to a neighbour is as long as it is over the surface,
also around an edge. Edges are rounded for that: normals are averaged over a few points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..geometry.mesh import Mesh, face_vectors, points_on
from ..geometry.overlap import Overlap
from ..geometry.surface_patches import upright

_CANDIDATES = 4
"""Points drawn for each that is kept, about."""
_ROUNDINGS = 3
"""Times that normals are averaged with those around."""
_ROUND = 12
"""Points around that are averaged."""
_NEIGHBOURS = 8
_NORMAL_WEIGHT = 0.7
"""Distance, in spacings, that the normals of unlike sides add: those of a thin wall are no neighbours."""
_FARTHEST = 4.0
"""Spacings from which a point is no neighbour."""
_OPPOSITE = -0.3
"""Cosine between normals below which points are on the two sides of a wall, not around an edge."""
_TURNED = 0.9
"""Cosine between the "right" of two planes below which no picture goes on from one to the other."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Neighbours:
    """The K neighbours of n points, one level of a graph. Ways are [n, K, 2]: to the right and up, as on the mesh."""

    points: Ints
    """[n] which of the graph's points they are."""
    index: Ints
    """[n, K] the neighbours, as indices into ``points``."""
    way: Floats
    """From each point to the neighbour, on the point's plane."""
    back: Floats
    """From the neighbour to the point, on the neighbour's plane."""
    turned: Bools
    """[n, K] whether the two planes are turned against each other."""
    real: Bools
    """[n, K] whether they are neighbours at all, and not merely nearest."""


@dataclass(frozen=True)
class SurfaceGraph:
    """N points of a normalised mesh."""

    position: Floats
    """[N, 3]."""
    normal: Floats
    """[N, 3] unit, averaged over the surroundings."""
    right: Floats
    """[N, 3] unit tangent."""
    up: Floats
    """[N, 3] unit tangent; it points upwards where the surface does not lie."""
    spacing: float
    """About the distance between points."""
    levels: tuple[Neighbours, ...]
    """The first is of all points; each of the others of a fourth of those before."""

    def nearest(self, position: Floats, normal: Floats, count: int) -> tuple[Floats, Ints]:
        """Distances and numbers [M, count] of the points nearest to others: ``position`` and unit ``normal`` [M, 3]."""
        apart, number = self._tree.query(features(position, normal, self.spacing), np.arange(1, count + 1))
        return apart.astype(np.float32), number

    @cached_property
    def _tree(self) -> Any:
        return KDTree(features(self.position, self.normal, self.spacing))


def surface_graph(
    mesh: Mesh, spacing: float, levels: int, generator: np.random.Generator, overlap: Overlap | None = None
) -> SurfaceGraph:
    """Spread points over a mesh.

    Args:
        mesh: normalised.
        spacing: distance between points.
        levels: how many, at least 1; a level without enough points for neighbours is left out.
        generator: draws the points.
        overlap: of ``mesh``; points lie where the surface owns its texels.
    """
    position, normal = _spread_points(mesh, spacing, generator, overlap)
    normal = _rounded(position, normal, spacing)
    right, up = upright(normal)
    order = generator.permutation(len(position))
    graded = []
    for level in range(levels):
        points = order[: len(order) // 4**level]
        if level and len(points) <= _NEIGHBOURS:
            break
        graded.append(_neighbours(points, position, normal, right, up, spacing * 2**level))
    return SurfaceGraph(position, normal, right, up, spacing, tuple(graded))


def _spread_points(
    mesh: Mesh, spacing: float, generator: np.random.Generator, overlap: Overlap | None
) -> tuple[Floats, Floats]:
    """Positions and normals: one random point in each cell of a grid that the surface goes through, and each side."""
    areas = np.linalg.norm(face_vectors(mesh), axis=-1) / 2.0
    count = max(int(_CANDIDATES * areas.sum() / spacing**2), _CANDIDATES * _NEIGHBOURS)
    place = (np.arange(count) + generator.random(count)) / count
    triangle = np.searchsorted(np.cumsum(areas) / areas.sum(), place).clip(0, len(areas) - 1).astype(np.int32)
    root, share = np.sqrt(generator.random(count)), generator.random(count)
    weights = np.stack([1.0 - root, root * (1.0 - share), root * share], axis=-1).astype(np.float32)
    if overlap is not None:
        triangle, weights = overlap.owners(triangle, weights)
    position, normal = points_on(mesh, triangle, weights)
    cell = np.floor(position / spacing).astype(np.int64)
    axis = np.abs(normal).argmax(axis=-1)
    side = 2 * axis + (np.take_along_axis(normal, axis[:, None], axis=-1)[:, 0] > 0.0)
    off_centre = np.square(position / spacing - cell - 0.5).sum(axis=-1)
    key = np.column_stack([cell - cell.min(axis=0), side])
    order = np.lexsort((off_centre, *key.T))
    first = np.any(np.diff(key[order], axis=0, prepend=-1) != 0, axis=-1)
    return position[order[first]], normal[order[first]]


def _rounded(position: Floats, normal: Floats, spacing: float) -> Floats:
    """Normals [N, 3] averaged with those around, but for those of another side."""
    count = min(_ROUND + 1, len(position))
    where = features(position, normal, spacing)
    tree: Any = KDTree(where)
    _, around = tree.query(where, np.arange(1, count + 1))
    same_side = (normal[around] * normal[:, None]).sum(-1, keepdims=True) > _OPPOSITE
    rounded = normal
    for _ in range(_ROUNDINGS):
        total = (rounded[around] * same_side).sum(axis=1)
        length = np.linalg.norm(total, axis=-1, keepdims=True)
        rounded = np.where(length > 1e-3, total / np.maximum(length, 1e-3), rounded).astype(np.float32)
    return rounded


def _neighbours(
    points: Ints, position: Floats, normal: Floats, right: Floats, up: Floats, spacing: float
) -> Neighbours:
    position, normal, right, up = position[points], normal[points], right[points], up[points]
    where = features(position, normal, spacing)
    tree: Any = KDTree(where)
    _, index = tree.query(where, np.arange(2, min(_NEIGHBOURS + 1, len(points)) + 1))
    there, apart = normal[index], position[index] - position[:, None]
    here = np.broadcast_to(normal[:, None], there.shape)
    way, back = _unfolded(apart, here, there), _unfolded(-apart, there, here)
    cosine = (here * there).sum(-1)
    turned = (_turned_into(right[index], there, here) * right[:, None]).sum(-1) < _TURNED
    real = (cosine > _OPPOSITE) & (np.linalg.norm(apart, axis=-1) < _FARTHEST * spacing)
    return Neighbours(
        points,
        index,
        _on_plane(way, right[:, None], up[:, None]),
        _on_plane(back, right[index], up[index]),
        turned,
        real,
    )


def features(position: Floats, normal: Floats, spacing: float) -> Floats:
    """[M, 6] for trees in which what is near lies on the same side: of positions and unit normals [M, 3]."""
    return np.concatenate([position, np.float32(_NORMAL_WEIGHT * spacing) * normal], axis=-1)


def _on_plane(vectors: Floats, right: Floats, up: Floats) -> Floats:
    return np.stack([(vectors * right).sum(-1), (vectors * up).sum(-1)], axis=-1)


def _unfolded(apart: Floats, here: Floats, there: Floats) -> Floats:
    """The straight ways ``apart`` [..., 3] laid on the plane of the unit normals ``here``, as long as over the surface.

    The surface between is taken as an arc from ``here`` to the normals ``there``.
    """
    start = apart - here * (apart * here).sum(-1, keepdims=True)
    end = apart - there * (apart * there).sum(-1, keepdims=True)
    way = start + _turned_into(end, there, here)
    half_chord = np.linalg.norm(here - there, axis=-1, keepdims=True) / 2.0
    arc = np.arcsin(half_chord.clip(0.0, 1.0)) / np.maximum(half_chord, 1e-6)
    length = np.linalg.norm(apart, axis=-1, keepdims=True) * np.where(half_chord > 1e-3, arc, 1.0)
    return (way * length / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-9)).astype(np.float32)


def _turned_into(vectors: Floats, start: Floats, end: Floats) -> Floats:
    """``vectors`` turned as the unit normals ``start`` turn into ``end`` (all [..., 3]) on the shortest way."""
    cosine = (start * end).sum(-1, keepdims=True)
    axis = np.cross(start, end)
    along = axis * (axis * vectors).sum(-1, keepdims=True) / np.maximum(1.0 + cosine, 0.05)
    return (vectors * cosine + np.cross(axis, vectors) + along).astype(np.float32)
