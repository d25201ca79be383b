# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rasteriser gives: for each pixel, the point of the surface that it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import Mesh, points_on
from .cameras import Camera


@dataclass(frozen=True)
class Raster:
    """One view. Row 0 is at the top; where ``mask`` is false the float arrays are 0."""

    mask: NDArray[np.bool_]
    """[H, W]: whether the pixel's centre sees the surface."""
    triangle: NDArray[np.int32]
    """[H, W]: index of the triangle, -1 in the background."""
    barycentric: NDArray[np.float32]
    """[H, W, 3]: weights of the triangle's corners, summing to 1."""
    position: NDArray[np.float32]
    """[H, W, 3]: the point in world space."""
    normal: NDArray[np.float32]
    """[H, W, 3]: unit split normal, interpolated, in world space, on the viewer's side of the triangle."""
    depth: NDArray[np.float32]
    """[H, W]: distance from the camera along its viewing axis."""
    facing: NDArray[np.float32]
    """[H, W]: cosine between ``normal`` and the direction to the camera, in [0, 1]."""


class Rasteriser(Protocol):
    """Finds the visible surface; both sides of a triangle count."""

    def rasterise(self, camera: Camera, height: int, width: int) -> Raster:
        """The view of ``camera`` at ``height`` by ``width`` pixels; pixel centres decide, without anti-aliasing."""
        ...

    def look_through(
        self, camera: Camera, rows: NDArray[np.float64], columns: NDArray[np.float64], height: int, width: int
    ) -> Raster:
        """What single rays see, in the shape [A, B] of ``rows`` and ``columns``; see ``Camera.rays_through``."""
        ...


def raster_from_hits(
    mesh: Mesh,
    faces: NDArray[np.float32],
    camera: Camera,
    triangle: NDArray[np.int32],
    barycentric: NDArray[np.float32],
) -> Raster:
    """Interpolate everything else from the hits.

    Args:
        mesh: what was hit.
        faces: its ``flat_normals``, [T, 3]: of millions of triangles they take longer than the view itself.
        camera: of the view.
        triangle: [H, W], -1 for none.
        barycentric: [H, W, 3].
    """
    height, width = triangle.shape
    mask = triangle >= 0
    hit = triangle[mask]
    weights = barycentric[mask]
    position, normal = points_on(mesh, hit, weights)
    to_camera = camera.position - position
    to_camera /= np.linalg.norm(to_camera, axis=-1, keepdims=True)
    # The side is decided by the flat normal: near silhouettes a smooth normal looks away from a visible front.
    flat = faces[hit]
    behind = (flat * to_camera).sum(-1) * (flat * normal).sum(-1) < 0.0
    normal = np.where(behind[:, None], -normal, normal)
    facing = np.clip((normal * to_camera).sum(-1), 0.0, 1.0)
    depth = (camera.position - position) @ camera.rotation[2]

    def image(values: NDArray[np.float32]) -> NDArray[np.float32]:
        full = np.zeros((height, width, *values.shape[1:]), dtype=np.float32)
        full[mask] = values
        return full

    return Raster(mask, triangle, image(weights), image(position), image(normal), image(depth), image(facing))
