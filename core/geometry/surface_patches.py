# SPDX-License-Identifier: GPL-3.0-or-later
"""Small square patches laid on a mesh: what the texture looks like there, whoever looks from wherever."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .mesh import Mesh, face_vectors, points_on
from .overlap import Overlap

_LYING = 0.95
"""Cosine between normal and world Z from which a surface lies: "up" in its patches is then Y, away from the front."""

_Y, _Z = np.eye(3, dtype=np.float32)[1:]


@dataclass(frozen=True)
class Patches:
    """``n`` patches of ``m`` pixels, where to look at each of ``k`` points of every pixel; on the CPU."""

    positions: Tensor
    """float32 [n, m, k, 3], row by row from a patch's upper left corner."""
    normals: Tensor
    """float32 [n, 3] of the surface in their middles."""


class SurfacePatches:
    """Draws patches on the tangent planes of points spread evenly over the surface, inside and outside alike.

    They stand upright: their columns point up along world Z. The texture field has a colour everywhere in space, so it
    can be asked for a patch's pixels also where those leave a curved surface.
    """

    def __init__(self, mesh: Mesh, overlap: Overlap | None = None) -> None:
        """Prepare the mesh.

        Args:
            mesh: normalised.
            overlap: of ``mesh``; patches lie where the surface owns its texels.
        """
        areas = np.linalg.norm(face_vectors(mesh), axis=-1) / 2.0
        self.area = float(areas.sum())
        """Of the whole surface, in square units of the normalised mesh."""
        self._mesh, self._overlap = mesh, overlap
        self._shares = np.cumsum(areas) / self.area

    def draw(
        self, count: int, size: int, spacing: float, samples: int, thickness: float, generator: torch.Generator
    ) -> Patches:
        """Random patches of ``size * size`` pixels with ``samples * samples`` points each.

        Args:
            count: number of patches.
            size: pixels a side.
            spacing: distance between the middles of neighbouring pixels.
            samples: points along the side of a pixel, whose mean is its colour.
            thickness: patches lie up to half as far in front of the surface or behind it.
            generator: of the CPU.
        """
        place, first, second, depth = torch.rand(4, count, generator=generator, dtype=torch.float64).numpy()
        triangle = np.searchsorted(self._shares, place).clip(0, len(self._shares) - 1).astype(np.int32)
        root = np.sqrt(first)
        weights = np.stack([1.0 - root, root * (1.0 - second), root * second], axis=-1).astype(np.float32)
        if self._overlap is not None:
            triangle, weights = self._overlap.owners(triangle, weights)
        position, normal = points_on(self._mesh, triangle, weights)
        position += (thickness * (depth - 0.5)).astype(np.float32)[:, None] * normal
        right, up, middle = (torch.from_numpy(axis)[:, None, None] for axis in (*upright(normal), position))
        places = _grid(size)[:, None] + _grid(samples) / samples
        positions = middle + spacing * (places[..., :1] * right + places[..., 1:] * up)
        return Patches(positions, torch.from_numpy(normal))


def _grid(size: int) -> Tensor:
    """[size * size, 2] middles of the pixels of a square around 0, to the right and up, row by row from the top."""
    line = torch.arange(size) - (size - 1) / 2.0
    up, right = torch.meshgrid(-line, line, indexing="ij")
    return torch.stack([right.flatten(), up.flatten()], dim=-1)


def upright(normal: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unit tangents [N, 3] to the right and up, seen from the side of the unit normals [N, 3]."""
    up = np.where(np.abs(normal[:, 2:]) > _LYING, _Y, _Z)
    up = up - normal * (up * normal).sum(axis=-1, keepdims=True)
    up /= np.linalg.norm(up, axis=-1, keepdims=True)
    return np.cross(up, normal), up
