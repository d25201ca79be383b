# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a texture knows the object: how much of its colour goes by the object's parts.

A texture that is alike everywhere, or goes its own way, has as much of its variance between the parts as between any
other regions of their size; one that paints legs as legs and a seat as a seat has more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import KDTree
from trimesh.graph import connected_component_labels

from ..geometry.mesh import Mesh
from .surface_sample import sample_surface

_PARTITIONS = 60
"""At random, whose mean is what chance explains."""
_SEED = 20261127

Labels = NDArray[np.int64]


def part_share(mesh: Mesh, parts: Labels, texture: NDArray[np.uint8]) -> float:
    """Share of the colours' variance (CIELAB) that lies between the parts, less what chance explains.

    Chance is the mean over random partitions of the surface: as many pieces as the parts have, each around a random
    point, given to as many labels.

    Args:
        mesh: normalised.
        parts: [T] the part of each triangle; see ``known_parts``.
        texture: [S, S, 3] sRGB.

    Returns:
        From -1 to 1; about 0 for a texture that knows of no parts.
    """
    generator = np.random.default_rng(_SEED)
    sample = sample_surface(mesh, texture, generator)
    points, colours = sample.position, sample.colour
    if (total := colours.var(axis=0).sum()) < 1e-6:
        return 0.0
    pieces = _pieces(mesh, parts)
    by_chance = []
    for _ in range(_PARTITIONS):
        middles = points[generator.choice(len(points), len(pieces), replace=False)]
        _, nearest = KDTree(middles).query(points)
        by_chance.append(_between(colours, generator.permutation(pieces)[nearest]))
    return float((_between(colours, parts[sample.triangle]) - np.mean(by_chance)) / total)


def known_parts(name: str, mesh: Mesh) -> Labels | None:
    """The part of each triangle [T] of the evaluation mesh called ``name``; ``None`` for one that has none."""
    rule = _RULES.get(name)
    return None if rule is None else rule(mesh)


def _between(colours: NDArray[np.float64], labels: Labels) -> float:
    """The variance of the labels' means, by how many points they have."""
    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(number, channel) for channel in colours.T], axis=1) / counts[:, None]
    return float((counts[:, None] * (means - colours.mean(axis=0)) ** 2).sum() / len(colours))


def _shells(mesh: Mesh) -> Labels:
    """[T] which connected piece of the surface each triangle belongs to, whatever its UVs."""
    shape = trimesh.Trimesh(mesh.positions, mesh.triangles, process=False)
    shape.merge_vertices()
    return connected_component_labels(shape.face_adjacency, node_count=len(shape.faces)).astype(np.int64)


def _pieces(mesh: Mesh, parts: Labels) -> Labels:
    """The label of each connected piece of a part."""
    shape = trimesh.Trimesh(mesh.positions, mesh.triangles, process=False)
    shape.merge_vertices()
    inside = parts[shape.face_adjacency[:, 0]] == parts[shape.face_adjacency[:, 1]]
    pieces = connected_component_labels(shape.face_adjacency[inside], node_count=len(parts))
    return parts[np.unique(pieces, return_index=True)[1]]


def _chair(mesh: Mesh) -> Labels:
    """Seat, legs and posts, rungs, arms, back."""
    shells, parts = _shells(mesh), np.zeros(len(mesh.triangles), np.int64)
    for shell in np.unique(shells):
        corners = mesh.positions[mesh.triangles[shells == shell]].reshape(-1, 3)
        size, middle = np.ptp(corners, axis=0), corners.mean(axis=0)
        if size[0] > 0.8 and size[1] > 0.7:
            label = 0
        elif size[2] > 0.6:
            label = 1
        elif middle[2] < -0.2:
            label = 2
        elif size[0] > 0.5:
            label = 4
        else:
            label = 3
        parts[shells == shell] = label
    return parts


def _suzanne(mesh: Mesh) -> Labels:
    """Eyes, ears, face, back of the head."""
    shells = _shells(mesh)
    head = shells == np.bincount(shells).argmax()
    middle = mesh.positions[mesh.triangles].mean(axis=1)
    ears = head & (np.abs(middle[:, 0]) > 0.55)
    return np.select([~head, ears, middle[:, 1] < -0.1], [0, 1, 2], 3).astype(np.int64)


def _cup(mesh: Mesh) -> Labels:
    """Inside and outside; the rim goes with the latter."""
    middle = mesh.positions[mesh.triangles].mean(axis=1)
    radius = np.hypot(mesh.positions[:, 0], mesh.positions[:, 1]).max()
    return (np.hypot(middle[:, 0], middle[:, 1]) < 0.85 * radius).astype(np.int64)


_RULES: dict[str, Callable[[Mesh], Labels]] = {"chair": _chair, "suzanne": _suzanne, "cup": _cup}
