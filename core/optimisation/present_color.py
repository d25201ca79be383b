# SPDX-License-Identifier: GPL-3.0-or-later
"""The base colour that the object has now, at random points of its surface."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from torch import Tensor

from ..geometry.mesh import Mesh, face_vectors, points_on
from ..geometry.tiles import Tiles
from ..inputs.pictures import read_picture
from ..job import Job, JobError


class SurfacePoints(NamedTuple):
    """N points of the surface, on the CPU."""

    positions: Tensor
    """[N, 3] world space."""
    normals: Tensor
    """[N, 3] unit split normals, interpolated."""
    colours: Tensor
    """[N, 3] present colours, sRGB in [0, 1]."""


class PresentColor:
    """A texture on its mesh. All of the surface is reached, also where parts of it share one place of the texture."""

    def __init__(self, mesh: Mesh, texture: NDArray[np.uint8]) -> None:
        """Take the mesh, normalised, and its texture [H, W, 3], sRGB, which repeats beyond [0, 1]."""
        self._mesh = mesh
        self._texture = texture.astype(np.float32) / 255.0
        areas = np.linalg.norm(face_vectors(mesh), axis=-1)
        self._until = np.cumsum(areas) / areas.sum()

    def sample(self, count: int, generator: torch.Generator) -> SurfacePoints:
        """``count`` points spread evenly over the surface; the texture is looked up bilinearly."""
        lot, first, second = torch.rand(3, count, dtype=torch.float64, generator=generator).numpy()
        triangle = np.minimum(np.searchsorted(self._until, lot, side="right"), len(self._until) - 1).astype(np.int32)
        # Even over a triangle: Osada et al. 2002, "Shape Distributions", eq. 1.
        root = np.sqrt(first)
        barycentric = np.stack([1.0 - root, root * (1.0 - second), root * second], axis=-1).astype(np.float32)
        position, normal = points_on(self._mesh, triangle, barycentric)
        colours = look_up(self._texture, self._mesh, triangle, barycentric)
        return SurfacePoints(*(torch.from_numpy(array) for array in (position, normal, colours)))


def look_up(
    texture: NDArray[np.float32], mesh: Mesh, triangle: NDArray[np.int32], barycentric: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Values [N, C] of ``texture`` [H, W, C], bilinear and repeated beyond [0, 1], at ``barycentric`` [N, 3] of the
    triangles ``triangle`` [N].
    """
    uv = np.einsum("nc,ncd->nd", barycentric, mesh.corner_uvs[triangle]).astype(np.float64)
    height, width, channels = texture.shape
    place = np.stack([(1.0 - uv[:, 1]) * height - 0.5, uv[:, 0] * width - 0.5])
    found: list[Any] = [map_coordinates(texture[..., c], place, order=1, mode="grid-wrap") for c in range(channels)]
    return np.stack(found, axis=-1)


def read_base_color(
    path: Path, name: str = "", tell: Callable[[str], None] = lambda message: None
) -> NDArray[np.uint8]:
    """The present base colour at ``path``, as ``core.inputs.pictures`` reads it: uint8 [H, W, 3], sRGB, over white.

    Args:
        path: the file.
        name: what the user calls it; empty takes the file's own.
        tell: told in a sentence what of the picture was left out or not understood.

    Raises:
        JobError: ``bad_image`` when it cannot be read; ``out_of_memory``.
    """
    return np.asarray(read_picture(path, "The present base colour", name, tell=tell))


def job_base_color(
    job: Job, folder: Path, tiles: Tiles | None, tell: Callable[[str], None]
) -> NDArray[np.uint8] | None:
    """The present colours of a job's object, [H, W, 3]; ``None`` when nothing is made of them.

    Raises:
        JobError: ``bad_image`` when they cannot be read; ``bad_setting`` when they do not fit the UV tiles.
    """
    if job.base_color is None or (job.restyle_strength == 1.0 and job.region is None):
        return None
    if tiles:
        raise JobError(
            "bad_setting",
            f"The UV map has {len(tiles.numbers)} UDIM tiles, but the present colour is one image",
            "Set the UV tiles to one image, or start without the present colour.",
        )
    return read_base_color(folder / job.base_color, job.base_color_name, tell)
