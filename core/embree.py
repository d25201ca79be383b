# SPDX-License-Identifier: GPL-3.0-or-later
"""The default rasteriser: Intel Embree's ray caster on the processor (through ``embreex``)."""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from .cameras import Camera
from .mesh import Mesh
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
        origins, directions = camera.rays(height, width)
        hits = self._scene.run(
            np.ascontiguousarray(origins.reshape(-1, 3)), np.ascontiguousarray(directions.reshape(-1, 3)), output=True
        )
        triangle = hits["primID"].astype(np.int32)
        u, v = hits["u"], hits["v"]
        barycentric = np.stack([1.0 - u - v, u, v], axis=-1)
        return raster_from_hits(
            self._mesh, camera, triangle.reshape(height, width), barycentric.reshape(height, width, 3)
        )

    def sees(self, eye: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether nothing lies between ``eye`` [3] and each of ``points`` [N, 3] of the surface: bool [N]."""
        to_eye = eye - points
        distance = np.linalg.norm(to_eye, axis=-1).astype(np.float32)
        directions = np.ascontiguousarray(to_eye / distance[:, None], dtype=np.float32)
        origins = np.ascontiguousarray(points + _SURFACE_OFFSET * directions, dtype=np.float32)
        return self._scene.run(origins, directions, dists=distance, query="OCCLUDED") < 0
