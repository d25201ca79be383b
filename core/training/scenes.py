# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that stand in the scenes of ``pictures`` in colours of their own, whatever the style: their content.

Each is drawn in parts, one over the other: where it is, and its sRGB colour. Its place ``x`` and ``size`` are numbers,
or tensors that broadcast with the pixels' ``u`` and ``v`` in [-1, 1], ``v`` upwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Colour: TypeAlias = tuple[float, float, float]
Parts: TypeAlias = list[tuple[Tensor, Colour]]
Number: TypeAlias = float | Tensor


def _disc(u: Tensor, v: Tensor, x: Number, y: Number, radius: Number) -> Tensor:
    return torch.hypot(u - x, v - y) < radius


def _sun(u: Tensor, v: Tensor, x: Number, size: Number) -> Parts:
    return [(_disc(u, v, x, 0.5, size), (0.98, 0.75, 0.15))]


def _moon(u: Tensor, v: Tensor, x: Number, size: Number) -> Parts:
    return [(_disc(u, v, x, 0.5, size) & ~_disc(u, v, x + 0.5 * size, 0.55, size), (0.95, 0.95, 0.85))]


def _tree(u: Tensor, v: Tensor, x: Number, size: Number) -> Parts:
    away = (u - x).abs()
    trunk = (away < 0.2 * size) & (v > -0.5) & (v < 0)
    return [
        (trunk, (0.40, 0.25, 0.12)),
        ((away < 0.7 * (2 * size - v)) & (v > -0.1) & (v < 2 * size), (0.12, 0.45, 0.18)),
    ]


def _house(u: Tensor, v: Tensor, x: Number, size: Number) -> Parts:
    away = (u - x).abs()
    roof = (away < 1.3 * (size - (v - 0.1))) & (v >= 0.1) & (v < 0.1 + size)
    return [((away < size) & (v > -0.5) & (v < 0.1), (0.90, 0.85, 0.75)), (roof, (0.80, 0.13, 0.10))]


def _figure(u: Tensor, v: Tensor, x: Number, size: Number) -> Parts:
    body = ((u - x).abs() < 0.45 * size * (1 - v)) & (v > -0.7) & (v < 0.2)
    return [(body, (0.30, 0.25, 0.45)), (_disc(u, v, x, 0.35, 0.6 * size), (0.93, 0.76, 0.62))]


def _flower(u: Tensor, v: Tensor, x: Number, size: Number) -> Parts:
    stalk = ((u - x).abs() < 0.06) & (v > -0.7) & (v < 0.1)
    leaf = torch.hypot(u - x, v - 0.2) < size * (0.75 + 0.3 * torch.cos(6 * torch.atan2(v - 0.2, u - x)))
    heart = _disc(u, v, x, 0.2, 0.3 * size)
    return [(stalk, (0.15, 0.50, 0.20)), (leaf, (0.92, 0.30, 0.55)), (heart, (0.98, 0.85, 0.25))]


THINGS: dict[str, Callable[[Tensor, Tensor, Number, Number], Parts]] = {
    "sun": _sun, "moon": _moon, "tree": _tree, "house": _house, "figure": _figure, "flower": _flower,
}  # fmt: skip
MAIN_COLOURS: dict[str, Colour] = {
    "sun": (0.98, 0.75, 0.15), "moon": (0.95, 0.95, 0.85), "tree": (0.12, 0.45, 0.18), "house": (0.80, 0.13, 0.10),
    "figure": (0.30, 0.25, 0.45), "flower": (0.92, 0.30, 0.55),
}  # fmt: skip
"""The colour of each thing that is seen most of, or stands out."""
