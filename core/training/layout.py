# SPDX-License-Identifier: GPL-3.0-or-later
"""Which picture of a batch is of which kind: everything whose cost depends on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .captions import PATTERN_WORDS
from .details import KINDS

PICTURE_KINDS = ("swatch", "scene", "object")
"""What the style image is."""
_SLOTS = len(KINDS) ** 2
_FIRST_SCENE, _FIRST_OBJECT = 3, 5
"""Of eight rows of slots: three of swatches, two of scenes, three of objects."""


@dataclass(frozen=True)
class Layout:
    """Which picture of a batch has which family, kind and detail: everything whose cost depends on it.

    A layout that stays the same from step to step lets a compiler know all shapes.
    """

    counts: tuple[int, ...]
    """Pictures of each family, in this order."""
    kinds: dict[str, Tensor]
    """int64 rows of the batch, rising, by kind of style image."""
    detail: Tensor
    """int64 [B]: kind of detail."""
    details: list[Tensor]
    """int64 rows of each."""

    object_counts: tuple[int, ...]
    """Of each family among those whose style image is an object."""


def layout(size: int, seed: int, device: torch.device) -> Layout:
    """A layout for ``size`` pictures, a multiple of the number of families, with all mixtures equally often."""
    each = size // len(PATTERN_WORDS)
    rng = np.random.default_rng(seed)
    slots = np.concatenate(
        [np.concatenate([rng.permutation(_SLOTS) for _ in range(1 + each // _SLOTS)])[:each] for _ in PATTERN_WORDS]
    )
    detail, row = slots % len(KINDS), slots // len(KINDS)
    kind = (row >= _FIRST_SCENE).astype(int) + (row >= _FIRST_OBJECT)

    def rows(chosen: np.ndarray) -> Tensor:
        return torch.from_numpy(np.flatnonzero(chosen)).to(device)

    return Layout(
        counts=(each,) * len(PATTERN_WORDS),
        kinds={name: rows(kind == number) for number, name in enumerate(PICTURE_KINDS)},
        detail=torch.from_numpy(detail).to(device),
        details=[rows(detail == number) for number in range(len(KINDS))],
        object_counts=tuple((kind == len(PICTURE_KINDS) - 1).reshape(-1, each).sum(1).tolist()),
    )
