# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh of a shape, for tests that need no UVs."""

import numpy as np
import trimesh

from core.geometry.mesh import Mesh


def bare_mesh(shape: trimesh.Trimesh) -> Mesh:
    """``shape`` as it lies, with flat normals; all its UVs are 0."""
    triangles = shape.faces.astype(np.int32)
    normals = np.repeat(shape.face_normals[:, None], 3, axis=1).astype(np.float32)
    return Mesh(shape.vertices.astype(np.float32), triangles, np.zeros((len(triangles), 3, 2), np.float32), normals)
