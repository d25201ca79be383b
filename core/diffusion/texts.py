# SPDX-License-Identifier: GPL-3.0-or-later
"""Encoded texts, as UNets and ControlNets take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Texts:
    """One encoded text a row."""

    hidden: Tensor
    """[R, L, D] for the cross-attention, one vector for each token."""
    pooled: Tensor | None = None
    """[R, P] one vector for the whole text, which SDXL adds to its time embedding; ``None`` for other families."""

    def __len__(self) -> int:
        return self.hidden.shape[0]

    def __getitem__(self, rows: slice) -> Texts:
        return Texts(self.hidden[rows], None if self.pooled is None else self.pooled[rows])

    def repeated(self, count: int) -> Texts:
        """The single text of a single row, ``count`` times."""
        pooled = None if self.pooled is None else self.pooled.expand(count, -1)
        return Texts(self.hidden.expand(count, -1, -1), pooled)

    def without_last(self, tokens: int) -> Texts:
        """The same without so many of its last tokens."""
        return Texts(self.hidden[:, :-tokens], self.pooled)

    def float(self) -> Texts:
        """The same in float32."""
        return Texts(self.hidden.float(), None if self.pooled is None else self.pooled.float())

    @staticmethod
    def cat(texts: Sequence[Texts]) -> Texts:
        """All rows of ``texts`` of one family, in order."""
        pooled = [text.pooled for text in texts if text.pooled is not None]
        return Texts(torch.cat([text.hidden for text in texts]), torch.cat(pooled) if pooled else None)
