# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourteen pattern families on the plane: where each of a style's two or three colours goes.

Coordinates are in pattern cells: an element (a stripe, a dot, a brick) is about one unit wide. Every function takes
``u`` and ``v`` of one shape and returns layer weights [..., 3] that sum to one, for the colours of ``styles.Style``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Weights = np.ndarray


def _hash(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """A uniform number in [0, 1) for every integer cell."""
    mixed = (
        x.astype(np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        ^ y.astype(np.int64).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
        ^ np.uint64(seed * 0x165667B19E3779F9 & 0xFFFFFFFFFFFFFFFF)
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)


def value_noise(u: np.ndarray, v: np.ndarray, seed: int) -> np.ndarray:
    """Smooth noise in [0, 1], one random value a cell corner."""
    x, y = np.floor(u), np.floor(v)
    fx, fy = u - x, v - y
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    low = _hash(x, y, seed) * (1 - fx) + _hash(x + 1, y, seed) * fx
    high = _hash(x, y + 1, seed) * (1 - fx) + _hash(x + 1, y + 1, seed) * fx
    return low * (1 - fy) + high * fy


def _two(second: np.ndarray, third: np.ndarray | float = 0.0) -> Weights:
    third = np.broadcast_to(np.asarray(third, np.float32), second.shape)
    second = second.astype(np.float32) * (1 - third)
    return np.stack([1 - second - third, second, third], axis=-1)


def striped(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Bands across ``v``; every fourth one takes the third colour."""
    band = np.floor(v)
    return _two(band % 2 == 1, (band % 4 == 3).astype(np.float32))


def dotted(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Discs on a staggered grid, two cells apart."""
    row = np.floor(v / 2)
    x = u / 2 + 0.5 * (row % 2)
    distance = np.hypot(x - np.floor(x) - 0.5, v / 2 - row - 0.5)
    third = (_hash(np.floor(x), row, seed) > 0.7) & (distance < 0.3)
    return _two(distance < 0.3, third.astype(np.float32))


def checkered(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """A chessboard of 1.3-cell squares."""
    return _two((np.floor(u / 1.3) + np.floor(v / 1.3)) % 2 == 1)


def brick(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Bricks 3 x 1.5 cells in running bond, with joints in the second colour."""
    row = np.floor(v / 1.5)
    x = u / 3 + 0.5 * (row % 2)
    fx, fy = x - np.floor(x), v / 1.5 - row
    joint = (fx < 0.12) | (fy < 0.2)
    other = (_hash(np.floor(x), row, seed) > 0.65) & ~joint
    return _two(joint, other.astype(np.float32))


def zigzag(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Chevron bands."""
    fold = np.abs(u / 3 - np.floor(u / 3) - 0.5) * 3
    band = np.floor(v + fold)
    return _two(band % 2 == 1, (band % 4 == 3).astype(np.float32))


def cellular(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Voronoi cells with thin walls, as in cracked earth or stained glass."""
    x, y = np.floor(u / 2), np.floor(v / 2)
    distances, labels = [], []
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            cx, cy = x + dx, y + dy
            px, py = cx + _hash(cx, cy, seed), cy + _hash(cx, cy, seed + 1)
            distances.append(np.hypot(u / 2 - px, v / 2 - py))
            labels.append(_hash(cx, cy, seed + 2))
    distance, label = np.stack(distances), np.stack(labels)
    nearest = np.sort(distance, axis=0)
    wall = nearest[1] - nearest[0] < 0.13
    chosen = np.take_along_axis(label, distance.argmin(0)[None], 0)[0]
    return _two(wall, ((chosen > 0.6) & ~wall).astype(np.float32))


def camouflage(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Large soft-edged patches."""
    noise = 0.7 * value_noise(u / 2, v / 2, seed) + 0.3 * value_noise(u, v, seed + 1)
    other = 0.7 * value_noise(u / 2, v / 2, seed + 2) + 0.3 * value_noise(u, v, seed + 3)
    return _two(noise > 0.52, (other > 0.62).astype(np.float32))


def wooden(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Long grain: wavy narrow lines along ``u``."""
    bend = 2.5 * value_noise(u / 6, v / 3, seed)
    ring = v * 1.2 + bend
    line = ring - np.floor(ring)
    return _two((line * line).astype(np.float32), 0.6 * (value_noise(u / 3, v * 3, seed + 1) > 0.7))


def brushed(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Overlapping brush dabs, long along a direction that drifts: the mottle of an oil painting."""
    turn = 2.0 * np.pi * value_noise(u / 8, v / 8, seed)
    along, across = np.cos(turn), np.sin(turn)
    x, y = u * along + v * across, v * along - u * across
    first = value_noise(x / 2.5, y * 1.1, seed + 1)
    second = value_noise(x / 2.5 + 7.3, y * 1.1 - 3.1, seed + 2)
    return _two(np.clip(4 * (first - 0.4), 0, 1), np.clip(5 * (second - 0.6), 0, 1))


def speckled(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Small irregular specks and splashes."""
    x, y = np.floor(u), np.floor(v)
    radius = 0.15 + 0.3 * _hash(x, y, seed + 2)
    px, py = 0.3 + 0.4 * _hash(x, y, seed), 0.3 + 0.4 * _hash(x, y, seed + 1)
    inside = (np.hypot(u - x - px, v - y - py) < radius) & (_hash(x, y, seed + 3) > 0.35)
    return _two(inside, (inside & (_hash(x, y, seed + 4) > 0.6)).astype(np.float32))


def woven(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Plain weave: threads along ``u`` and ``v`` over and under each other, with dark gaps between."""
    lying = (np.floor(u) + np.floor(v)) % 2 == 0
    across = np.where(lying, v - np.floor(v), u - np.floor(u))
    gap = np.abs(across - 0.5) > 0.4
    return _two(~lying & ~gap, gap.astype(np.float32))


def hatched(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Broken pen lines along ``u``, crossed by others where it is to be darker."""
    shade = value_noise(u / 4, v / 4, seed)

    def lines(along: np.ndarray, across: np.ndarray, number: int) -> np.ndarray:
        row = np.floor(across * 1.6)
        drawn = value_noise(along / 2.5, row + 0.5, seed + number) > 0.3
        return drawn & (np.abs(across * 1.6 - row - 0.5) < 0.17)

    diagonal = lines((u + v) * np.float32(0.7), (v - u) * np.float32(0.7), 1)
    ink = lines(u, v, 2) | (diagonal & (shade > 0.5))
    return _two(ink, ((shade < 0.3) & ~ink).astype(np.float32))


def graded(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Slow passages from colour to colour, as of an airbrush or an evening sky."""
    place = np.clip(2.8 * value_noise(u / 5, v / 5, seed) - 0.4, 0, 2)
    return np.stack([np.clip(1 - place, 0, 1), 1 - np.abs(place - 1), np.clip(place - 1, 0, 1)], axis=-1)


def printed(u: np.ndarray, v: np.ndarray, seed: int) -> Weights:
    """Flat areas with outlines of one width, as in a woodcut or a comic: the second colour draws."""
    height = 4.5 * value_noise(u / 3, v / 3, seed)
    step = 0.05
    slope = np.hypot(
        4.5 * value_noise((u + step) / 3, v / 3, seed) - height, 4.5 * value_noise(u / 3, (v + step) / 3, seed) - height
    )
    level = np.floor(height)
    to_edge = np.minimum(height - level, level + 1 - height) / np.maximum(slope / step, 0.15)
    outline = to_edge < 0.13
    return _two(outline, ((level % 2 == 1) & ~outline).astype(np.float32))


FAMILIES: dict[str, Callable[[np.ndarray, np.ndarray, int], Weights]] = {
    "striped": striped, "dotted": dotted, "checkered": checkered, "brick": brick, "zigzag": zigzag,
    "cellular": cellular, "camouflage": camouflage, "wooden": wooden, "brushed": brushed, "speckled": speckled,
    "woven": woven, "hatched": hatched, "graded": graded, "printed": printed,
}  # fmt: skip
"""The families, in the order of ``captions.PATTERN_WORDS``."""
