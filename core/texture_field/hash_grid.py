# SPDX-License-Identifier: GPL-3.0-or-later
"""Look-up in a multi-resolution hash grid (Müller et al. 2022, "Instant Neural Graphics Primitives", §3).

Twice: on a processor one level and corner after the other, so that the arrays stay in its cache; elsewhere several
levels and all corners at once, since there each operation costs its launch (about 200 of them for 16 levels, forward
and backward, in place of 2,000).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

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

    def corners(self, points: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Entry (int32 [N], counted from ``start``) and trilinear weight (float32 [N]) of each of the 8 cell corners.

        ``points`` is [3, N] in [0, 1].
        """
        scaled = points * self.resolution
        cell = scaled.floor().clamp_(0, self.resolution - 1)
        upper = scaled - cell
        lower = 1.0 - upper
        strides = torch.tensor(self.strides, dtype=torch.int32, device=points.device)[:, None]
        low = cell.to(torch.int32) * strides
        high = low + strides
        for corner in range(8):
            x, y, z = ((high, upper) if corner >> axis & 1 else (low, lower) for axis in range(3))
            if self.dense:
                entry = (x[0][0] + y[0][1]).add_(z[0][2])
            else:
                entry = (x[0][0] ^ y[0][1]).bitwise_xor_(z[0][2]).bitwise_and_(self.size - 1)
            yield entry, (x[1][0] * y[1][1]).mul_(z[1][2])


class _ByLevel(torch.autograd.Function):
    """On the processor.

    The backward pass computes the corners anew rather than keep them: 16 levels of a million points are a gigabyte.
    Two features travel as one complex number, which halves the gathers and scatters; scatters to one dimension run in
    order, so that the same inputs give the same bits.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, levels: tuple[Level, ...]) -> Tensor:
        ctx.save_for_backward(points)
        ctx.levels, ctx.table_shape = levels, table.shape
        entries = _packed(table)
        encoded = table.new_empty(len(levels), points.shape[1], table.shape[1])
        for number, level in enumerate(levels):
            part = entries[level.start : level.start + level.size]
            total = torch.zeros(points.shape[1], *entries.shape[1:], dtype=entries.dtype, device=table.device)
            for entry, weight in level.corners(points):
                total.add_(part.index_select(0, entry).mul_(_like(weight, entries)))
            encoded[number] = torch.view_as_real(total) if total.is_complex() else total
        return encoded

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (points,) = ctx.saved_tensors
        incoming = _packed(gradients[0].contiguous())
        table_gradient = gradients[0].new_zeros(ctx.table_shape)
        outgoing = _packed(table_gradient)
        for number, level in enumerate(ctx.levels):
            part = outgoing[level.start : level.start + level.size]
            for entry, weight in level.corners(points):
                contribution = incoming[number] * _like(weight, outgoing)
                if part.dim() == 1:
                    part.scatter_add_(0, entry.long(), contribution)
                else:
                    part.index_add_(0, entry, contribution)
        return table_gradient, None, None


def _packed(values: Tensor) -> Tensor:
    """[…, 2] floats as […] complex numbers that share the memory; anything else as it is."""
    return torch.view_as_complex(values) if values.shape[-1] == 2 else values


def _like(weight: Tensor, entries: Tensor) -> Tensor:
    return weight if entries.dim() == 1 else weight[:, None]


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
    """Everywhere else. The corners are computed anew as well."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, levels: tuple[Level, ...], numbers: Tensor) -> Tensor:
        ctx.save_for_backward(points, numbers)
        ctx.groups, ctx.table_shape = _groups(levels), table.shape
        encoded = table.new_empty(len(levels), points.shape[1], table.shape[1])
        for group in ctx.groups:
            entry, weight = group.corners(points, numbers)
            values = table[group.entries].index_select(0, entry.flatten()).view(*entry.shape, -1)
            torch.sum(values * weight[..., None], dim=(0, 1, 2), out=encoded[group.levels])
        return encoded

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        points, numbers = ctx.saved_tensors
        table_gradient = gradients[0].new_zeros(ctx.table_shape)
        for group in ctx.groups:
            entry, weight = group.corners(points, numbers)
            contribution = gradients[0][group.levels] * weight[..., None]
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
        [L, N, F].
    """
    if table.device.type == "cpu":
        return _ByLevel.apply(table, points, levels)  # pyright: ignore[reportReturnType]
    return at_once(table, points, levels, numbers)


def at_once(table: Tensor, points: Tensor, levels: tuple[Level, ...], numbers: Tensor) -> Tensor:
    """``encode`` as it is done where each operation costs its launch; works everywhere."""
    return _AtOnce.apply(table, points, levels, numbers)  # pyright: ignore[reportReturnType]
