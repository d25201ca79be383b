# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture that repeats itself, laid over a surface like cloth.

Places go on from point to point over the whole surface, starting in front. Where they meet again, behind a limb or
around it, they may differ by a repeat of the picture; what they differ besides is spread over the way there, so that
the pattern closes by being stretched a little. Where it cannot, at sharp bends and on what is curved two ways at once,
it tears. That a place differs in a direction in which the picture hardly changes, along a stripe, is hardly seen, and
is let be.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.sparse.linalg import cg, spsolve
from scipy.spatial import KDTree

from .exemplar import Exemplar
from .surface_graph import Neighbours, SurfaceGraph, features
from .ways import in_pixels, offset

_FINE_ENOUGH = 0.25
"""Distance of points over the shortest way of the lattice, at most: else one could not tell which repeat is meant."""
_FIRST_BEND, _BEND = 10.0, 3.0
"""How much a bend counts (one minus the cosine between normals) on the first way to a point, and in the stretching."""
_STRAY = 0.8
"""Misfit between neighbours from which the picture rather tears than stretches, in distances of the points."""
_FORGIVING, _STRICTER = 10.0, 0.75
"""At first so many times as much, on the coarsest level, and less from round to round (graduated non-convexity, Blake
and Zisserman 1987): what a long way round can take up does not tear where the ways happened to meet.
"""
_ROUNDS, _FINER_ROUNDS = 20, 6
"""Times that it is found out anew what tears, on the coarsest level and on the others."""
_MOST_DIRECT = 12_000
"""Points up to which equations are solved directly; more begin near their solution."""
_ITERATIONS = 60
"""Of conjugate gradients, at most."""
_ANCHOR = 1e-4
"""Weight that keeps all where it is, where nothing else does."""
_AROUND = 5
"""Points whose places a point between them goes by."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def lay_out(graph: SurfaceGraph, exemplar: Exemplar, lattice: NDArray[np.float64]) -> Floats | None:
    """Places [N, 2] of all points of ``graph`` in the one picture of ``exemplar``, which repeats itself by ``lattice``
    (``repeats.find_lattice``); ``None`` where the points are too far from each other for that.
    """
    apart = graph.spacing * exemplar.scale
    shortest = np.linalg.norm(lattice, axis=-1).min()
    fine_enough = [number for number in range(len(graph.levels)) if apart * 2**number <= _FINE_ENOUGH * shortest]
    if not fine_enough:
        return None
    seen = _seen(exemplar.pictures[0])
    place = np.zeros((0, 2))
    for level in reversed(fine_enough):
        edges, points = _Edges(graph, graph.levels[level], exemplar), graph.levels[level].points
        if level == fine_enough[-1]:
            place, forgiving, rounds = _one_by_one(edges, graph.position[points]), _FORGIVING, _ROUNDS
        else:
            place, forgiving, rounds = _between(graph, level + 1, place, points, exemplar, lattice), 1.0, _FINER_ROUNDS
        for number in range(rounds):
            stray = _STRAY * apart * 2**level * max(1.0, forgiving * _STRICTER**number)
            place = _stretched(place, edges, lattice, seen / stray)
    found = np.empty_like(place)
    found[graph.levels[0].points] = place
    return _folded(found, exemplar, lattice)


def _seen(picture: Floats) -> NDArray[np.float64]:
    """[2, 2] what turns steps in columns and rows of ``picture`` [H, W, 3] into what is seen of them: in the direction
    in which it changes most they stay as they are.
    """
    down, across = np.gradient(picture, axis=(0, 1))
    both = np.stack([across, down]).reshape(2, -1).astype(np.float64)
    strength, direction = np.linalg.eigh(both @ both.T)
    return (direction * np.sqrt(strength.clip(0.0) / strength.max())) @ direction.T


class _Edges:
    """Pairs of neighbours, of n points, over which a picture goes on."""

    def __init__(self, graph: SurfaceGraph, neighbours: Neighbours, exemplar: Exemplar) -> None:
        self.count = len(neighbours.points)
        normal = graph.normal[neighbours.points]
        goes_on = neighbours.real & ~neighbours.turned
        self.start, column = np.nonzero(goes_on)
        self.end: Ints = neighbours.index[self.start, column]
        self.way = in_pixels(neighbours.way[goes_on], exemplar).astype(np.float64)
        """[e, 2] from each start to its end."""
        self.bend = (1.0 - (normal[self.start] * normal[self.end]).sum(-1)).clip(0.0)


def _one_by_one(edges: _Edges, position: Floats) -> NDArray[np.float64]:
    """Places [n, 2], each going on from that of a neighbour; in each connected piece from what is most in front."""
    length = np.linalg.norm(edges.way, axis=-1) * (1.0 + _FIRST_BEND * edges.bend) + 1e-9
    net = csr_array((length, (edges.start, edges.end)), shape=(edges.count, edges.count))
    _, piece = connected_components(net, directed=True, connection="strong")
    from_front = np.argsort(position[:, 1], kind="stable")
    _, first = np.unique(piece[from_front], return_index=True)
    distance, before, _ = dijkstra(net, indices=from_front[first], min_only=True, return_predecessors=True)
    way = dict(zip(zip(edges.start.tolist(), edges.end.tolist(), strict=True), edges.way, strict=True))
    place = np.zeros((edges.count, 2))
    for point in np.argsort(distance, kind="stable").tolist():
        if before[point] >= 0:
            place[point] = place[before[point]] + way[int(before[point]), point]
    return place


def _stretched(
    place: NDArray[np.float64], edges: _Edges, lattice: NDArray[np.float64], strain: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One round of iterated least squares towards places [n, 2] that fit together as well as they can, but for repeats:
    what fits badly counts less (Cauchy's weights). Misfits times ``strain`` [2, 2] are 1 where they begin to tear.
    """
    start, end, count = edges.start, edges.end, edges.count
    misfit = place[end] - place[start] - edges.way
    repeat = np.rint(misfit @ np.linalg.inv(lattice)) @ lattice
    strained = np.square((misfit - repeat) @ strain).sum(axis=-1)
    weight = 1.0 / (1.0 + strained) / (1.0 + _BEND * edges.bend)
    wanted = weight[:, None] * (edges.way + repeat)
    across = coo_array((weight, (start, end)), shape=(count, count))
    diagonal = np.bincount(start, weight, count) + np.bincount(end, weight, count) + _ANCHOR
    equations = (diags_array(diagonal) - across - across.T).tocsc()
    right = _ANCHOR * place
    np.add.at(right, end, wanted)
    np.add.at(right, start, -wanted)
    if count <= _MOST_DIRECT:
        return np.asarray(spsolve(equations, right))
    columns = zip(right.T, place.T, strict=True)
    known = diags_array(1.0 / diagonal)
    return np.stack([cg(equations, one, first, maxiter=_ITERATIONS, M=known)[0] for one, first in columns], axis=-1)


def _between(
    graph: SurfaceGraph,
    level: int,
    place: NDArray[np.float64],
    wanted: Ints,
    exemplar: Exemplar,
    lattice: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Places [m, 2] of the graph's points ``wanted`` [m], by those [n, 2] of the points of ``level`` around each that
    agree.
    """
    points, apart = graph.levels[level].points, graph.spacing * 2**level
    tree: Any = KDTree(features(graph.position[points], graph.normal[points], apart))
    position = graph.position[wanted]
    distance, near = tree.query(
        features(position, graph.normal[wanted], apart), np.arange(1, min(_AROUND, len(points)) + 1)
    )
    offered = np.stack([place[one] + offset(graph, points[one], position, exemplar) for one in near.T], axis=1)
    aside = offered - offered[:, :1]
    aside -= np.rint(aside @ np.linalg.inv(lattice)) @ lattice
    agree = np.linalg.norm(aside, axis=-1) < 2.0 * _STRAY * apart * exemplar.scale
    # From the nearest, which agrees with itself: far from all of them the weights do not vanish together.
    weight = np.exp(np.square(distance[:, :1] / apart) - np.square(distance / apart)) * agree
    return offered[:, 0] + np.einsum("nk,nkc->nc", weight, aside) / weight.sum(axis=1, keepdims=True)


def _folded(place: NDArray[np.float64], exemplar: Exemplar, lattice: NDArray[np.float64]) -> Floats:
    """The repeats of places [N, 2] that lie deepest in the picture."""
    height, width = exemplar.pictures[0].shape[:2]
    middle = np.array([width - 1, height - 1]) / 2.0
    from_middle = place - middle
    from_middle = from_middle - np.rint(from_middle @ np.linalg.inv(lattice)) @ lattice
    near = np.array([[a, b] for a in (0, -1, 1) for b in (0, -1, 1)]) @ lattice
    repeats = from_middle[:, None] + near
    depth = np.abs(repeats / middle).max(axis=-1)
    return (repeats[np.arange(len(place)), depth.argmin(axis=1)] + middle).astype(np.float32)
