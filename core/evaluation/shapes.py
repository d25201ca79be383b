# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes that are hard to see all of: long, flat, hollow, tiny, in many parts, or seen from inside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import trimesh
from trimesh.creation import revolve, torus
from trimesh.transformations import translation_matrix

_CUP = ((0.0, -1.5), (0.4, -1.5), (0.4, 1.5), (0.3, 1.5), (0.3, -1.4), (0.0, -1.4))
"""Radius and height along a profile: deep and narrow, with a thick wall."""


def box(extents: tuple[float, float, float], centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    """A box around ``centre``."""
    return trimesh.creation.box(extents, translation_matrix(centre))


def ball(radius: float, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    """A ball of 320 triangles around ``centre``."""
    return trimesh.creation.icosphere(2, radius).apply_translation(centre)


def room() -> trimesh.Trimesh:
    """Walls of a single layer that face inwards, a table, a wardrobe and a lamp that touch nothing."""
    walls = box((4, 5, 3))
    walls.invert()
    legs = [box((0.1, 0.1, 0.5), (x, y, -1.15)) for x in (-0.5, 0.5) for y in (-0.3, 0.3)]
    table, wardrobe = box((1.2, 0.8, 0.1), (0, 0, -0.7)), box((0.8, 0.5, 1.8), (-1.3, 2, -0.4))
    return together([walls, table, *legs, wardrobe, ball(0.4, (1, -1, 1))])


def islands() -> trimesh.Trimesh:
    """Twenty balls of many sizes that do not touch."""
    generator = np.random.default_rng(1)
    places = 0.7 * np.stack(np.unravel_index(generator.permutation(27)[:20], (3, 3, 3)), axis=-1)
    return together([ball(generator.uniform(0.05, 0.3), tuple(place)) for place in places])


SHAPES: dict[str, Callable[[], trimesh.Trimesh]] = {
    "pole": lambda: box((1, 1, 40)),
    "sheet": lambda: trimesh.Trimesh([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], [(0, 1, 2), (0, 2, 3)]),
    "room": room,
    "islands": islands,
    "torus": lambda: torus(1, 0.4, major_sections=32, minor_sections=16),
    "tiny": lambda: box((1e-4, 2e-4, 3e-4)),
    "cup": lambda: revolve(np.array(_CUP), sections=24),
}
"""By the names that ``meshes.evaluation_mesh`` knows."""


def together(parts: list[trimesh.Trimesh]) -> trimesh.Trimesh:
    """One mesh of all ``parts``."""
    joined = trimesh.util.concatenate(parts)
    if not isinstance(joined, trimesh.Trimesh):
        raise TypeError(f"Meshes were joined to a {type(joined).__name__}")
    return joined
