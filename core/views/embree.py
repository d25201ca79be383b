# SPDX-License-Identifier: GPL-3.0-or-later
"""The default rasteriser: rays on the processor, cast by Intel's Embree (where there is none, ``ray_caster`` says)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import Mesh, flat_normals
from ..geometry.ray_caster import ray_caster
from .cameras import Camera
from .rasteriser import Raster, raster_from_hits

_SURFACE_OFFSET = 1e-4
"""How far shadow rays start off the surface, in units of the normalised mesh, so that it does not shadow itself."""


class EmbreeRasteriser:
    """Rasterises one mesh; may be used from several threads at once (Embree only reads, and frees Python's lock)."""

    def __init__(self, mesh: Mesh) -> None:
        """Build the search tree of ``mesh``, which should be normalised."""
        self._mesh, self._faces = mesh, flat_normals(mesh)
        self._caster = ray_caster(mesh.positions, mesh.triangles)

    def rasterise(self, camera: Camera, height: int, width: int) -> Raster:
        """See ``rasteriser.Rasteriser``."""
        return self._raster(camera, *camera.rays(height, width))

    def look_through(
        self, camera: Camera, rows: NDArray[np.float64], columns: NDArray[np.float64], height: int, width: int
    ) -> Raster:
        """See ``rasteriser.Rasteriser``."""
        return self._raster(camera, *camera.rays_through(rows, columns, height, width))

    def _raster(self, camera: Camera, origins: NDArray[np.float32], directions: NDArray[np.float32]) -> Raster:
        shape = directions.shape[:2]
        triangle, barycentric, _ = self.cast(origins.reshape(-1, 3), directions.reshape(-1, 3))
        triangle, barycentric = triangle.reshape(shape), barycentric.reshape(*shape, 3)
        return raster_from_hits(self._mesh, self._faces, camera, triangle, barycentric)

    def cast(
        self, origins: NDArray[np.float32], directions: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """The first surface that each ray meets.

        Args:
            origins: [N, 3].
            directions: [N, 3], unit.

        Returns:
            Triangle [N], -1 for none; its barycentric coordinates [N, 3]; the distance to it [N], infinite for none.
        """
        return self._caster.first_hits(origins, directions)

    def free_distance(self, points: NDArray[np.float32], directions: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far [N] it is from ``points`` [N, 3] of the surface along unit ``directions`` [N, 3] to the next one."""
        origins = np.ascontiguousarray(points + _SURFACE_OFFSET * directions, dtype=np.float32)
        distance = self.cast(origins, directions)[2]
        return distance + np.float32(_SURFACE_OFFSET)

    def sees(self, eye: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether nothing lies between ``eye`` [3] and each of ``points`` [N, 3] of the surface: bool [N]."""
        to_eye = eye - points
        distance = np.linalg.norm(to_eye, axis=-1).astype(np.float32)
        directions = np.ascontiguousarray(to_eye / distance[:, None], dtype=np.float32)
        origins = np.ascontiguousarray(points + _SURFACE_OFFSET * directions, dtype=np.float32)
        return ~self._caster.occluded(origins, directions, distance)
