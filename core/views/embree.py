# SPDX-License-Identifier: GPL-3.0-or-later
"""The default rasteriser: Intel Embree's ray caster on the processor (through ``embreex``)."""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from ..geometry.mesh import Mesh
from .cameras import Camera
from .rasteriser import Raster, raster_from_hits

_SURFACE_OFFSET = 1e-4
"""How far shadow rays start off the surface, in units of the normalised mesh, so that it does not shadow itself."""


class EmbreeRasteriser:
    """Rasterises one mesh; may be used from several threads at once (Embree only reads, and frees Python's lock)."""

    def __init__(self, mesh: Mesh) -> None:
        """Build the search tree of ``mesh``, which should be normalised."""
        self._mesh = mesh
        # Robust: rays must not slip through between two triangles that share an edge.
        self._scene = EmbreeScene(robust=True)
        TriangleMesh(self._scene, np.ascontiguousarray(mesh.positions), np.ascontiguousarray(mesh.triangles))

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
        return raster_from_hits(self._mesh, camera, triangle.reshape(shape), barycentric.reshape(*shape, 3))

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
        hits = self._scene.run(np.ascontiguousarray(origins), np.ascontiguousarray(directions), output=True)
        triangle = hits["primID"].astype(np.int32)
        u, v = hits["u"], hits["v"]
        distance = np.where(triangle >= 0, hits["tfar"], np.float32(np.inf))
        return triangle, np.stack([1.0 - u - v, u, v], axis=-1), distance

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
        return self._scene.run(origins, directions, dists=distance, query="OCCLUDED") < 0
