# SPDX-License-Identifier: GPL-3.0-or-later
"""Look-up in a multi-resolution hash grid (Müller et al. 2022, "Instant Neural Graphics Primitives", §3).

Twice: on a processor by a compiled loop (``look_up``); elsewhere by array operations for several levels and all corners
at once, since there each costs its launch (about 200 of them for 16 levels, forward and backward).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .look_up import look_up

_AT_ONCE = 4
"""Levels; of a million points they take half a gigabyte."""
_PRIMES = (1, 2654435761 - 2**32, 805459861)
"""Instant-NGP's hash primes (eq. 4) as signed 32-bit integers; multiplication wraps around as it should."""


@dataclass(frozen=True)
class Level:
    """One of the grids."""

    start: int
    """Number of its first entry in the table."""
    size: int
    """Entries; of a hashed one a power of two."""
    resolution: int
    """Cells along an axis."""
    dense: bool
    """Whether every vertex has an entry of its own; if not, entries are shared by a hash."""

    @property
    def strides(self) -> tuple[int, int, int]:
        """What a vertex's coordinates are multiplied by, before they are added up or hashed."""
        side = self.resolution + 1
        return (1, side, side * side) if self.dense else _PRIMES


class _Compiled(torch.autograd.Function):
    """On the processor, of two features."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, levels: tuple[Level, ...]) -> Tensor:
        ctx.save_for_backward(points)
        ctx.levels, ctx.table_shape = levels, table.shape
        encoded = table.new_empty(points.shape[1], len(levels), 2)
        look_up(table.detach().numpy(), points.numpy(), _rows(levels), encoded.numpy(), False)
        return encoded.flatten(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (points,) = ctx.saved_tensors
        incoming = gradients[0].contiguous().view(points.shape[1], len(ctx.levels), 2)
        table_gradient = incoming.new_zeros(ctx.table_shape)
        look_up(table_gradient.numpy(), points.numpy(), _rows(ctx.levels), incoming.numpy(), True)
        return table_gradient, None, None


@cache
def _rows(levels: tuple[Level, ...]) -> NDArray[np.int32]:
    """The levels as ``look_up`` takes them."""
    return np.array([(one.start, one.size, one.resolution, one.dense, *one.strides[1:]) for one in levels], np.int32)


@dataclass(frozen=True)
class _Group:
    """Neighbouring levels, all dense or all hashed."""

    levels: slice
    entries: slice
    """Of the table."""
    dense: bool
    size: int
    """Entries of each, if they are hashed."""

    def corners(self, points: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Entries, counted from the group's first, and trilinear weights, of the 8 cell corners in each of G levels.

        ``points`` is [3, N] in [0, 1]; both are [2, 2, 2, G, N], with the upper ends of z, y and x second.
        """
        resolution, first, strides = numbers[self.levels, :, None].split([1, 1, 3], dim=1)
        scaled = points * resolution
        cell = torch.minimum(scaled.floor(), resolution - 1.0)
        upper = scaled - cell
        low = cell.to(torch.int32) * strides
        x, y, z = _by_axis(low, low + strides)
        entry = first[:, 0] + (x + y + z if self.dense else (x ^ y ^ z) & (self.size - 1))
        x, y, z = _by_axis(1.0 - upper, upper)
        return entry, x * y * z


def _by_axis(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Two [G, 3, N] of the ends of cells, by axes: [1, 1, 2, G, N] of x, [1, 2, 1, G, N] of y, [2, 1, 1, G, N] of z."""
    ends = torch.stack([low, high])
    return ends[None, None, :, :, 0], ends[None, :, None, :, 1], ends[:, None, None, :, 2]


def _groups(levels: tuple[Level, ...]) -> list[_Group]:
    groups: list[_Group] = []
    first = 0
    while first < len(levels):
        end = first + 1
        while end < min(first + _AT_ONCE, len(levels)) and levels[end].dense == levels[first].dense:
            end += 1
        entries = slice(levels[first].start, levels[end - 1].start + levels[end - 1].size)
        groups.append(_Group(slice(first, end), entries, levels[first].dense, levels[first].size))
        first = end
    return groups


class _AtOnce(torch.autograd.Function):
    """Everywhere else. The backward pass computes the corners anew rather than keep them: 16 levels of a million points
    are a gigabyte.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, levels: tuple[Level, ...], numbers: Tensor) -> Tensor:
        ctx.save_for_backward(points, numbers)
        ctx.groups, ctx.table_shape = _groups(levels), table.shape
        encoded = table.new_empty(len(levels), points.shape[1], table.shape[1])
        for group in ctx.groups:
            entry, weight = group.corners(points, numbers)
            values = table[group.entries].index_select(0, entry.flatten()).view(*entry.shape, -1)
            torch.sum(values * weight[..., None], dim=(0, 1, 2), out=encoded[group.levels])
        return encoded.permute(1, 0, 2).flatten(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        points, numbers = ctx.saved_tensors
        incoming = gradients[0].unflatten(1, (-1, ctx.table_shape[1])).permute(1, 0, 2)
        table_gradient = incoming.new_zeros(ctx.table_shape)
        for group in ctx.groups:
            entry, weight = group.corners(points, numbers)
            contribution = incoming[group.levels] * weight[..., None]
            table_gradient[group.entries].index_add_(0, entry.flatten(), contribution.flatten(0, -2))
        return table_gradient, None, None, None


def level_numbers(levels: tuple[Level, ...]) -> Tensor:
    """What ``encode`` needs of ``levels`` on the table's device, int32 [L, 5]: resolution, first entry, strides."""
    rows = [
        (level.resolution, level.start - group.entries.start, *level.strides)
        for group in _groups(levels)
        for level in levels[group.levels]
    ]
    return torch.tensor(rows, dtype=torch.int32)


def encode(table: Tensor, points: Tensor, levels: tuple[Level, ...], numbers: Tensor) -> Tensor:
    """Trilinear look-up in all levels; differentiable in the table only.

    Args:
        table: [E, F], the entries of all levels.
        points: [3, N] in [0, 1].
        levels: what the table holds.
        numbers: their ``level_numbers``, on the device of the table.

    Returns:
        [N, L * F].
    """
    if table.device.type == "cpu" and table.shape[1] == 2:
        return _Compiled.apply(table, points, levels)  # pyright: ignore[reportReturnType]
    return at_once(table, points, levels, numbers)


def at_once(table: Tensor, points: Tensor, levels: tuple[Level, ...], numbers: Tensor) -> Tensor:
    """``encode`` as it is done where each operation costs its launch; works everywhere, with any number of features."""
    return _AtOnce.apply(table, points, levels, numbers)  # pyright: ignore[reportReturnType]
