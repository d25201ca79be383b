# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects to train on: a class word, a random variation, and parts that carry the class's own colours.

A part is either styled (0) or a content mark, an index into ``MARK_COLOURS``: a house's roof is always red, whatever
the style. What a model learns of the marks is content, and how much of it leaks can be measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import trimesh
from trimesh.creation import box, capsule, cone, cylinder, icosphere, revolve, torus
from trimesh.transformations import rotation_matrix

from ..geometry.mesh import Mesh, normalise

MARK_COLOURS = np.array(
    [
        (0.0, 0.0, 0.0),  # part 0 is styled; never read
        (0.80, 0.13, 0.10),  # 1 roofs, mushroom caps
        (0.95, 0.55, 0.70),  # 2 icing
        (0.45, 0.27, 0.12),  # 3 wood of legs and trunks
        (0.98, 0.85, 0.25),  # 4 lamp light
        (0.98, 0.50, 0.10),  # 5 flames, carrots
        (0.55, 0.57, 0.60),  # 6 metal
    ],
    dtype=np.float32,
)
"""sRGB colour of each content mark."""

SMOOTH_COSINE = 0.75
"""Edges flatter than this are shaded smooth."""

Part = tuple[trimesh.Trimesh, int]


@dataclass(frozen=True)
class Shape:
    """One object: its class word, its mesh in [-0.9, 0.9], and the part of each triangle."""

    word: str
    mesh: Mesh
    part: np.ndarray
    """uint8 [T]; 0 is styled, others index ``MARK_COLOURS``."""


def _at(mesh: trimesh.Trimesh, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> trimesh.Trimesh:
    mesh.apply_translation((x, y, z))
    return mesh


def _lathe(rng: np.random.Generator, radii: np.ndarray, height: float) -> trimesh.Trimesh:
    heights = np.linspace(0.0, height, len(radii))
    fine = np.linspace(0.0, height, 24)
    smooth = np.interp(fine, heights, radii)
    smooth = np.convolve(np.pad(smooth, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    profile = np.column_stack([np.concatenate([[0.0], smooth, [0.0]]), np.concatenate([[0.0], fine, [height]])])
    return revolve(profile, sections=32)


def _ellipsoid(radii: tuple[float, float, float]) -> trimesh.Trimesh:
    mesh = icosphere(subdivisions=3)
    mesh.apply_scale(radii)
    return mesh


def _ball(rng: np.random.Generator) -> list[Part]:
    return [(_ellipsoid(tuple(rng.uniform(0.75, 1.0, 3))), 0)]


def _box(rng: np.random.Generator) -> list[Part]:
    return [(box(rng.uniform(0.5, 1.2, 3)), 0)]


def _house(rng: np.random.Generator) -> list[Part]:
    width, depth, height = rng.uniform(0.7, 1.2), rng.uniform(0.7, 1.2), rng.uniform(0.5, 0.9)
    roof = cone(radius=0.85 * max(width, depth), height=rng.uniform(0.4, 0.8), sections=4)
    roof.apply_transform(rotation_matrix(np.pi / 4, (0, 0, 1)))
    return [(box((width, depth, height)), 0), (_at(roof, z=height / 2), 1)]


def _tower(rng: np.random.Generator) -> list[Part]:
    height = rng.uniform(1.4, 2.0)
    parts: list[Part] = [(cylinder(radius=0.45, height=height), 0)]
    parts.append((_at(cylinder(radius=0.58, height=0.25), z=height / 2), 0))
    if rng.random() < 0.6:
        parts.append((_at(cone(radius=0.62, height=0.6), z=height / 2 + 0.12), 1))
    return parts


def _mushroom(rng: np.random.Generator) -> list[Part]:
    cap = _ellipsoid((0.8, 0.8, rng.uniform(0.35, 0.6)))
    return [(_lathe(rng, rng.uniform(0.2, 0.35, 4), 1.0), 0), (_at(cap, z=1.0), 1 if rng.random() < 0.7 else 0)]


def _donut(rng: np.random.Generator) -> list[Part]:
    minor = rng.uniform(0.28, 0.42)
    icing = torus(major_radius=0.9, minor_radius=minor * 0.97)
    icing.apply_scale((1.0, 1.0, 0.8))
    ring = torus(major_radius=0.9, minor_radius=minor)
    return [(ring, 0), (_at(icing, z=minor * 0.25), 2)] if rng.random() < 0.6 else [(ring, 0)]


def _vase(rng: np.random.Generator) -> list[Part]:
    return [(_lathe(rng, rng.uniform(0.25, 0.8, 6), 2.0), 0)]


def _mug(rng: np.random.Generator) -> list[Part]:
    handle = torus(major_radius=0.4, minor_radius=0.1)
    handle.apply_transform(rotation_matrix(np.pi / 2, (1, 0, 0)))
    height = rng.uniform(1.0, 1.5)
    return [(cylinder(radius=0.6, height=height), 0), (_at(handle, x=0.65), 0)]


def _legs(spread: float, top: float, radius: float) -> list[Part]:
    return [
        (_at(cylinder(radius=radius, height=top), x=sx * spread, y=sy * spread, z=top / 2), 3)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]


def _chair(rng: np.random.Generator) -> list[Part]:
    seat, thick = rng.uniform(0.7, 0.95), rng.uniform(0.1, 0.22)
    back = box((1.3, thick, rng.uniform(0.8, 1.2)))
    return [
        *_legs(0.55, seat, 0.08),
        (_at(box((1.3, 1.3, thick)), z=seat), 0),
        (_at(back, y=0.6, z=seat + 0.5), 0),
    ]


def _table(rng: np.random.Generator) -> list[Part]:
    top = rng.uniform(0.8, 1.2)
    return [*_legs(0.7, top, 0.09), (_at(box((1.8, 1.8, rng.uniform(0.12, 0.3))), z=top), 0)]


def _tree(rng: np.random.Generator) -> list[Part]:
    trunk = (_at(cylinder(radius=0.15, height=0.9), z=0.45), 3)
    if rng.random() < 0.5:
        return [trunk, (_at(cone(radius=0.7, height=1.5), z=0.6), 0)]
    return [trunk, (_at(_ellipsoid(tuple(rng.uniform(0.6, 0.8, 3))), z=1.3), 0)]


def _rocket(rng: np.random.Generator) -> list[Part]:
    length = rng.uniform(1.2, 1.8)
    parts: list[Part] = [(_at(cylinder(radius=0.4, height=length), z=length / 2), 0)]
    parts.append((_at(cone(radius=0.4, height=0.7), z=length), 1))
    flame = cone(radius=0.3, height=0.5)
    flame.apply_transform(rotation_matrix(np.pi, (1, 0, 0)))
    parts.append((flame, 5))
    parts += [(_at(box((1.3, 0.08, 0.5)), z=0.3), 0), (_at(box((0.08, 1.3, 0.5)), z=0.3), 0)]
    return parts


def _barrel(rng: np.random.Generator) -> list[Part]:
    bulge = rng.uniform(0.65, 0.8)
    parts: list[Part] = [(_lathe(rng, np.array([0.5, bulge, bulge, 0.5]), 1.5), 0)]
    parts += [(_at(cylinder(radius=bulge * 0.98, height=0.12), z=z), 6) for z in (0.35, 1.15)]
    return parts


def _snowman(rng: np.random.Generator) -> list[Part]:
    nose = cone(radius=0.08, height=0.5)
    nose.apply_transform(rotation_matrix(np.pi / 2, (1, 0, 0)))
    radii = np.sort(rng.uniform(0.3, 0.75, 3))[::-1]
    heights = np.cumsum([0.0, radii[0] + radii[1] * 0.7, radii[1] + radii[2] * 0.7])
    balls: list[Part] = [(_at(icosphere(3, r), z=z), 0) for r, z in zip(radii, heights, strict=True)]
    return [*balls, (_at(nose, y=-radii[2] * 0.8, z=heights[2]), 5)]


def _star(rng: np.random.Generator) -> list[Part]:
    points = int(rng.integers(4, 8))
    angles = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
    radii = np.where(np.arange(2 * points) % 2 == 0, 1.0, rng.uniform(0.4, 0.65))
    ring = np.column_stack([radii * np.cos(angles), np.zeros(2 * points), radii * np.sin(angles)])
    depth = rng.uniform(0.25, 0.45)
    vertices = np.vstack([ring, [[0.0, -depth, 0.0], [0.0, depth, 0.0]]])
    around = np.arange(2 * points)
    following = (around + 1) % (2 * points)
    front = np.column_stack([around, following, np.full_like(around, 2 * points)])
    back = np.column_stack([following, around, np.full_like(around, 2 * points + 1)])
    return [(trimesh.Trimesh(vertices, np.vstack([front, back]), process=False), 0)]


def _creature(rng: np.random.Generator) -> list[Part]:
    parts: list[Part] = [(_ellipsoid(tuple(rng.uniform(0.5, 0.9, 3))), 0)]
    parts.append((_at(_ellipsoid(tuple(rng.uniform(0.35, 0.55, 3))), y=-0.6, z=0.6), 0))
    for side in (-1, 1):
        parts.append((_at(_ellipsoid((0.12, 0.1, rng.uniform(0.2, 0.45))), x=side * 0.25, y=-0.6, z=1.1), 0))
        parts += [(_at(capsule(height=0.5, radius=0.14), x=side * 0.4, y=y, z=-0.9), 0) for y in (-0.4, 0.4)]
    return parts


def _rock(rng: np.random.Generator) -> list[Part]:
    mesh = icosphere(subdivisions=3)
    directions = rng.normal(size=(6, 3))
    waves = np.sin(mesh.vertices @ directions.T * rng.uniform(1.0, 2.5) + rng.uniform(0, 6, 6)).mean(1)
    mesh.vertices *= (1.0 + 0.5 * waves)[:, None]
    return [(mesh, 0)]


def _lamp(rng: np.random.Generator) -> list[Part]:
    shade = cylinder(radius=rng.uniform(0.5, 0.7), height=rng.uniform(0.6, 0.9))
    return [
        (_at(cylinder(radius=0.45, height=0.12), z=0.06), 6),
        (_at(cylinder(radius=0.07, height=1.1), z=0.6), 6),
        (_at(shade, z=1.4), 0),
        (_at(icosphere(2, 0.4), z=1.85), 4),
    ]


MAKERS: dict[str, Callable[[np.random.Generator], list[Part]]] = {
    "ball": _ball, "box": _box, "house": _house, "tower": _tower, "mushroom": _mushroom, "donut": _donut,
    "vase": _vase, "mug": _mug, "chair": _chair, "table": _table, "tree": _tree, "rocket": _rocket,
    "barrel": _barrel, "snowman": _snowman, "star": _star, "creature": _creature, "rock": _rock, "lamp": _lamp,
}  # fmt: skip


def make_shape(word: str, rng: np.random.Generator) -> Shape:
    """A random object of class ``word`` (a key of ``MAKERS``), turned about the vertical and stretched a little."""
    parts = MAKERS[word](rng)
    part = np.concatenate([np.full(len(mesh.faces), mark, np.uint8) for mesh, mark in parts])
    # concatenate() promises any geometry; of meshes it makes a mesh.
    whole = cast(trimesh.Trimesh, trimesh.util.concatenate([mesh for mesh, _ in parts]))
    whole.apply_scale(rng.uniform(0.85, 1.15, 3))
    whole.apply_transform(rotation_matrix(rng.normal(0.0, 0.3), (0, 0, 1)))
    triangles = np.asarray(whole.faces, np.int32)
    flat = np.repeat(np.asarray(whole.face_normals)[:, None], 3, axis=1)
    around = np.asarray(whole.vertex_normals)[triangles]
    soft = np.sum(flat * around, axis=-1, keepdims=True) > SMOOTH_COSINE
    corners = np.where(soft, around, flat)
    mesh = Mesh(
        positions=np.asarray(whole.vertices, np.float32),
        triangles=triangles,
        corner_uvs=np.zeros((len(triangles), 3, 2), np.float32),
        corner_normals=np.ascontiguousarray(corners, np.float32),
    )
    return Shape(word, normalise(mesh), part)
