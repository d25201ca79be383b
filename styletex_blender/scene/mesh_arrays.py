# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as the worker reads it. No ``bpy`` here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.job import MESH_FILE


@dataclass(frozen=True)
class MeshArrays:
    """A triangle mesh with per-corner attributes, turned and scaled as in Blender's world, around its box's middle.

    Where it stands does not matter to its texture, and far from the origin single precision is too coarse for it.
    """

    positions: np.ndarray
    """float32 [V, 3]."""
    triangles: np.ndarray
    """int32 [T, 3], indices of ``positions``; counter-clockwise seen from outside."""
    corner_uvs: np.ndarray
    """float32 [T, 3, 2], origin at the bottom left."""
    corner_normals: np.ndarray
    """float32 [T, 3, 3], unit split normals."""
    corner_weights: np.ndarray | None = None
    """float32 [T, 3] in [0, 1], how much the corners are in the part to texture; ``None`` where that is not asked."""

    def save(self, folder: Path) -> None:
        """Write ``mesh.npz`` into the job folder."""
        np.savez(
            folder / MESH_FILE,
            positions=self.positions,
            triangles=self.triangles,
            corner_uvs=self.corner_uvs,
            corner_normals=self.corner_normals,
        )
