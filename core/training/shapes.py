# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects to train on: a class word, a random variation, and parts with a role in the object.

The role of a part decides which of a style's colours it takes. A part can also bear a content mark, an index into
``MARK_COLOURS``: where a picture shows the object's own colours, a house's roof is always red, whatever the style. That
is content, and how much of it leaks from a style image can be measured.
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
from .coordinates import Limb

MARK_COLOURS = np.array(
    [
        (0.0, 0.0, 0.0),  # 0 is no mark; never read
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

BODY, LIMB, TOP, ACCENT = range(4)
"""Roles of parts: what the object mostly is, what holds or girds it, what crowns it, and what sticks out."""
_UP = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Part:
    """One part of an object."""

    mesh: trimesh.Trimesh
    role: int = BODY
    mark: int = 0
    """Index into ``MARK_COLOURS``, 0 for none."""
    axis: tuple[float, float, float] | None = None
    """Direction of the axis that patterns run round; ``None`` lays them flat."""
    ring: bool = False
    """Whether it is a torus about ``axis``."""


@dataclass(frozen=True)
class Shape:
    """One object: its class word, its mesh in [-0.9, 0.9], and what each triangle belongs to."""

    word: str
    mesh: Mesh
    piece: np.ndarray
    """uint8 [T]: number of the part."""
    role: np.ndarray
    """uint8 [T]."""
    mark: np.ndarray
    """uint8 [T]; 0 is styled, others index ``MARK_COLOURS``."""
    limbs: list[Limb | None]
    """Of each part."""


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
    return [Part(_ellipsoid(tuple(rng.uniform(0.75, 1.0, 3))), axis=_UP)]


def _box(rng: np.random.Generator) -> list[Part]:
    size = rng.uniform(0.5, 1.2, 3)
    parts = [Part(box(size))]
    if rng.random() < 0.5:
        lid = box((size[0] * 1.08, size[1] * 1.08, size[2] * 0.22))
        parts.append(Part(_at(lid, z=size[2] * 0.5), TOP))
    return parts


def _house(rng: np.random.Generator) -> list[Part]:
    width, depth, height = rng.uniform(0.7, 1.2), rng.uniform(0.7, 1.2), rng.uniform(0.5, 0.9)
    roof = cone(radius=0.85 * max(width, depth), height=rng.uniform(0.4, 0.8), sections=4)
    roof.apply_transform(rotation_matrix(np.pi / 4, (0, 0, 1)))
    return [Part(box((width, depth, height))), Part(_at(roof, z=height / 2), TOP, 1)]


def _tower(rng: np.random.Generator) -> list[Part]:
    height = rng.uniform(1.4, 2.0)
    parts = [
        Part(cylinder(radius=0.45, height=height), axis=_UP),
        Part(_at(cylinder(radius=0.58, height=0.25), z=height / 2), LIMB, axis=_UP),
    ]
    if rng.random() < 0.6:
        parts.append(Part(_at(cone(radius=0.62, height=0.6), z=height / 2 + 0.12), TOP, 1, _UP))
    return parts


def _mushroom(rng: np.random.Generator) -> list[Part]:
    cap = _ellipsoid((0.8, 0.8, rng.uniform(0.35, 0.6)))
    stem = _lathe(rng, rng.uniform(0.2, 0.35, 4), 1.0)
    return [Part(stem, LIMB, axis=_UP), Part(_at(cap, z=1.0), BODY, 1 if rng.random() < 0.7 else 0, _UP)]


def _donut(rng: np.random.Generator) -> list[Part]:
    minor = rng.uniform(0.28, 0.42)
    icing = torus(major_radius=0.9, minor_radius=minor * 0.97)
    icing.apply_scale((1.0, 1.0, 0.8))
    ring = Part(torus(major_radius=0.9, minor_radius=minor), axis=_UP, ring=True)
    return [ring, Part(_at(icing, z=minor * 0.25), TOP, 2, _UP, True)] if rng.random() < 0.6 else [ring]


def _vase(rng: np.random.Generator) -> list[Part]:
    radii = rng.uniform(0.25, 0.8, 6)
    parts = [Part(_lathe(rng, radii, 2.0), axis=_UP)]
    if rng.random() < 0.5:
        rim = torus(major_radius=float(radii[4:].mean()), minor_radius=0.08)
        parts.append(Part(_at(rim, z=1.95), ACCENT, axis=_UP, ring=True))
    return parts


def _mug(rng: np.random.Generator) -> list[Part]:
    handle = torus(major_radius=0.4, minor_radius=0.1)
    handle.apply_transform(rotation_matrix(np.pi / 2, (1, 0, 0)))
    height = rng.uniform(1.0, 1.5)
    return [
        Part(cylinder(radius=0.6, height=height), axis=_UP),
        Part(_at(handle, x=0.65), LIMB, axis=(0.0, 1.0, 0.0), ring=True),
    ]


def _tilted(mesh: trimesh.Trimesh, angle: float, about: tuple[float, float, float], **part: int) -> Part:
    """A limb that stood upright, turned by ``angle`` about a horizontal axis through the origin."""
    turn = np.asarray(rotation_matrix(angle, about))
    mesh.apply_transform(turn)
    x, y, z = (float(value) for value in turn[:3, 2])
    return Part(mesh, LIMB, part.get("mark", 0), (x, y, z))


def _legs(spread: float, top: float, radius: float, splay: float = 0.0) -> list[Part]:
    parts = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            leg = _at(cylinder(radius=radius, height=top), z=-top / 2)
            part = _tilted(leg, splay, (-sy, sx, 0.0), mark=3)
            _at(part.mesh, x=sx * spread, y=sy * spread, z=top)
            parts.append(part)
    return parts


def _chair(rng: np.random.Generator) -> list[Part]:
    seat, thick = rng.uniform(0.7, 0.95), rng.uniform(0.1, 0.22)
    back = box((1.3, thick, rng.uniform(0.8, 1.2)))
    return [
        *_legs(0.5, seat, rng.uniform(0.07, 0.12), -rng.uniform(0.0, 0.3)),
        Part(_at(box((1.3, 1.3, thick)), z=seat)),
        Part(_at(back, y=0.6, z=seat + 0.5), TOP),
    ]


def _table(rng: np.random.Generator) -> list[Part]:
    top = rng.uniform(0.8, 1.2)
    return [*_legs(0.7, top, 0.09), Part(_at(box((1.8, 1.8, rng.uniform(0.12, 0.3))), z=top))]


def _tree(rng: np.random.Generator) -> list[Part]:
    trunk = Part(_at(cylinder(radius=rng.uniform(0.12, 0.2), height=0.9), z=0.45), LIMB, 3, _UP)
    if rng.random() < 0.5:
        return [trunk, Part(_at(cone(radius=0.7, height=1.5), z=0.6), axis=_UP)]
    return [trunk, Part(_at(_ellipsoid(tuple(rng.uniform(0.6, 0.8, 3))), z=1.3), axis=_UP)]


def _rocket(rng: np.random.Generator) -> list[Part]:
    length = rng.uniform(1.2, 1.8)
    flame = cone(radius=0.3, height=0.5)
    flame.apply_transform(rotation_matrix(np.pi, (1, 0, 0)))
    return [
        Part(_at(cylinder(radius=0.4, height=length), z=length / 2), axis=_UP),
        Part(_at(cone(radius=0.4, height=0.7), z=length), TOP, 1, _UP),
        Part(flame, ACCENT, 5, _UP),
        Part(_at(box((1.3, 0.08, 0.5)), z=0.3), LIMB),
        Part(_at(box((0.08, 1.3, 0.5)), z=0.3), LIMB),
    ]


def _barrel(rng: np.random.Generator) -> list[Part]:
    bulge = rng.uniform(0.65, 0.8)
    parts = [Part(_lathe(rng, np.array([0.5, bulge, bulge, 0.5]), 1.5), axis=_UP)]
    hoops = [_at(cylinder(radius=bulge * 0.98, height=0.12), z=z) for z in (0.35, 1.15)]
    return parts + [Part(hoop, LIMB, 6, _UP) for hoop in hoops]


def _snowman(rng: np.random.Generator) -> list[Part]:
    nose = cone(radius=0.08, height=0.5)
    nose.apply_transform(rotation_matrix(np.pi / 2, (1, 0, 0)))
    radii = np.sort(rng.uniform(0.3, 0.75, 3))[::-1]
    heights = np.cumsum([0.0, radii[0] + radii[1] * 0.7, radii[1] + radii[2] * 0.7])
    balls = [Part(_at(icosphere(3, r), z=z), axis=_UP) for r, z in zip(radii, heights, strict=True)]
    arms = []
    for side in (-1, 1):
        arm = _tilted(_at(capsule(height=0.6, radius=0.06), z=radii[1] * 0.7), side * rng.uniform(0.9, 1.5), (0, 1, 0))
        _at(arm.mesh, z=heights[1])
        arms.append(arm)
    return [*balls, *arms, Part(_at(nose, y=-radii[2] * 0.8, z=heights[2]), ACCENT, 5, (0.0, 1.0, 0.0))]


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
    return [Part(trimesh.Trimesh(vertices, np.vstack([front, back]), process=False))]


def _creature(rng: np.random.Generator) -> list[Part]:
    parts = [Part(_ellipsoid(tuple(rng.uniform(0.5, 0.9, 3))), axis=_UP)]
    parts.append(Part(_at(_ellipsoid(tuple(rng.uniform(0.35, 0.55, 3))), y=-0.6, z=0.6), axis=_UP))
    for side in (-1, 1):
        ear = _ellipsoid((0.12, 0.1, rng.uniform(0.2, 0.45)))
        parts.append(Part(_at(ear, x=side * 0.25, y=-0.6, z=1.1), ACCENT, axis=_UP))
        for y in (-0.4, 0.4):
            leg = _tilted(_at(capsule(height=0.5, radius=0.14), z=-0.5), side * rng.uniform(-0.5, 0.1), (0, 1, 0))
            parts.append(leg)
            _at(leg.mesh, x=side * 0.4, y=y, z=-0.4)
    tail = _tilted(capsule(height=0.7, radius=0.1), -rng.uniform(0.4, 1.6), (1, 0, 0))
    _at(tail.mesh, y=0.5)
    return [*parts, tail]


def _rock(rng: np.random.Generator) -> list[Part]:
    mesh = icosphere(subdivisions=3)
    directions = rng.normal(size=(6, 3))
    waves = np.sin(mesh.vertices @ directions.T * rng.uniform(1.0, 2.5) + rng.uniform(0, 6, 6)).mean(1)
    mesh.vertices *= (1.0 + 0.5 * waves)[:, None]
    return [Part(mesh)]


def _lamp(rng: np.random.Generator) -> list[Part]:
    shade = cylinder(radius=rng.uniform(0.5, 0.7), height=rng.uniform(0.6, 0.9))
    return [
        Part(_at(cylinder(radius=0.45, height=0.12), z=0.06), LIMB, 6, _UP),
        Part(_at(cylinder(radius=0.07, height=1.1), z=0.6), LIMB, 6, _UP),
        Part(_at(shade, z=1.4), axis=_UP),
        Part(_at(icosphere(2, 0.4), z=1.85), ACCENT, 4, _UP),
    ]


MAKERS: dict[str, Callable[[np.random.Generator], list[Part]]] = {
    "ball": _ball, "box": _box, "house": _house, "tower": _tower, "mushroom": _mushroom, "donut": _donut,
    "vase": _vase, "mug": _mug, "chair": _chair, "table": _table, "tree": _tree, "rocket": _rocket,
    "barrel": _barrel, "snowman": _snowman, "star": _star, "creature": _creature, "rock": _rock, "lamp": _lamp,
}  # fmt: skip


def make_shape(word: str, rng: np.random.Generator) -> Shape:
    """A random object of class ``word`` (a key of ``MAKERS``), turned about the vertical and stretched a little."""
    parts = MAKERS[word](rng)
    piece, role, mark = (
        np.concatenate(
            [np.full(len(part.mesh.faces), value, np.uint8) for part, value in zip(parts, values, strict=True)]
        )
        for values in (range(len(parts)), [part.role for part in parts], [part.mark for part in parts])
    )
    # concatenate() promises any geometry; of meshes it makes a mesh.
    whole = cast(trimesh.Trimesh, trimesh.util.concatenate([part.mesh for part in parts]))
    stretch = rng.uniform(0.85, 1.15, 3)
    whole.apply_scale(stretch)
    turn = np.asarray(rotation_matrix(rng.normal(0.0, 0.3), (0, 0, 1)))
    whole.apply_transform(turn)
    triangles = np.asarray(whole.faces, np.int32)
    flat = np.repeat(np.asarray(whole.face_normals)[:, None], 3, axis=1)
    around = np.asarray(whole.vertex_normals)[triangles]
    soft = np.sum(flat * around, axis=-1, keepdims=True) > SMOOTH_COSINE
    corners = np.where(soft, around, flat)
    mesh = normalise(
        Mesh(
            positions=np.asarray(whole.vertices, np.float32),
            triangles=triangles,
            corner_uvs=np.zeros((len(triangles), 3, 2), np.float32),
            corner_normals=np.ascontiguousarray(corners, np.float32),
        )
    )
    limbs = [
        None
        if part.axis is None
        else Limb.around(
            mesh.positions[triangles[piece == number]].reshape(-1, 3),
            turn[:3, :3] @ (np.array(part.axis) * stretch),
            part.ring,
        )
        for number, part in enumerate(parts)
    ]
    return Shape(word, mesh, piece, role, mark, limbs)
