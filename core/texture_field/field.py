# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture field: a colour for every point in space, so that a texture made from it has no seams.

Multi-resolution hash grid (Müller et al. 2022, "Instant Neural Graphics Primitives", §3) with a small perceptron, in
plain PyTorch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..job import JobError
from .hash_grid import Level, encode, level_numbers


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
        self._numbers: Tensor
        levels, start = [], 0
        for number in range(settings.levels):
            resolution = math.floor(settings.base_resolution * settings.growth**number)
            dense = (resolution + 1) ** 3 <= 2**settings.log2_entries
            size = (resolution + 1) ** 3 if dense else 2**settings.log2_entries
            levels.append(Level(start, size, resolution, dense))
            start += size
        self._levels = tuple(levels)
        self.register_buffer("_numbers", level_numbers(self._levels), persistent=False)
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
        features = encode(self.table, points, self._levels, self._numbers)
        return torch.sigmoid(self.output(torch.relu(self.hidden(features))))


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    bound = math.sqrt(6.0 / (inputs + outputs))
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.zero_()
    return layer
