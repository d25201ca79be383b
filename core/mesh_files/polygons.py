# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons with more than three corners as triangles: concave ones by clipping ears (Meisters, 1975)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .raw_mesh import Unreadable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


_MOST_CONCAVE = 10_000
"""Corners of a concave polygon that is cut: half a minute's work."""
_MOST_ROUNDS = 8
"""So often ears are looked for anew in a polygon that has none; it crosses itself."""


def triangulate(
    positions: Floats, corners: Ints, counts: Ints, tick: Callable[[], None] = lambda: None
) -> tuple[Ints, Ints]:
    """Cut polygons into triangles that cover what the polygons cover.

    Args:
        positions: [V, 3].
        corners: [C] the vertices of all polygons, one polygon after the other.
        counts: [P] corners of each polygon; polygons with fewer than three make no triangle.
        tick: called now and then; may raise, to stop.

    Returns:
        [T, 3] indices into ``corners``, with the winding and in the order of the polygons, and [T] which polygon each
        triangle is of.

    Raises:
        Unreadable: a concave polygon has more corners than can be cut.
    """
    starts = np.cumsum(counts) - counts
    triangles, owners = [np.empty((0, 3), np.int64)], [np.empty(0, np.int64)]
    for count in np.unique(counts[counts >= 3]).tolist():
        members = np.flatnonzero(counts == count)
        local = starts[members, None] + np.arange(count)
        fan = np.stack([np.zeros(count - 2, np.int64), np.arange(1, count - 1), np.arange(2, count)], axis=-1)
        cut = np.broadcast_to(fan, (len(members), count - 2, 3)).copy()
        if count == 4:
            flat = _projected(positions[corners[local]])
            other = np.array([[1, 2, 3], [1, 3, 0]])
            turned = _least_area(flat, fan) < np.minimum(0.0, _least_area(flat, other))
            cut[turned] = other
        elif count > 4:
            flat = _projected(positions[corners[local]])
            concave = np.flatnonzero(~_is_convex(flat)).tolist()
            if concave and count > _MOST_CONCAVE:
                raise Unreadable(
                    f"has a concave face of {count:,} corners; at most {_MOST_CONCAVE:,} can be cut into triangles",
                    "Open it in Blender, triangulate its faces (Face > Triangulate Faces), and export it again.",
                )
            for number in concave:
                cut[number] = _clip_ears(flat[number], tick)
        triangles.append((starts[members, None, None] + cut).reshape(-1, 3))
        owners.append(np.repeat(members, count - 2))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return np.concatenate(triangles)[order], owner[order]


def _projected(points: Floats) -> Floats:
    """Polygons [P, N, 3] on their own planes, counter-clockwise: [P, N, 2]."""
    with np.errstate(invalid="ignore", over="ignore"):
        points = points - points.mean(axis=1, keepdims=True)
        size = np.abs(points).max(axis=(1, 2), keepdims=True)
        points = points / np.where(size > 0.0, size, 1.0)
        # Newell's normal, which is that of the plane that fits best also where the corners lie in none.
        normal = np.cross(points, np.roll(points, -1, axis=1)).sum(axis=1)
    axis = np.abs(normal).argmax(axis=-1)
    sign = np.sign(np.take_along_axis(normal, axis[:, None], axis=-1))
    first = np.take_along_axis(points, ((axis + 1) % 3)[:, None, None], axis=-1)
    second = np.take_along_axis(points, ((axis + 2) % 3)[:, None, None], axis=-1)
    return np.concatenate([first, np.where(sign[..., None] < 0.0, -second, second)], axis=-1)


def _is_convex(flat: Floats) -> NDArray[np.bool_]:
    """[P] whether polygons [P, N, 2] turn left at every corner, and once around."""
    way = np.roll(flat, -1, axis=1) - flat
    before = np.roll(way, 1, axis=1)
    turn = _cross(before, way)
    angle = np.arctan2(turn, (before * way).sum(axis=-1))
    return (turn >= 0.0).all(axis=1) & (np.abs(angle.sum(axis=1) - 2.0 * np.pi) < 1e-3)


def _least_area(flat: Floats, cut: Ints) -> Floats:
    """[P] the smallest signed area of the triangles ``cut`` [2, 3], negative if one leaves the polygon [P, 4, 2]."""
    corners = flat[:, cut]
    return _cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]).min(axis=-1)


class _Ring:
    """A polygon [N, 2] from which corners are clipped one by one.

    Whether a corner is an ear changes only where a neighbour was clipped, and only corners that turn right can lie in
    an ear (Eberly, Triangulation by Ear Clipping, 2002), so that N corners take O(N) tests.
    """

    def __init__(self, flat: Floats, tick: Callable[[], None]) -> None:
        self._flat, self._tick = flat, tick
        count = len(flat)
        self.before = [count - 1, *range(count - 1)]
        self.after = [*range(1, count), 0]
        # Those that go straight on lie in the way of others as well.
        self._right = ~(_cross(flat - np.roll(flat, 1, axis=0), np.roll(flat, -1, axis=0) - flat) > 0.0)
        self._left = np.ones(count, bool)
        self._ears = [self._is_ear(corner) for corner in range(count)]
        self._rounds_without = 0

    def next_ear(self, corner: int) -> int:
        """The first ear from ``corner`` on; ``corner`` where there is none."""
        at = corner
        while not self._ears[at]:
            at = self.after[at]
            if at == corner:
                return corner if self._rounds_without > _MOST_ROUNDS else self._look_again(corner)
        return at

    def clip(self, corner: int) -> tuple[int, int, int]:
        """Take ``corner`` off; the triangle that goes with it."""
        before, after = self.before[corner], self.after[corner]
        self.after[before], self.before[after] = after, before
        self._left[corner] = self._right[corner] = False
        for beside in (before, after):
            a, b, c = self._flat[[self.before[beside], beside, self.after[beside]]]
            self._right[beside] = not _cross(b - a, c - b) > 0.0
        for beside in (before, after):
            self._ears[beside] = self._is_ear(beside)
        return before, corner, after

    def _look_again(self, corner: int) -> int:
        """As ``next_ear``, where none was known: corners in one place or on one line may hide one."""
        self._rounds_without += 1
        for at in np.flatnonzero(self._left).tolist():
            self._ears[at] = self._is_ear(at)
        return next((at for at in np.flatnonzero(self._left).tolist() if self._ears[at]), corner)

    def _is_ear(self, corner: int) -> bool:
        self._tick()
        if self._right[corner]:
            return False
        a, b, c = self._flat[[self.before[corner], corner, self.after[corner]]]
        others = self._flat[self._right]
        # A corner in the same place as one of the ear's, as where a hole is tied in, does not lie in the ear.
        apart = ~((others == a).all(axis=1) | (others == b).all(axis=1) | (others == c).all(axis=1))
        inside = (_cross(b - a, others - a) >= 0) & (_cross(c - b, others - b) >= 0) & (_cross(a - c, others - c) >= 0)
        return not bool((inside & apart).any())


def _clip_ears(flat: Floats, tick: Callable[[], None]) -> Ints:
    """[N - 2, 3] corners of the triangles of one polygon [N, 2]."""
    ring = _Ring(flat, tick)
    cut: list[tuple[int, int, int]] = []
    at = 0
    for _ in range(len(flat) - 3):
        # Where nothing is an ear the polygon crosses itself, and no way to cut it is right.
        at = ring.next_ear(at)
        cut.append(ring.clip(at))
        # Not at the neighbour, lest a round polygon become a fan of needles.
        at = ring.after[ring.after[at]]
    cut.append((ring.before[at], at, ring.after[at]))
    return np.array(cut, np.int64)


def _cross(first: Floats, second: Floats) -> Floats:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
