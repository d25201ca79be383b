# SPDX-License-Identifier: GPL-3.0-or-later
"""Which point of the surface each texel shows: the mesh rasterised in its UV layout.

A texel belongs to the triangle that its centre lies in. At the border of an island the texels that a triangle merely
touches belong to it too, with the nearest point of the triangle, so that no sample of the texture on the island reads
a texel without a colour of its own. Where UVs overlap, the triangle with the lowest index has the texel (``overlap``
has the others painted with it); UVs outside [0, 1] wrap around.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh, face_vectors, points_on, uv_areas

_BAND_TEXELS = 1 << 18
_CANDIDATES = 1 << 18
"""Texels in a band, and pairs of triangle and texel looked at in one go: small enough to stay near the cache."""

_CENTRE = 1e-7
"""Half side of the square that counts as a texel's centre: rounding must not lose one between two triangles."""

_TOUCH = 0.5 - 1e-6
"""Half a texel, less a hair: an island that ends exactly between two texels does not touch the one beyond."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TexelMap:
    """The N texels that lie on the surface, sorted by row and column."""

    row: NDArray[np.int32]
    """[N], 0 at the top."""
    column: NDArray[np.int32]
    """[N], 0 at the left."""
    position: NDArray[np.float32]
    """[N, 3] the texel's point of the surface."""
    normal: NDArray[np.float32]
    """[N, 3] its unit split normal, interpolated."""
    triangle: NDArray[np.int32]
    """[N] its triangle."""
    size: int
    """Texels in a row of the texture."""
    rows: int = 0
    """Rows of the texture; 0 for as many as columns."""

    @property
    def height(self) -> int:
        """Rows of the texture."""
        return self.rows or self.size


def texel_side(mesh: Mesh, size: int) -> float:
    """Side of a texel of a ``size`` by ``size`` texture on the surface, in units of ``mesh``, on average."""
    area = float(np.linalg.norm(face_vectors(mesh), axis=-1).sum() / 2.0)
    return float(np.sqrt(area / max(float(uv_areas(mesh.corner_uvs).sum()), 1e-9))) / size


def texel_map(mesh: Mesh, size: int, rows: int = 0) -> TexelMap:
    """All texels that lie on ``mesh``, of a texture with ``size`` columns and ``rows`` rows; 0 rows for a square."""
    bands = list(texel_bands(mesh, size, rows))
    return TexelMap(
        row=np.concatenate([band.row for band in bands]),
        column=np.concatenate([band.column for band in bands]),
        position=np.concatenate([band.position for band in bands]),
        normal=np.concatenate([band.normal for band in bands]),
        triangle=np.concatenate([band.triangle for band in bands]),
        size=size,
        rows=rows,
    )


def texel_bands(mesh: Mesh, size: int, rows: int = 0) -> Iterator[TexelMap]:
    """The same in bands of rows from the top down, for textures whose whole map would not fit into memory."""
    corners = mesh.corner_uvs.astype(np.float64)
    # Texel space: x right, y down, centres at whole numbers; moved by whole turns until the triangle starts in turn 0.
    height = rows or size
    sides = np.array([size, height], dtype=np.float64)
    corners = np.stack([corners[..., 0], 1.0 - corners[..., 1]], axis=-1) * sides
    corners -= sides * np.floor(corners.min(axis=1, keepdims=True) / sides) + 0.5
    borders = _at_borders(mesh.corner_uvs)
    step = max(1, _BAND_TEXELS // size)
    for start in range(0, height, step):
        band = _Band(start, min(start + step, height), size, height)
        band.fill(corners, borders)
        texel = np.flatnonzero(band.triangle >= 0)
        triangle = band.triangle[texel]
        position, normal = points_on(mesh, triangle, band.weights[texel])
        row, column = np.divmod(texel, size)
        row = (row + start).astype(np.int32)
        yield TexelMap(row, column.astype(np.int32), position, normal, triangle, size, rows)


class _Band:
    """Rows ``start`` to ``stop`` of the texture, to be given triangles and barycentric coordinates."""

    def __init__(self, start: int, stop: int, size: int, height: int) -> None:
        self.start, self.stop, self.size, self.height = start, stop, size, height
        texels = (stop - start) * size
        self.triangle = np.full(texels, -1, dtype=np.int32)
        self.weights = np.zeros((texels, 3), dtype=np.float32)

    def fill(self, corners: Floats, borders: Ints) -> None:
        """Centres first, then what is only touched: ``corners`` [T, 3, 2] in texel space, and the triangles at borders.

        The point of an island nearest to a texel outside it lies at its border, so no other triangles matter there.
        """
        area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        for triangle, texel, x, y in self._candidates(corners, np.flatnonzero(area), _CENTRE):
            # The first of several triangles shall stay, and of repeated indices numpy keeps the last: go backwards.
            chosen = np.full(len(self.triangle), -1, dtype=np.int64)
            chosen[texel[::-1]] = np.arange(len(texel) - 1, -1, -1)
            chosen = chosen[(chosen >= 0) & (self.triangle < 0)]
            triangle, texel, point = triangle[chosen], texel[chosen], np.stack([x[chosen], y[chosen]], axis=-1)
            inside = corners[triangle] - point[:, None]
            first = _cross(inside[:, 1], inside[:, 2]) / area[triangle]
            second = _cross(inside[:, 2], inside[:, 0]) / area[triangle]
            self._assign(texel, triangle, np.stack([first, second, 1.0 - first - second], axis=-1))
        distance = np.where(self.triangle < 0, np.inf, -1.0)
        for triangle, texel, x, y in self._candidates(corners, borders, _TOUCH):
            free = distance[texel] > 0.0
            triangle, texel, point = triangle[free], texel[free], np.stack([x[free], y[free]], axis=-1)
            squared, weights = _nearest_on_edges(corners[triangle], point)
            # Rounded, so that the same edge of two triangles, walked either way, is equally far and the first has it.
            squared = squared.round(9)
            order = np.lexsort((triangle, squared, texel))
            chosen = order[np.diff(texel[order], prepend=-1) != 0]
            chosen = chosen[squared[chosen] < distance[texel[chosen]]]
            distance[texel[chosen]] = squared[chosen]
            self._assign(texel[chosen], triangle[chosen], weights[chosen])

    def _assign(self, texel: Ints, triangle: Ints, weights: Floats) -> None:
        weights = np.clip(weights, 0.0, 1.0)
        self.triangle[texel] = triangle
        self.weights[texel] = weights / weights.sum(-1, keepdims=True)

    def _candidates(self, corners: Floats, among: Ints, reach: float) -> Iterator[tuple[Ints, Ints, Ints, Ints]]:
        """Pairs of triangle and texel of this band, in chunks, ordered by triangle within each turn of the UVs.

        A texel counts when the square of half side ``reach`` around its centre overlaps the triangle. Yields, [M] each,
        triangle, texel as an index into the band, and its place x, y in texel space.
        """
        low = np.ceil(corners[among, :, 1].min(axis=1) - reach).astype(np.int64)
        high = np.floor(corners[among, :, 1].max(axis=1) + reach).astype(np.int64)
        for turn in range(-1, int(high.max(initial=0)) // self.height + 1):
            first = np.maximum(low, self.start + turn * self.height)
            count = np.minimum(high, self.stop - 1 + turn * self.height) - first + 1
            here = np.flatnonzero(count > 0)
            for pairs in _chunks(count[here]):
                member, offset = _repeat(count[here[pairs]])
                member = here[pairs][member]
                triangle, y = among[member], first[member] + offset
                for spans in self._spans(corners, triangle, y, reach):
                    yield self._texels(triangle, y, turn, *spans)

    def _spans(self, corners: Floats, triangle: Ints, y: Ints, reach: float) -> Iterator[tuple[Ints, Ints, Ints]]:
        """For pairs of triangle and row: which pairs, the first texel and the number of texels, in chunks."""
        vertex = corners[triangle]
        low, high = vertex[..., 0].min(axis=1) - reach, vertex[..., 0].max(axis=1) + reach
        edge = np.roll(vertex, -1, axis=1) - vertex
        turn = np.where(_cross(edge[:, 0], edge[:, 1]) < 0.0, -1.0, 1.0)[:, None]
        # Inside where slope * x + rest >= 0 for all three edges; the overlap with a square by separating axes.
        slope = -edge[..., 1] * turn
        rest = (edge[..., 0] * (y[:, None] - vertex[..., 1]) + edge[..., 1] * vertex[..., 0]) * turn
        rest += reach * (np.abs(edge[..., 0]) + np.abs(edge[..., 1]))
        level = slope == 0.0
        bound = -rest / np.where(level, 1.0, slope)
        low = np.maximum(low, np.where(slope > 0.0, bound, -np.inf).max(axis=1))
        high = np.minimum(high, np.where(slope < 0.0, bound, np.inf).min(axis=1))
        meets = (low <= high) & ~(level & (rest < 0.0)).any(axis=1)
        first = np.ceil(np.where(meets, low, 1.0)).astype(np.int64)
        count = np.maximum(np.floor(np.where(meets, high, 0.0)).astype(np.int64) - first + 1, 0)
        for pairs in _chunks(count):
            yield np.arange(len(count))[pairs], first[pairs], count[pairs]

    def _texels(
        self, triangle: Ints, y: Ints, turn: int, pairs: Ints, first: Ints, count: Ints
    ) -> tuple[Ints, Ints, Ints, Ints]:
        member, x = _repeat(count)
        x += first[member]
        row = y[pairs][member]
        column = x if x.max(initial=0) < self.size and x.min(initial=0) >= 0 else x % self.size
        texel = (row - turn * self.height - self.start) * self.size + column
        return triangle[pairs][member], texel, x, row


def _at_borders(corner_uvs: NDArray[np.float32]) -> Ints:
    """Triangles with an edge that has no neighbour on its other side in the UV layout, and those without UV area."""
    # Adding 0 turns -0.0 into 0.0, whose bits differ though the numbers are equal.
    points = np.ascontiguousarray(corner_uvs + np.float32(0.0)).view(np.uint64).reshape(-1)
    _, point = np.unique(points, return_inverse=True)
    start = point.reshape(-1, 3).astype(np.int64)
    end = np.roll(start, -1, axis=1)
    edge = corner_uvs[:, 1:].astype(np.float64) - corner_uvs[:, :1]
    turn = np.sign(_cross(edge[:, 0], edge[:, 1]))
    # Every triangle walks round its edges with itself on the left: an edge walked as often either way is inside.
    walked = (np.where(start < end, 1.0, -1.0) * turn[:, None]).reshape(-1)
    _, number = np.unique((np.minimum(start, end) * (point.max() + 1) + np.maximum(start, end)), return_inverse=True)
    number = number.reshape(-1)
    net = np.bincount(number, walked)
    return np.flatnonzero((net[number] != 0.0).reshape(-1, 3).any(axis=1) | (turn == 0.0))


def _cross(first: Floats, second: Floats) -> Floats:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _repeat(count: Ints) -> tuple[Ints, Ints]:
    """For runs of the given lengths: which run each element is in, and its place in the run."""
    member = np.repeat(np.arange(len(count)), count)
    return member, np.arange(len(member)) - np.repeat(np.cumsum(count) - count, count)


def _chunks(count: Ints) -> Iterator[slice]:
    """Slices of consecutive runs with about ``_CANDIDATES`` elements each; a longer run stands alone."""
    ends = np.cumsum(count)
    start = 0
    while start < len(count):
        before = ends[start] - count[start]
        stop = max(start + 1, int(np.searchsorted(ends, before + _CANDIDATES, side="right")))
        yield slice(start, stop)
        start = stop


def _nearest_on_edges(corners: Floats, point: Ints) -> tuple[Floats, Floats]:
    """Squared distance [M] from ``point`` [M, 2] to the edges of ``corners`` [M, 3, 2], and where on the triangle.

    The latter as barycentric coordinates [M, 3].
    """
    end = np.roll(corners, -1, axis=1)
    edge = end - corners
    length = np.maximum((edge * edge).sum(-1), np.finfo(np.float64).tiny)
    along = np.clip(((point[:, None] - corners) * edge).sum(-1) / length, 0.0, 1.0)
    away = corners + along[..., None] * edge - point[:, None]
    squared = (away * away).sum(-1)
    nearest = squared.argmin(axis=1)
    every = np.arange(len(point))
    weights = np.zeros((len(point), 3))
    weights[every, nearest] = 1.0 - along[every, nearest]
    weights[every, (nearest + 1) % 3] = along[every, nearest]
    return squared[every, nearest], weights
