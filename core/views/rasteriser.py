# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rasteriser gives: for each pixel, the point of the surface that it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..geometry.mesh import Mesh
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
    shape = triangle.shape
    raster = Raster(
        mask=triangle >= 0,
        triangle=triangle,
        barycentric=np.zeros((*shape, 3), np.float32),
        position=np.zeros((*shape, 3), np.float32),
        normal=np.zeros((*shape, 3), np.float32),
        depth=np.zeros(shape, np.float32),
        facing=np.zeros(shape, np.float32),
    )
    # Another shape of the same memory: what is written there is in the raster.
    rows = (values.reshape(-1, *values.shape[2:]) for values in vars(raster).values())
    eye, axis = camera.position.astype(np.float32), camera.rotation[2].astype(np.float32)
    corners = (mesh.positions, mesh.triangles, mesh.corner_normals, faces)
    _interpolate(*corners, eye, axis, np.ascontiguousarray(barycentric).reshape(-1, 3), *rows)
    return raster


@njit(nogil=True, error_model="numpy")
def _interpolate(
    positions: NDArray[np.float32],
    triangles: NDArray[np.int32],
    corner_normals: NDArray[np.float32],
    faces: NDArray[np.float32],
    eye: NDArray[np.float32],
    axis: NDArray[np.float32],
    weights: NDArray[np.float32],
    mask: NDArray[np.bool_],
    triangle: NDArray[np.int32],
    barycentric: NDArray[np.float32],
    position: NDArray[np.float32],
    normal: NDArray[np.float32],
    depth: NDArray[np.float32],
    facing: NDArray[np.float32],
) -> None:
    """Fill in the last arrays, [N] or [N, 3], where ``mask``; in one pass, since memory is what takes the time.

    Positions and normals are those of ``mesh.points_on``.
    """
    for pixel in range(len(mask)):
        if not mask[pixel]:
            continue
        hit = triangle[pixel]
        square, towards_square, across, behind = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for axis_number in range(3):
            point, smooth = np.float32(0.0), np.float32(0.0)
            for corner in range(3):
                weight = weights[pixel, corner]
                point += weight * positions[triangles[hit, corner], axis_number]
                smooth += weight * corner_normals[hit, corner, axis_number]
            towards = eye[axis_number] - point
            barycentric[pixel, axis_number] = weights[pixel, axis_number]
            position[pixel, axis_number], normal[pixel, axis_number] = point, smooth
            depth[pixel] += towards * axis[axis_number]
            square += smooth * smooth
            towards_square += towards * towards
            across += towards * faces[hit, axis_number]
        length, distance = np.sqrt(square), np.sqrt(towards_square)
        cosine = np.float32(0.0)
        for axis_number in range(3):
            # Opposed corner normals cancel out half-way; the flat normal is the only answer left there.
            unit = normal[pixel, axis_number] / length if length >= 1e-6 else faces[hit, axis_number]
            normal[pixel, axis_number] = unit
            cosine += unit * (eye[axis_number] - position[pixel, axis_number])
            behind += unit * faces[hit, axis_number]
        # The side is decided by the flat normal: near silhouettes a smooth normal looks away from a visible front.
        if across * behind < 0.0:
            cosine = -cosine
            for axis_number in range(3):
                normal[pixel, axis_number] = -normal[pixel, axis_number]
        facing[pixel] = min(max(cosine / distance, np.float32(0.0)), np.float32(1.0))
