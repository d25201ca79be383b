# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prompt's word adds to a surface: planks, courses of stone, seams of plates, as darker lines of its colours.

A material has its own kind, and so has a class of objects unless a material is named. So a word changes the texture
of any shape, and never brings in a colour.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .patterns import Seed, cell_noise, cellular, fraction, value_noise


def _none(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    return torch.zeros_like(u)


def _planks(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    row = (v * 4).floor()
    seam = (fraction(v * 4) < 0.12) | (fraction(u * 0.9 + 0.37 * row) < 0.03)
    grain = value_noise(u * 3, v * 30, seed)
    return torch.maximum(seam.float(), (1.6 * grain - 0.7).clamp(0, 0.8))


def _masonry(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    row = (v * 4.5).floor()
    x = u * 2.6 + 0.5 * (row % 2)
    joint = (fraction(x) < 0.07) | (fraction(v * 4.5) < 0.13)
    return torch.maximum(joint.float(), 0.7 * cell_noise(x.floor(), row, seed) - 0.2).clamp(0, 1)


def _weave(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    x, y = u * 14, v * 14
    lying = (x.floor() + y.floor()) % 2 == 0
    return 2 * (torch.where(lying, fraction(y), fraction(x)) - 0.5).abs()


def _flecks(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    x, y = (u * 6).floor(), (v * 6).floor()
    turn = 6.2832 * cell_noise(x, y, seed)
    du, dv = u * 6 - x - 0.5, v * 6 - y - 0.5
    along, across = du * turn.cos() + dv * turn.sin(), dv * turn.cos() - du * turn.sin()
    return ((along.abs() < 0.38) & (across.abs() < 0.15)).float()


def _plates(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    fu, fv = fraction(u * 2), fraction(v * 2)
    seam = (fu < 0.05) | (fv < 0.05)
    rivet = torch.hypot((fu - 0.5).abs() - 0.38, (fv - 0.5).abs() - 0.38) < 0.05
    return torch.maximum((seam | rivet).float(), (1.2 * value_noise(u * 1.5, v * 50, seed) - 0.6).clamp(0, 0.6))


def _strokes(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    return (2.5 * value_noise(u * 26, v * 4 + 2 * value_noise(u * 2, v * 2, seed), seed + 1) - 1).clamp(0, 1)


def _cracks(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    return cellular(u * 5, v * 5, seed)[..., 1]


KINDS: dict[str, tuple[Callable[[Tensor, Tensor, Seed], Tensor], str]] = {
    "none": (_none, "star ceramic glass plastic"),
    "planks": (_planks, "box chair table barrel wooden"),
    "masonry": (_masonry, "house tower stone"),
    "weave": (_weave, "lamp fabric"),
    "flecks": (_flecks, "tree donut mushroom paper"),
    "plates": (_plates, "rocket ball metal"),
    "strokes": (_strokes, "creature snowman wool leather"),
    "cracks": (_cracks, "rock vase mug clay"),
}
"""Each kind: how much darker the surface is [...] from 0 to 1, at ``u`` and ``v`` in units of length; and the words of
``captions.OBJECT_WORDS`` and ``captions.MATERIAL_WORDS`` that ask for it."""
DARKNESS = 0.45
"""Share of a colour that the darkest line takes away."""


def kind_of(word: str) -> int:
    """Number of the kind that ``word`` asks for."""
    return next(number for number, (_, words) in enumerate(KINDS.values()) if word in words.split())
