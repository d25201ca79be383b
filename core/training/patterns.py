# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourteen pattern families on the plane: where each of a style's two or three colours goes.

Coordinates are in pattern cells: an element (a stripe, a dot, a brick) is about one unit wide. Every function takes
``u`` and ``v`` of one shape, and ``seed``, an integer or an int64 tensor that broadcasts with them, and returns layer
weights [..., 3] that sum to one, for the colours of ``styles.Style``. All is element by element, so that a graphics
card paints whole batches of styles at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from .fusion import fused_on_cards

Seed: TypeAlias = int | Tensor


def _signed(value: int) -> int:
    """The int64 of the same 64 bits."""
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value


_COLUMN, _ROW = _signed(0x9E3779B97F4A7C15), _signed(0xC2B2AE3D27D4EB4F)
_SEED, _MIX = _signed(0x165667B19E3779F9), _signed(0xBF58476D1CE4E5B9)


def _shifted(value: Tensor, bits: int) -> Tensor:
    """Shift right and fill up with zeros, as if ``value`` had no sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


@fused_on_cards
def cell_noise(x: Tensor, y: Tensor, seed: Seed) -> Tensor:
    """A uniform number in [0, 1) for every integer cell: float32."""
    salt = seed * _SEED if isinstance(seed, Tensor) else _signed(seed * _SEED)
    mixed = x.long() * _COLUMN ^ y.long() * _ROW ^ salt
    mixed = (mixed ^ _shifted(mixed, 29)) * _MIX
    mixed = mixed ^ _shifted(mixed, 32)
    return _shifted(mixed, 40).float() / (1 << 24)


@fused_on_cards
def value_noise(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Smooth noise in [0, 1], one random value a cell corner."""
    x, y = u.floor(), v.floor()
    fx, fy = u - x, v - y
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    low = cell_noise(x, y, seed) * (1 - fx) + cell_noise(x + 1, y, seed) * fx
    high = cell_noise(x, y + 1, seed) * (1 - fx) + cell_noise(x + 1, y + 1, seed) * fx
    return low * (1 - fy) + high * fy


def fraction(x: Tensor) -> Tensor:
    """Place within the cell, in [0, 1)."""
    return x - x.floor()


def _two(second: Tensor, third: Tensor | None = None) -> Tensor:
    second = second.float()
    third = torch.zeros_like(second) if third is None else third.float()
    second = second * (1 - third)
    return torch.stack([1 - second - third, second, third], dim=-1)


def striped(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Bands across ``v``; every fourth one takes the third colour."""
    band = v.floor()
    return _two(band % 2 == 1, band % 4 == 3)


def dotted(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Discs on a staggered grid, two cells apart."""
    row = (v / 2).floor()
    x = u / 2 + 0.5 * (row % 2)
    disc = torch.hypot(fraction(x) - 0.5, v / 2 - row - 0.5) < 0.3
    return _two(disc, (cell_noise(x.floor(), row, seed) > 0.7) & disc)


def checkered(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """A chessboard of 1.3-cell squares."""
    return _two(((u / 1.3).floor() + (v / 1.3).floor()) % 2 == 1)


def brick(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Bricks 3 x 1.5 cells in running bond, with joints in the second colour."""
    row = (v / 1.5).floor()
    x = u / 3 + 0.5 * (row % 2)
    joint = (fraction(x) < 0.12) | (v / 1.5 - row < 0.2)
    return _two(joint, (cell_noise(x.floor(), row, seed) > 0.65) & ~joint)


def zigzag(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Chevron bands."""
    band = (v + (fraction(u / 3) - 0.5).abs() * 3).floor()
    return _two(band % 2 == 1, band % 4 == 3)


@fused_on_cards
def cellular(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Voronoi cells with thin walls, as in cracked earth or stained glass."""
    x, y = (u / 2).floor(), (v / 2).floor()
    nearest = torch.full_like(u, math.inf)
    second, chosen = nearest, torch.zeros_like(u)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            cx, cy = x + dx, y + dy
            px, py = cx + cell_noise(cx, cy, seed), cy + cell_noise(cx, cy, seed + 1)
            distance = torch.hypot(u / 2 - px, v / 2 - py)
            nearer = distance < nearest
            second = torch.where(nearer, nearest, torch.minimum(second, distance))
            chosen = torch.where(nearer, cell_noise(cx, cy, seed + 2), chosen)
            nearest = torch.where(nearer, distance, nearest)
    wall = second - nearest < 0.13
    return _two(wall, (chosen > 0.6) & ~wall)


def camouflage(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Large soft-edged patches."""
    noise = 0.7 * value_noise(u / 2, v / 2, seed) + 0.3 * value_noise(u, v, seed + 1)
    other = 0.7 * value_noise(u / 2, v / 2, seed + 2) + 0.3 * value_noise(u, v, seed + 3)
    return _two(noise > 0.52, other > 0.62)


def wooden(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Long grain: wavy narrow lines along ``u``."""
    line = fraction(v * 1.2 + 2.5 * value_noise(u / 6, v / 3, seed))
    return _two(line * line, 0.6 * (value_noise(u / 3, v * 3, seed + 1) > 0.7))


def brushed(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Overlapping brush dabs, long along a direction that drifts: the mottle of an oil painting."""
    turn = 2.0 * math.pi * value_noise(u / 8, v / 8, seed)
    along, across = turn.cos(), turn.sin()
    x, y = u * along + v * across, v * along - u * across
    first = value_noise(x / 2.5, y * 1.1, seed + 1)
    second = value_noise(x / 2.5 + 7.3, y * 1.1 - 3.1, seed + 2)
    return _two((4 * (first - 0.4)).clamp(0, 1), (5 * (second - 0.6)).clamp(0, 1))


def speckled(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Small irregular specks and splashes."""
    x, y = u.floor(), v.floor()
    radius = 0.15 + 0.3 * cell_noise(x, y, seed + 2)
    px, py = 0.3 + 0.4 * cell_noise(x, y, seed), 0.3 + 0.4 * cell_noise(x, y, seed + 1)
    inside = (torch.hypot(u - x - px, v - y - py) < radius) & (cell_noise(x, y, seed + 3) > 0.35)
    return _two(inside, inside & (cell_noise(x, y, seed + 4) > 0.6))


def woven(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Plain weave: threads along ``u`` and ``v`` over and under each other, with dark gaps between."""
    lying = (u.floor() + v.floor()) % 2 == 0
    gap = (torch.where(lying, fraction(v), fraction(u)) - 0.5).abs() > 0.4
    return _two(~lying & ~gap, gap)


def hatched(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Broken pen lines along ``u``, crossed by others where it is to be darker."""
    shade = value_noise(u / 4, v / 4, seed)

    def lines(along: Tensor, across: Tensor, number: int) -> Tensor:
        row = (across * 1.6).floor()
        drawn = value_noise(along / 2.5, row + 0.5, seed + number) > 0.3
        return drawn & ((across * 1.6 - row - 0.5).abs() < 0.17)

    diagonal = lines((u + v) * 0.7, (v - u) * 0.7, 1)
    ink = lines(u, v, 2) | (diagonal & (shade > 0.5))
    return _two(ink, (shade < 0.3) & ~ink)


def graded(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Slow passages from colour to colour, as of an airbrush or an evening sky."""
    place = (2.8 * value_noise(u / 5, v / 5, seed) - 0.4).clamp(0, 2)
    return torch.stack([(1 - place).clamp(0, 1), 1 - (place - 1).abs(), (place - 1).clamp(0, 1)], dim=-1)


def printed(u: Tensor, v: Tensor, seed: Seed) -> Tensor:
    """Flat areas with outlines of one width, as in a woodcut or a comic: the second colour draws."""
    height = 4.5 * value_noise(u / 3, v / 3, seed)
    step = 0.05
    slope = torch.hypot(
        4.5 * value_noise((u + step) / 3, v / 3, seed) - height, 4.5 * value_noise(u / 3, (v + step) / 3, seed) - height
    )
    level = height.floor()
    to_edge = torch.minimum(height - level, level + 1 - height) / (slope / step).clamp(min=0.15)
    outline = to_edge < 0.13
    return _two(outline, (level % 2 == 1) & ~outline)


FAMILIES: dict[str, Callable[[Tensor, Tensor, Seed], Tensor]] = {
    "striped": striped, "dotted": dotted, "checkered": checkered, "brick": brick, "zigzag": zigzag,
    "cellular": cellular, "camouflage": camouflage, "wooden": wooden, "brushed": brushed, "speckled": speckled,
    "woven": woven, "hatched": hatched, "graded": graded, "printed": printed,
}  # fmt: skip
"""The families, in the order of ``captions.PATTERN_WORDS``."""
