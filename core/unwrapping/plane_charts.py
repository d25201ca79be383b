# SPDX-License-Identifier: GPL-3.0-or-later
"""A UV layout of flat charts, for where there is no xatlas: each chart is a part of the surface seen from one side.

Charts grow over triangles that face about the same way, anew from their middles a few times (variational shape
approximation, Cohen-Steiner et al. 2004), and are projected: nothing turns over, and nothing is pressed together
further than ``_FLATTEST`` says. A chart that covers itself, as a spiral ramp does, is halved until it no longer does.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from trimesh.graph import connected_component_labels, face_adjacency

from ..geometry.uv_layers import UvLayers, downward

_FLATTEST = 0.5
"""Least cosine between the normal of a triangle and the axis of its chart: widths shrink to no less than this share."""
_ROUNDS = 3
"""How often the charts grow anew."""
_SMALL = 0.1
"""Of the largest chart's area: what is smaller does not grow anew, and goes to its neighbours where it can."""
_MARGIN = 1.0 / 256.0
"""Distance between charts as a share of the layout's side; less where there are very many."""
_ROTATIONS = 16
"""Ways to turn a chart by less than a right angle, of which the one with the smallest box is taken."""
_SAMPLES = 1 << 18
"""Places, beside one in each triangle, at which overlaps are looked for."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def plane_charts(vertices: Floats, triangles: NDArray[Any]) -> Floats:
    """Unwrap a mesh.

    Args:
        vertices: [V, 3], each place once; the mesh is about 1 large.
        triangles: [T, 3].

    Returns:
        UVs [T, 3, 2] in [0, 1]; those of triangles without area are 0.
    """
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled = np.linalg.norm(normals, axis=-1)
    solid = np.flatnonzero(doubled > 1e-12)
    uvs = np.zeros((len(triangles), 3, 2))
    if len(solid):
        unit = normals[solid] / doubled[solid, None]
        uvs[solid] = _unwrapped(corners[solid], unit, doubled[solid], face_adjacency(triangles[solid]))
    return uvs


def _unwrapped(corners: Floats, normals: Floats, areas: Floats, neighbours: Ints) -> Floats:
    """As ``plane_charts``, of triangles with unit ``normals`` [T, 3] of which ``neighbours`` [E, 2] share an edge."""
    chart, axes = _charts(normals, areas, neighbours)
    axis = axes[chart]
    flat = np.einsum("tcx,tdx->tcd", corners, _across(axis))
    height = np.einsum("tcx,tx->t", corners, axis)
    while True:
        uvs = _pack(flat, chart)
        faulty = np.unique(chart[_overlapping(uvs)])
        if not len(faulty):
            return uvs
        chart = _halve(chart, faulty, height, neighbours)


def _charts(normals: Floats, areas: Floats, neighbours: Ints) -> tuple[Ints, Floats]:
    """The chart [T] of each triangle, and the charts' axes [C, 3]."""
    both = np.concatenate([neighbours, neighbours[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    begins = np.searchsorted(both[:, 0], np.arange(len(normals) + 1)).tolist()
    beside = [both[begin:end, 1].tolist() for begin, end in pairwise(begins)]
    largest_first = np.argsort(-areas, kind="stable").tolist()
    chart, axes = _grow([], [], normals.tolist(), beside, largest_first)
    for _ in range(_ROUNDS):
        count = len(axes)
        mean = np.stack([np.bincount(chart, part * areas, count) for part in normals.T], axis=-1)
        mean /= np.linalg.norm(mean, axis=-1, keepdims=True)
        order = np.lexsort((-(normals * mean[chart]).sum(axis=-1), chart))
        middle = order[np.searchsorted(chart[order], np.arange(count))]
        # At least one triangle of a chart is as near to the mean as ``_FLATTEST`` asks: their weighted mean is.
        size = np.bincount(chart, areas, count)
        kept = np.flatnonzero(size > _SMALL * size.max())
        chart, axes = _grow(middle[kept].tolist(), mean[kept].tolist(), normals.tolist(), beside, largest_first)
    return chart, axes


def _grow(
    seeds: list[int],
    axes: list[list[float]],
    normals: list[list[float]],
    beside: list[list[int]],
    largest_first: list[int],
) -> tuple[Ints, Floats]:
    """Let charts grow from ``seeds`` along ``axes``, what is most alike first, and then from what is left over."""
    chart = [-1] * len(normals)
    axes = list(axes)

    def spread(reached: list[tuple[float, int, int]]) -> None:
        while reached:
            _, triangle, number = heappop(reached)
            if chart[triangle] >= 0:
                continue
            chart[triangle] = number
            x, y, z = axes[number]
            for other in beside[triangle]:
                if chart[other] < 0:
                    across, along, up = normals[other]
                    alike = x * across + y * along + z * up
                    if alike >= _FLATTEST:
                        heappush(reached, (-alike, other, number))

    # All seeds before the first neighbour.
    spread([(-2.0, seed, number) for number, seed in enumerate(seeds)])
    for start in largest_first:
        if chart[start] < 0:
            axes.append(normals[start])
            spread([(-2.0, start, len(axes) - 1)])
    return np.array(chart, np.int64), np.array(axes)


def _across(axis: Floats) -> Floats:
    """Two directions [T, 2, 3] that are a right-handed frame with each unit ``axis`` [T, 3] (Duff et al., 2017)."""
    x, y, z = axis.T
    sign = np.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    first = np.stack([1.0 + sign * x * x * a, sign * b, -sign * x], axis=-1)
    return np.stack([first, np.stack([b, sign + y * y * a, -y], axis=-1)], axis=1)


def _overlapping(uvs: Floats) -> Ints:
    """Triangles that cover others, or are covered; charts are apart, so that these are of the same one."""
    generator = np.random.default_rng(0)
    first, second = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    spread = generator.choice(len(uvs), _SAMPLES, p=area / area.sum())
    triangle = np.concatenate([np.arange(len(uvs)), spread])
    weights = generator.dirichlet((1.0, 1.0, 1.0), len(triangle))
    place = downward(np.einsum("nc,ncd->nd", weights, uvs[triangle]))
    layers = UvLayers(uvs.astype(np.float32))
    of_triangle, turn = triangle.astype(np.int32), np.zeros_like(place)
    covered = layers.is_other(layers.first(place), of_triangle, turn, place)
    return np.unique(triangle[covered | layers.is_other(layers.last(place), of_triangle, turn, place)])


def _halve(chart: Ints, faulty: Ints, height: Floats, neighbours: Ints) -> Ints:
    """The charts [T] with each of the ``faulty`` ones cut where half of its triangles are higher along its axis."""
    half = chart * 2
    for each in faulty:
        members = np.flatnonzero(chart == each)
        upper = np.argsort(height[members], kind="stable")[len(members) // 2 :]
        half[members[upper]] += 1
    joined = neighbours[half[neighbours[:, 0]] == half[neighbours[:, 1]]]
    return connected_component_labels(joined, node_count=len(chart))


def _pack(flat: Floats, chart: Ints) -> Floats:
    """Turn the charts and lay them out in rows over the unit square: UVs [T, 3, 2] from ``flat`` ones."""
    order = np.argsort(chart, kind="stable")
    starts = np.flatnonzero(np.diff(chart[order], prepend=-1))
    index = np.cumsum(np.diff(chart[order], prepend=-1) > 0) - 1
    points = flat[order]
    best = np.full(len(starts), np.inf)
    turned, low, size = points.copy(), np.zeros((len(starts), 2)), np.zeros((len(starts), 2))
    for angle in np.arange(_ROTATIONS) * (np.pi / 2.0 / _ROTATIONS):
        cosine, sine = np.cos(angle), np.sin(angle)
        tried = points @ np.array([[cosine, sine], [-sine, cosine]])
        least = np.minimum.reduceat(tried.min(axis=1), starts)
        extent = np.maximum.reduceat(tried.max(axis=1), starts) - least
        better = extent.prod(axis=-1) < best
        best[better], low[better], size[better] = extent.prod(axis=-1)[better], least[better], extent[better]
        turned[better[index]] = tried[better[index]]
    turned -= low[index, None]
    tall = size[:, 1] > size[:, 0]
    # By a right angle, so that all lie on their long side.
    lying = np.stack([size[tall, 1][np.cumsum(tall)[index[tall[index]]] - 1, None] - turned[tall[index], :, 1],
                      turned[tall[index], :, 0]], axis=-1)  # fmt: skip
    turned[tall[index]] = lying
    size[tall] = size[tall, ::-1]
    margin = min(_MARGIN, 0.1 / np.sqrt(len(size))) * np.sqrt(size.prod(axis=-1).sum())
    place, side = _rows(size + margin)
    uvs = np.empty_like(flat)
    uvs[order] = (turned + (place + margin / 2.0)[index, None]) / side
    return uvs


def _rows(size: Floats) -> tuple[Floats, float]:
    """Corners [C, 2] for boxes of ``size`` [C, 2] in rows, the highest first, and the side of the square they fill."""
    order = np.argsort(-size[:, 1], kind="stable")
    boxes = size[order].tolist()
    least = max(float(size[:, 0].max()), float(np.sqrt(size.prod(axis=-1).sum())))
    best, side = np.zeros_like(size), np.inf
    for width in least * np.arange(1.0, 1.5, 0.05):
        places, x, y, row = list[tuple[float, float]](), 0.0, 0.0, boxes[0][1]
        for across, up in boxes:
            if x + across > width * (1.0 + 1e-12):
                x, y, row = 0.0, y + row, up
            places.append((x, y))
            x += across
        if max(width, y + row) < side:
            side = max(width, y + row)
            best[order] = places
    return best, float(side)
