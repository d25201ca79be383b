# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons with more than three corners as triangles: concave ones by clipping ears (Meisters, 1975)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def triangulate(positions: Floats, corners: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Cut polygons into triangles that cover what the polygons cover.

    Args:
        positions: [V, 3].
        corners: [C] the vertices of all polygons, one polygon after the other.
        counts: [P] corners of each polygon; polygons with fewer than three make no triangle.

    Returns:
        [T, 3] indices into ``corners``, with the winding and in the order of the polygons, and [T] which polygon each
        triangle is of.
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
            for number in np.flatnonzero(~_is_convex(flat)).tolist():
                cut[number] = _clip_ears(flat[number])
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
    axis = np.abs(np.nan_to_num(normal)).argmax(axis=-1)
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


def _clip_ears(flat: Floats) -> Ints:
    """[N - 2, 3] corners of the triangles of one polygon [N, 2]."""
    left = list(range(len(flat)))
    cut: list[tuple[int, int, int]] = []
    at = 0
    since_last = 0
    while len(left) > 3:
        at %= len(left)
        ear = (left[at - 1], left[at], left[(at + 1) % len(left)])
        # Where nothing is an ear the polygon crosses itself, and no way to cut it is right.
        if since_last >= len(left) or _is_ear(flat, ear, left):
            cut.append(ear)
            del left[at]
            since_last = 0
            # Not at the neighbour, lest a round polygon become a fan of needles.
            at += 1
        else:
            at += 1
            since_last += 1
    cut.append((left[0], left[1], left[2]))
    return np.array(cut, np.int64)


def _is_ear(flat: Floats, ear: tuple[int, int, int], left: list[int]) -> bool:
    a, b, c = (flat[corner] for corner in ear)
    if not _cross(b - a, c - b) > 0.0:
        return False
    others = flat[left]
    # A corner in the same place as one of the ear's, as where a hole is tied in, does not lie in the ear.
    apart = ~((others == a).all(axis=1) | (others == b).all(axis=1) | (others == c).all(axis=1))
    inside = (_cross(b - a, others - a) >= 0) & (_cross(c - b, others - b) >= 0) & (_cross(a - c, others - c) >= 0)
    return not bool((inside & apart).any())


def _cross(first: Floats, second: Floats) -> Floats:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
