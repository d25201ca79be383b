# SPDX-License-Identifier: GPL-3.0-or-later
"""Random choices on the device, without waiting for it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Draw:
    """Random numbers on the device."""

    def __init__(self, generator: torch.Generator, device: torch.device) -> None:
        """``generator`` is on ``device``."""
        self._arguments = {"generator": generator, "device": device}

    def uniform(self, *shape: int) -> Tensor:
        """In [0, 1)."""
        return torch.rand(*shape, **self._arguments)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal."""
        return torch.randn(*shape, **self._arguments)

    def below(self, end: int, size: int) -> Tensor:
        """int64 [size] from 0 to ``end - 1``."""
        return torch.randint(end, (size,), **self._arguments)

    def chance(self, share: float, size: int) -> Tensor:
        """bool [size], true for ``share`` of them on average."""
        return self.uniform(size) < share


class Table:
    """Rows of different lengths to draw from."""

    def __init__(self, rows: list[np.ndarray], device: torch.device) -> None:
        """Join ``rows`` of whole numbers."""
        self._starts = torch.tensor(np.cumsum([0, *map(len, rows)])[:-1], device=device)
        self._lengths = torch.tensor([len(row) for row in rows], device=device)
        self._values = torch.from_numpy(np.concatenate(rows).astype(np.int64)).to(device)

    def draw(self, row: Tensor, draw: Draw) -> Tensor:
        """One value [B] of each of the rows ``row`` [B]."""
        place = (draw.uniform(len(row)) * self._lengths[row]).long().clamp(max=self._lengths[row] - 1)
        return self._values[(self._starts[row] + place).clamp(max=len(self._values) - 1)]
