# SPDX-License-Identifier: GPL-3.0-or-later
"""A rasteriser on an NVIDIA graphics card, for those who have nvdiffrast installed.

nvdiffrast's licence allows non-commercial use only, so it is neither bundled nor installed with this program. Those who
accept it get it with ``python3 -m vendor_install nvdiffrast``.
"""

from __future__ import annotations

import importlib
import importlib.util
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry.mesh import Mesh, bounding_radius, flat_normals
from .cameras import Camera
from .embree import EmbreeRasteriser
from .rasteriser import Raster, Rasteriser, raster_from_hits

_NEAREST = 1e-3
"""Distance of the near plane for cameras among the surfaces, in units of the normalised mesh."""


class NvdiffrastRasteriser:
    """Rasterises one mesh on a CUDA device; threads take turns. Embree casts the single rays."""

    def __init__(self, mesh: Mesh, device: torch.device, embree: EmbreeRasteriser) -> None:
        """Copy ``mesh``, which should be normalised and be that of ``embree``, to ``device``."""
        self._mesh, self._faces = mesh, flat_normals(mesh)
        self._embree = embree
        self._device = device
        self._radius = bounding_radius(mesh)
        self._library: Any = importlib.import_module("nvdiffrast.torch")
        self._context = self._library.RasterizeCudaContext(device=device)
        self._triangles = torch.from_numpy(np.ascontiguousarray(mesh.triangles)).to(device)
        self._turn = Lock()

    def rasterise(self, camera: Camera, height: int, width: int) -> Raster:
        """See ``rasteriser.Rasteriser``."""
        from_origin = float(np.linalg.norm(camera.position))
        near, far = max(from_origin - self._radius, _NEAREST) * 0.99, (from_origin + self._radius) * 1.01
        positions = clip_space(camera, self._mesh.positions, height, width, near, far)
        with self._turn:
            found, _ = self._library.rasterize(
                self._context,
                torch.from_numpy(positions).to(self._device)[None],
                self._triangles,
                resolution=[height, width],
                grad_db=False,
            )
            # Weights of the first two corners, depth, and the triangle's number plus 1 (0 in the background).
            hits = found[0].cpu().numpy()
        triangle = hits[..., 3].astype(np.int32) - 1
        u, v = hits[..., 0], hits[..., 1]
        barycentric = np.stack([u, v, 1.0 - u - v], axis=-1)
        return raster_from_hits(self._mesh, self._faces, camera, triangle, barycentric)

    def look_through(
        self, camera: Camera, rows: NDArray[np.float64], columns: NDArray[np.float64], height: int, width: int
    ) -> Raster:
        """See ``rasteriser.Rasteriser``."""
        return self._embree.look_through(camera, rows, columns, height, width)


def clip_space(
    camera: Camera, positions: NDArray[np.float32], height: int, width: int, near: float, far: float
) -> NDArray[np.float32]:
    """Homogeneous clip coordinates float32 [V, 4] of ``positions`` [V, 3], as OpenGL's except that y points down.

    nvdiffrast's first row is at y = -1; with y down it is the image's upper edge, as in ``rasteriser.Raster``.
    """
    x, y, z = camera.rotation.astype(np.float64) @ (positions.astype(np.float64) - camera.position).T
    scale = 1.0 / np.tan(np.radians(camera.fov_degrees) / 2.0)
    depth = ((far + near) * -z - 2.0 * far * near) / (far - near)
    return np.stack([x * scale * height / width, -y * scale, depth, -z], axis=-1).astype(np.float32)


def missing() -> str:
    """Why nvdiffrast cannot be used here, or an empty string when it can."""
    if not torch.cuda.is_available():
        return "there is no CUDA device"
    return "" if importlib.util.find_spec("nvdiffrast") else "nvdiffrast is not installed"


def rasteriser_for(mesh: Mesh, device: torch.device, embree: EmbreeRasteriser) -> Rasteriser:
    """The fastest rasteriser of ``mesh`` where ``device`` computes: nvdiffrast's if it can be used, or ``embree``."""
    return NvdiffrastRasteriser(mesh, device, embree) if device.type == "cuda" and not missing() else embree
