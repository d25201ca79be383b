# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture field: a colour for every point in space, so that a texture made from it has no seams.

Multi-resolution hash grid (Müller et al. 2022, "Instant Neural Graphics Primitives", §3) with a small
perceptron, in plain PyTorch. Works through one level at a time, so that the arrays stay in the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..job import JobError

_PRIMES = (1, 2654435761 - 2**32, 805459861)
"""Instant-NGP's hash primes (eq. 4) as signed 32-bit integers; multiplication wraps around as it should."""


@dataclass(frozen=True)
class HashGridSettings:
    """Size of the texture field. The defaults are the paper's (Xie et al. 2024)."""

    levels: int = 16
    """Number of grids, each finer than the one before; at least 1."""
    features: int = 2
    """Learned numbers at each grid vertex; at least 1."""
    log2_entries: int = 19
    """Base-2 logarithm of the largest number of vertices stored for one level, 1 to 28; finer grids are hashed."""
    base_resolution: int = 16
    """Cells along an axis in the coarsest grid; at least 1."""
    growth: float = 1.4473
    """Ratio of the resolutions of neighbouring levels; at least 1."""
    hidden: int = 64
    """Width of the one hidden layer; at least 1."""
    initial_amplitude: float = 1e-4
    """The learned numbers start uniform within plus and minus this: hardly anything is plain grey, more is noise."""

    def __post_init__(self) -> None:
        for name in ("levels", "features", "base_resolution", "growth", "hidden", "log2_entries"):
            if getattr(self, name) < 1:
                raise JobError("bad_setting", f"The field's {name} is {getattr(self, name)}; it must be at least 1")
        if self.log2_entries > 28:
            raise JobError("bad_setting", f"The field's log2_entries is {self.log2_entries}; it must be at most 28")
        finest = math.floor(self.base_resolution * self.growth ** (self.levels - 1))
        if finest > 2**20:
            raise JobError("bad_setting", f"The field's finest grid has {finest} cells an axis; at most {2**20} work")


@dataclass(frozen=True)
class _Level:
    start: int
    size: int
    resolution: int
    dense: bool

    def corners(self, points: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Entry (int32 [N], counted from ``start``) and trilinear weight (float32 [N]) of each of the 8 cell corners.

        ``points`` is [3, N] in [0, 1].
        """
        scaled = points * self.resolution
        cell = scaled.floor().clamp_(0, self.resolution - 1)
        upper = scaled - cell
        lower = 1.0 - upper
        side = self.resolution + 1
        strides = torch.tensor(
            (1, side, side * side) if self.dense else _PRIMES, dtype=torch.int32, device=points.device
        )[:, None]
        low = cell.to(torch.int32) * strides
        high = low + strides
        for corner in range(8):
            x, y, z = ((high, upper) if corner >> axis & 1 else (low, lower) for axis in range(3))
            if self.dense:
                entry = (x[0][0] + y[0][1]).add_(z[0][2])
            else:
                entry = (x[0][0] ^ y[0][1]).bitwise_xor_(z[0][2]).bitwise_and_(self.size - 1)
            yield entry, (x[1][0] * y[1][1]).mul_(z[1][2])


class _HashGrid(torch.autograd.Function):
    """Trilinear look-up in all levels; differentiable in the table only.

    The backward pass computes the corners anew rather than keep them: 16 levels of a million points are a gigabyte.
    On the processor two features travel as one complex number, which halves the gathers and scatters; scatters to one
    dimension run in order there, so that the same inputs give the same bits.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, levels: tuple[_Level, ...]) -> Tensor:
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
    """[…, 2] floats on the processor as […] complex numbers that share the memory; anything else as it is."""
    return torch.view_as_complex(values) if values.device.type == "cpu" and values.shape[-1] == 2 else values


def _like(weight: Tensor, entries: Tensor) -> Tensor:
    return weight if entries.dim() == 1 else weight[:, None]


class HashGridField(nn.Module):
    """Colours from positions.

    A field made with the same settings and generator state is the same bit for bit, and so, on the processor and with
    the same number of threads, is everything computed from it, gradients included.
    """

    def __init__(self, settings: HashGridSettings, generator: torch.Generator) -> None:
        """Start around mid-grey: features uniform (in ±1e-4 by Instant-NGP, §4), biases zero.

        Args:
            settings: size of the field.
            generator: source of the initial values; a generator of the CPU.
        """
        super().__init__()
        self.settings = settings
        levels, start = [], 0
        for number in range(settings.levels):
            resolution = math.floor(settings.base_resolution * settings.growth**number)
            dense = (resolution + 1) ** 3 <= 2**settings.log2_entries
            size = (resolution + 1) ** 3 if dense else 2**settings.log2_entries
            levels.append(_Level(start, size, resolution, dense))
            start += size
        self._levels = tuple(levels)
        amplitude = settings.initial_amplitude
        table = torch.empty(start, settings.features).uniform_(-amplitude, amplitude, generator=generator)
        self.table = nn.Parameter(table)
        self.hidden = _linear(settings.levels * settings.features, settings.hidden, generator)
        self.output = _linear(settings.hidden, 3, generator)

    def forward(self, positions: Tensor) -> Tensor:
        """sRGB-encoded colours [N, 3] in [0, 1] at ``positions`` [N, 3] in [-1, 1] (beyond: the value at the border).

        Not differentiable in the positions: the geometry is fixed.
        """
        points = positions.detach().t().mul(0.5).add_(0.5).clamp_(0.0, 1.0).contiguous()
        encoded: Tensor = _HashGrid.apply(self.table, points, self._levels)  # pyright: ignore[reportAssignmentType]
        features = encoded.permute(1, 0, 2).reshape(positions.shape[0], -1)
        return torch.sigmoid(self.output(torch.relu(self.hidden(features))))


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    bound = math.sqrt(6.0 / (inputs + outputs))
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.zero_()
    return layer
