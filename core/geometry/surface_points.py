# SPDX-License-Identifier: GPL-3.0-or-later
"""Points spread over a mesh, to judge views by before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh, face_vectors, flat_normals, points_on, uv_areas

_R2 = (0.7548776662466927, 0.5698402909980532)
"""Steps of Roberts' low-discrepancy sequence in two dimensions."""


@dataclass(frozen=True)
class SurfacePoints:
    """N points, half of them spread evenly over the surface and half over the texture."""

    position: NDArray[np.float32]
    """[N, 3] world space."""
    normal: NDArray[np.float32]
    """[N, 3] unit normals of the triangles as they lie."""
    area: float
    """Area of the whole mesh."""


def surface_points(mesh: Mesh, count: int) -> SurfacePoints:
    """``count`` points of ``mesh``, the same for the same mesh.

    A small part may have many texels, and a large one few: both are to have their points.
    """
    area = np.linalg.norm(face_vectors(mesh), axis=-1) / 2.0
    texels = uv_areas(mesh.corner_uvs)
    share = (area / area.sum() + texels / texels.sum()) / 2.0
    place = (np.arange(count) + 0.5) / count
    triangle = np.searchsorted(np.cumsum(share), place).clip(0, len(share) - 1).astype(np.int32)
    u, v = ((np.arange(1, count + 1)[:, None] * np.array(_R2)) % 1.0).T
    folded = u + v > 1.0  # the other half of the unit square
    u, v = np.where(folded, 1.0 - u, u), np.where(folded, 1.0 - v, v)
    weights = np.stack([1.0 - u - v, u, v], axis=-1).astype(np.float32)
    return SurfacePoints(points_on(mesh, triangle, weights)[0], flat_normals(mesh)[triangle], float(area.sum()))
