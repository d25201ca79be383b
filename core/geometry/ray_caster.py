# SPDX-License-Identifier: GPL-3.0-or-later
"""Where rays meet triangles: the one place that casts them.

Intel's Embree (through ``embreex``) does it. It has no package for Linux on ARM; there libigl's tree of boxes does, in
double precision, at four to ten times the processor time and without letting other Python threads go on. Each is loaded
by its name in text: no system has both.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class RayCaster(Protocol):
    """Casts rays at one set of triangles; may be used from several threads at once."""

    def first_hits(self, origins: Floats, directions: Floats) -> tuple[NDArray[np.int32], Floats, Floats]:
        """The first triangle that each ray meets, from either side.

        Args:
            origins: [N, 3].
            directions: [N, 3], unit.

        Returns:
            Triangle [N], -1 for none; barycentric coordinates [N, 3] of the place in it; the distance to it [N],
            infinite for none.
        """
        ...

    def occluded(self, origins: Floats, directions: Floats, distances: Floats) -> NDArray[np.bool_]:
        """Whether rays as in ``first_hits`` meet a triangle before ``distances`` [N]: bool [N]."""
        ...


def ray_caster(vertices: Floats, triangles: NDArray[np.int32]) -> RayCaster:
    """Build the search tree over ``triangles`` [T, 3], which index ``vertices`` [V, 3]."""
    # Where both are missing, Embree's error names what the environment lacks.
    instead = find_spec("embreex") is None and find_spec("igl") is not None
    return (IglCaster if instead else EmbreeCaster)(vertices, triangles)


class EmbreeCaster:
    """Embree: single precision; frees Python's lock while it casts."""

    def __init__(self, vertices: Floats, triangles: NDArray[np.int32]) -> None:
        """See ``ray_caster``."""
        # Robust: rays must not slip through between two triangles that share an edge.
        self._scene = import_module("embreex.rtcore_scene").EmbreeScene(robust=True)
        add = import_module("embreex.mesh_construction").TriangleMesh
        add(self._scene, np.ascontiguousarray(vertices), np.ascontiguousarray(triangles))

    def first_hits(self, origins: Floats, directions: Floats) -> tuple[NDArray[np.int32], Floats, Floats]:
        """See ``RayCaster``."""
        hits = self._scene.run(np.ascontiguousarray(origins), np.ascontiguousarray(directions), output=True)
        triangle = hits["primID"].astype(np.int32)
        u, v = hits["u"], hits["v"]
        distance = np.where(triangle >= 0, hits["tfar"], np.float32(np.inf))
        return triangle, np.stack([1.0 - u - v, u, v], axis=-1), distance

    def occluded(self, origins: Floats, directions: Floats, distances: Floats) -> NDArray[np.bool_]:
        """See ``RayCaster``."""
        origins, directions = np.ascontiguousarray(origins), np.ascontiguousarray(directions)
        return self._scene.run(origins, directions, dists=distances, query="OCCLUDED") >= 0


class IglCaster:
    """libigl's bounding boxes: double precision, on all processor cores."""

    _SCALE = 2.0**20
    """libigl passes by triangles of about 1e-6 in area; so much larger, none of a normalised mesh is that small."""
    _PARALLEL = 1e-100
    """In place of 0 in directions: a ray in the plane of a box's side would give libigl 0 times infinity."""

    def __init__(self, vertices: Floats, triangles: NDArray[np.int32]) -> None:
        """See ``ray_caster``."""
        self._vertices = np.asfortranarray(vertices, dtype=np.float64) * self._SCALE
        self._triangles = np.asfortranarray(triangles, dtype=np.int64)
        self._tree = import_module("igl").AABB()
        if len(triangles):
            self._tree.init(self._vertices, self._triangles)

    def first_hits(self, origins: Floats, directions: Floats) -> tuple[NDArray[np.int32], Floats, Floats]:
        """See ``RayCaster``."""
        count = len(origins)
        if not count or not len(self._triangles):
            return np.full(count, -1, np.int32), np.zeros((count, 3), np.float32), np.full(count, np.inf, np.float32)
        starts = np.asfortranarray(origins, dtype=np.float64) * self._SCALE
        along = np.asfortranarray(directions, dtype=np.float64)
        along = np.where(along == 0.0, self._PARALLEL, along)
        hits, distance, uv = self._tree.intersect_ray_first(self._vertices, self._triangles, starts, along)
        triangle = hits.astype(np.int32)
        met = triangle >= 0
        u, v = (np.where(met, uv[:, each], 0.0) for each in range(2))
        barycentric = np.stack([1.0 - u - v, u, v], axis=-1).astype(np.float32)
        return triangle, barycentric, np.where(met, distance / self._SCALE, np.inf).astype(np.float32)

    def occluded(self, origins: Floats, directions: Floats, distances: Floats) -> NDArray[np.bool_]:
        """See ``RayCaster``."""
        return self.first_hits(origins, directions)[2] < distances
