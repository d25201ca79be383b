# SPDX-License-Identifier: GPL-3.0-or-later
"""The UV layout as a pile of layers: which triangle lies on top, and which at the bottom, at a place of the texture.

Each triangle is a layer at a height of its own, the first in the order of ``texels`` at the top; what wraps around is
there once for every repeat of the texture that it reaches into. A ray from above finds the triangle that owns a place,
and one from below tells whether it is the only one there.

Places are [N, 2] in [0, 1], x right and y down as in the texture's rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .ray_caster import ray_caster

_TOUCH = 1e-6
"""Distance in the UV layout: what is no deeper inside a triangle than this only touches it."""
_HEIGHT = 2.0**-10
"""Of the whole pile, small beside the triangles, so that Embree sorts them by where they lie and not by height."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class UvLayers:
    """The pile of L layers of one UV layout."""

    triangle: NDArray[np.int32]
    """[L] the triangle that each layer is, top first."""

    def __init__(self, corner_uvs: NDArray[np.float32]) -> None:
        """Pile up the triangles ``corner_uvs`` [T, 3, 2]; those too thin to hold a point are left out."""
        corners = downward(corner_uvs.astype(np.float64))
        thick = np.flatnonzero(_thickness(corners) > _TOUCH)
        low = np.floor(corners[thick].min(axis=1)).astype(np.int64)
        repeats = np.ceil(corners[thick].max(axis=1)).astype(np.int64) - low
        member, turn = _every_turn(repeats)
        triangle, turn_column, turn_row = thick[member], turn[:, 0], turn[:, 1]
        # As ``texels`` fills a band: turn by turn of the rows, within it by triangle, within that from the left.
        order = np.lexsort((turn_column, triangle, turn_row))
        self.triangle = triangle[order].astype(np.int32)
        self._turn = (low[member] + turn)[order]
        self._corners = corners[self.triangle] - self._turn[:, None]
        count = len(order)
        self._step = _HEIGHT / 2.0 ** np.ceil(np.log2(max(count, 1)))
        heights = -self._step * np.arange(1, count + 1)
        vertices = np.concatenate([self._corners.reshape(-1, 2), np.repeat(heights, 3)[:, None]], axis=-1)
        self._caster = ray_caster(vertices.astype(np.float32), np.arange(3 * count, dtype=np.int32).reshape(-1, 3))

    def first(self, place: Floats) -> Ints:
        """The top layer at each place, which owns it: [N], -1 where there is none."""
        return self._cast(place, 0.0, -1.0)

    def last(self, place: Floats) -> Ints:
        """The bottom layer at each place: [N], -1 where there is none."""
        return self._cast(place, -self._step * (len(self.triangle) + 1), 1.0)

    def barycentric(self, layer: Ints, place: Floats) -> Floats:
        """Coordinates [N, 3] of places in the triangles of layers [N]; negative outside."""
        inside = self._corners[layer] - place[:, None]
        parts = _cross(np.roll(inside, -1, axis=1), np.roll(inside, -2, axis=1))
        return parts / parts.sum(-1, keepdims=True)

    def is_other(self, layer: Ints, triangle: NDArray[np.int32], turn: Floats, place: Floats) -> NDArray[np.bool_]:
        """Whether layers [N] are another surface than points have at their places, and not merely touch there.

        Args:
            layer: -1 is no surface.
            triangle: [N] of the points.
            turn: [N, 2] repeat of the texture that they lie in.
            place: [N, 2] where in it.
        """
        other = (layer >= 0) & ((self.triangle[layer] != triangle) | (self._turn[layer] != turn).any(axis=-1))
        found = np.flatnonzero(other)
        corners = self._corners[layer[found]]
        edge = np.roll(corners, -1, axis=1) - corners
        away = _cross(edge, place[found][:, None] - corners) / np.linalg.norm(edge, axis=-1)
        other[found] = np.abs(away).min(axis=-1) > _TOUCH
        return other

    def _cast(self, place: Floats, height: float, direction: float) -> Ints:
        origins = np.full((len(place), 3), height, dtype=np.float32)
        origins[:, :2] = place
        directions = np.zeros_like(origins)
        directions[:, 2] = direction
        return self._caster.first_hits(origins, directions)[0].astype(np.int64)


def downward(uv: Floats) -> Floats:
    """UVs [..., 2] with the second axis turned down from the texture's top edge, as its rows go."""
    return np.stack([uv[..., 0], 1.0 - uv[..., 1]], axis=-1)


def _every_turn(repeats: Ints) -> tuple[Ints, Ints]:
    """For runs of ``repeats`` [M, 2] columns and rows: which run each of their cells is in, and column and row."""
    count = repeats.prod(axis=1)
    member = np.repeat(np.arange(len(count)), count)
    cell = np.arange(len(member)) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(cell, repeats[member, 0])
    return member, np.stack([column, row], axis=-1)


def _thickness(corners: Floats) -> Floats:
    """Smallest height [T] of triangles [T, 3, 2]."""
    edge = np.roll(corners, -1, axis=1) - corners
    longest = np.linalg.norm(edge, axis=-1).max(axis=1)
    return np.abs(_cross(edge[:, 0], edge[:, 1])) / np.maximum(longest, np.finfo(np.float64).tiny)


def _cross(first: Floats, second: Floats) -> Floats:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
