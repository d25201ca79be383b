# SPDX-License-Identifier: GPL-3.0-or-later
"""Small square patches laid on a mesh: what the texture looks like there, whoever looks from wherever."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .mesh import Mesh, face_vectors, points_on
from .overlap import Overlap

_LYING = 0.95
"""Cosine between normal and world Z from which a surface lies: "up" in its patches is then Y, away from the front."""

_Y, _Z = np.eye(3, dtype=np.float32)[1:]


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

    def draw(self, count: int, size: int, spacing: float, generator: torch.Generator) -> Tensor:
        """Where the pixels of random patches are.

        Args:
            count: number of patches.
            size: pixels a side.
            spacing: distance between the middles of neighbouring pixels. The points lie anywhere in their pixels, so
                that in the mean over many patches a pixel shows its whole area.
            generator: of the CPU.

        Returns:
            float32 [count, size * size, 3], row by row from the patch's upper left corner, on the CPU.
        """
        place, first, second = torch.rand(3, count, generator=generator, dtype=torch.float64).numpy()
        triangle = np.searchsorted(self._shares, place).clip(0, len(self._shares) - 1).astype(np.int32)
        root = np.sqrt(first)
        weights = np.stack([1.0 - root, root * (1.0 - second), root * second], axis=-1).astype(np.float32)
        if self._overlap is not None:
            triangle, weights = self._overlap.owners(triangle, weights)
        position, normal = points_on(self._mesh, triangle, weights)
        right, up = (torch.from_numpy(axis)[:, None] for axis in _upright(normal))
        line = torch.arange(size) - (size - 1) / 2.0
        rows, columns = torch.meshgrid(-line, line, indexing="ij")
        across, along = torch.rand(2, count, size * size, generator=generator) - 0.5
        x, y = ((middle.flatten() + jitter)[..., None] for middle, jitter in ((columns, across), (rows, along)))
        return torch.from_numpy(position)[:, None] + spacing * (x * right + y * up)


def _upright(normal: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unit tangents [N, 3] to the right and up, seen from the side of the unit normals [N, 3]."""
    up = np.where(np.abs(normal[:, 2:]) > _LYING, _Y, _Z)
    up = up - normal * (up * normal).sum(axis=-1, keepdims=True)
    up /= np.linalg.norm(up, axis=-1, keepdims=True)
    return np.cross(up, normal), up
