# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a surface is meant, and how much each of its points counts: less and less towards the part's border.

The soft border lies inside, so that what is outside has the weight 0 up to its last texel. The way to the border is
measured in space, over the seams of the UV layout; what lies behind a thin wall is no border.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import KDTree

from ..geometry.mesh import LARGEST_SIDE, Mesh, face_vectors, flat_normals, kept_triangles
from ..geometry.texels import TexelMap, texel_map
from ..geometry.uv_layers import UvLayers, downward
from ..inputs.arrays import read_arrays
from ..inputs.pictures import read_picture
from ..job import MESH_FILE, REGION_FILE, JobError

NOTHING = 0.5 / 255.0
"""A weight below this is none: no 8-bit texel would change by it."""
_LARGEST_MAP = 1024
"""Side of the map of texels to which ways are measured, at most."""
_LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue (ITU-R BT.709): of a mask in colours its lightness counts."""
_OVER = 1e-4
"""UVs this far over a border count as on it."""
_SAMPLES = 1 << 12
"""Points of the region by which it is found out how much of it shares its texels."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Region:
    """A part of a mesh of T triangles, normalised."""

    mesh: Mesh
    """The whole mesh."""
    corners: Floats | None
    """[T, 3] weights of the triangles' corners in [0, 1], between them linear; ``None`` for 1 everywhere."""
    mask: Floats | None
    """[H, W] weights in [0, 1] over the texture; ``None`` for 1 everywhere."""
    border: float
    """Width of the soft border at most, in units of the mesh. It takes no more than half of the way from the region's
    edge to its middle."""

    @cached_property
    def members(self) -> NDArray[np.bool_]:
        """[T] which triangles have any part in the region."""
        some = np.ones(len(self.mesh.triangles), dtype=np.bool_)
        if self.corners is not None:
            some = self.corners.max(axis=1) >= NOTHING
        if self.mask is not None:
            texels = texel_map(self.mesh, min(max(self.mask.shape), _LARGEST_MAP))
            touched = np.zeros(len(some), dtype=np.bool_)
            touched[texels.triangle[self.wanted(texels.triangle, texels.position) >= NOTHING]] = True
            corners = self.mesh.positions[self.mesh.triangles]
            number = np.arange(len(some), dtype=np.int32)
            for place in (corners[:, 0], corners[:, 1], corners[:, 2], corners.mean(axis=1)):
                touched |= self.wanted(number, place.astype(np.float32)) >= NOTHING
            some &= touched
        return some

    @cached_property
    def inside(self) -> Mesh:
        """The triangles that have any part in the region, as a mesh of their own."""
        return _part(self.mesh, self.members)

    @cached_property
    def outside(self) -> Mesh:
        """The triangles that have none."""
        return _part(self.mesh, ~self.members)

    @cached_property
    def share(self) -> float:
        """Share of the surface that lies in the triangles ``inside``."""
        areas = np.linalg.norm(face_vectors(self.mesh), axis=-1)
        return float(areas[self.members].sum() / areas.sum())

    def wanted(self, triangle: Ints, position: Floats) -> Floats:
        """Weights [N] without the soft border, at ``position`` [N, 3] on the triangles ``triangle`` [N] of the mesh."""
        weight = np.ones(len(triangle), dtype=np.float32)
        if self.corners is None and self.mask is None:
            return weight
        barycentric = barycentric_of(self.mesh, triangle, position)
        if self.corners is not None:
            weight *= np.einsum("nc,nc->n", barycentric, self.corners[triangle])
        if self.mask is not None:
            weight *= self._mask_at(triangle, barycentric)
        weight = np.where(weight < NOTHING, 0.0, weight)
        # What is whole in all corners is not to be a rounding less between them.
        return np.where(weight > 1.0 - NOTHING, 1.0, weight).astype(np.float32)

    def _mask_at(self, triangle: Ints, barycentric: Floats) -> Floats:
        """[N] values of the mask, bilinear; at its borders it goes on as it is, and not from the other side."""
        corners = self.mesh.corner_uvs.astype(np.float64)[triangle]
        uv = np.einsum("nc,ncd->nd", barycentric.astype(np.float64), corners) - np.floor(corners.mean(axis=1))
        mask = self.mask if self.mask is not None else np.ones((1, 1), dtype=np.float32)
        height, width = mask.shape
        place = np.stack([(1.0 - uv[:, 1]) * height - 0.5, uv[:, 0] * width - 0.5])
        inside = (uv >= -_OVER).all(axis=1) & (uv <= 1.0 + _OVER).all(axis=1)
        found: Any = map_coordinates(mask, place, order=1, mode="nearest")
        if not inside.all():
            found[~inside] = map_coordinates(mask, place[:, ~inside], order=1, mode="grid-wrap")
        return found

    def at(self, triangle: Ints, position: Floats) -> Floats:
        """Weights [N] in [0, 1] with the soft border, likewise."""
        weight = self.wanted(triangle, position)
        edge = self._edge
        if edge is None:
            return weight
        some = np.flatnonzero(weight)
        way = edge.way(position[some], flat_normals(self.mesh)[triangle[some]]) / edge.width
        way = way.clip(0.0, 1.0)
        # Smoothstep: no crease at either end.
        weight[some] *= way * way * (3.0 - 2.0 * way)
        return np.where(weight < NOTHING, 0.0, weight).astype(np.float32)

    def whole_index(self, triangle: Ints) -> Ints:
        """Numbers in ``mesh`` [N] of triangles of ``inside``."""
        return np.flatnonzero(self.members).astype(np.int32)[triangle]

    def sample(self, count: int) -> tuple[Ints, Floats]:
        """``count`` points spread over the triangles ``inside``, the same at every call: triangles of the whole mesh
        [N] and barycentric coordinates [N, 3].
        """
        generator = np.random.default_rng(0)
        areas = np.linalg.norm(face_vectors(self.inside), axis=-1)
        triangle = generator.choice(len(areas), count, p=areas / areas.sum()).astype(np.int32)
        return self.whole_index(triangle), generator.dirichlet((1.0, 1.0, 1.0), count).astype(np.float32)

    def own(self, triangle: Ints, barycentric: Floats) -> NDArray[np.bool_]:
        """[N] whether no triangle of ``outside`` shows the texels of points of the mesh."""
        if self._layers is None:
            return np.ones(len(triangle), dtype=np.bool_)
        uv = np.einsum("nc,ncd->nd", barycentric.astype(np.float64), self.mesh.corner_uvs[triangle].astype(np.float64))
        place = downward(uv)
        return self._layers.first(place - np.floor(place)) < 0

    def shared(self) -> float:
        """Share of the region whose texels are shown outside as well, by area."""
        return float(1.0 - self.own(*self.sample(_SAMPLES)).mean())

    @cached_property
    def _layers(self) -> UvLayers | None:
        return UvLayers(self.outside.corner_uvs) if len(self.outside.triangles) else None

    @cached_property
    def _edge(self) -> _Edge | None:
        """What lies outside near the region; ``None`` where there is no border."""
        if self.border <= 0.0:
            return None
        texels = texel_map(self.mesh, _LARGEST_MAP)
        some = self.wanted(texels.triangle, texels.position) >= NOTHING
        if some.all() or not some.any():
            return None
        normals = flat_normals(self.mesh)[texels.triangle]
        reach = 2.0 * self.border
        tree: Any = KDTree(texels.position[some])
        apart, _ = tree.query(texels.position[~some], distance_upper_bound=reach)
        near = np.flatnonzero(~some)[np.isfinite(apart)]
        if not len(near):
            return None
        edge = _Edge(texels.position[near], normals[near], reach)
        deepest = float(edge.way(texels.position[some], normals[some]).max())
        return replace(edge, width=max(min(self.border, deepest / 2.0), 1e-6))


@dataclass(frozen=True)
class _Edge:
    """Points outside a region, near it."""

    position: Floats
    """[N, 3]."""
    normal: Floats
    """[N, 3]."""
    width: float
    """Of the soft border; ways are measured as far."""

    def way(self, position: Floats, normal: Floats) -> Floats:
        """[M] how far points are from the nearest of those that do not face the opposite side; at most ``width``."""
        found = np.full(len(position), self.width, dtype=np.float32)
        side, own = _side(normal), _side(self.normal)
        for one in range(6):
            here, there = np.flatnonzero(side == one), np.flatnonzero(own != one ^ 1)
            if len(here) and len(there):
                tree: Any = KDTree(self.position[there])
                apart, _ = tree.query(position[here], distance_upper_bound=self.width, workers=-1)
                found[here] = np.minimum(apart, self.width)
        return found


def _side(normal: Floats) -> NDArray[np.int64]:
    """[N] which of six sides unit normals [N, 3] face; opposite ones differ in their last bit."""
    axis = np.abs(normal).argmax(axis=-1)
    return 2 * axis + (np.take_along_axis(normal, axis[:, None], axis=-1)[:, 0] > 0.0)


def read_region(
    folder: Path,
    file: str,
    mesh: Mesh,
    border: float,
    tell: Callable[[str], None] = lambda message: None,
    name: str = "",
) -> Region:
    """The region of a job.

    Args:
        folder: the job folder, with its ``mesh.npz``.
        file: ``REGION_FILE``, with ``corner_weights`` [n, 3] of the triangles of ``mesh.npz``; or a picture that is
            laid out by the UVs, where white is meant and black is not.
        mesh: what became of ``mesh.npz``, normalised.
        border: width of the soft border as a share of the mesh's largest side.
        tell: told in a sentence what of the picture was left out or not understood.
        name: what the user calls the picture; empty takes the file's own.

    Raises:
        JobError: ``bad_mesh`` or ``bad_image`` when it cannot be read or does not fit the mesh; ``bad_setting`` when
            nothing is in it.
    """
    corners = mask = None
    if file == REGION_FILE:
        hint = "Start the job again, which exports the region anew."
        corners = read_arrays(folder / file, "region", "bad_mesh", {"corner_weights": (np.float32, (3,))}, hint)
        corners = corners["corner_weights"]
        kept = kept_triangles(folder / MESH_FILE)
        if len(corners) != len(kept) or not np.isfinite(corners).all():
            raise JobError("bad_mesh", f"The region is of {len(corners)} triangles, and the mesh has {len(kept)}", hint)
        corners = corners[kept].clip(0.0, 1.0)
    else:
        # What is transparent was not painted on.
        picture = np.asarray(read_picture(folder / file, "The mask", name, tell=tell, behind="black"), dtype=np.float32)
        mask = (picture @ np.array(_LUMA, dtype=np.float32) / np.float32(255.0)).clip(0.0, 1.0)
    region = Region(mesh, corners, mask, border * LARGEST_SIDE)
    if not region.members.any():
        raise JobError(
            "bad_setting",
            "The mask is black on all faces, so there is nothing to stylize"
            if corners is None
            else "No face is in the region, so there is nothing to stylize",
            "Paint the part white that is to be stylized." if corners is None else "Select at least one face.",
        )
    return region


def barycentric_of(mesh: Mesh, triangle: Ints, position: Floats) -> Floats:
    """Barycentric coordinates [N, 3] of the points ``position`` [N, 3] of the triangles ``triangle`` [N]."""
    corner = mesh.positions[mesh.triangles[triangle]].astype(np.float64)
    first, second, way = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], position - corner[:, 0]
    aa, ab, bb = (first * first).sum(-1), (first * second).sum(-1), (second * second).sum(-1)
    wa, wb = (way * first).sum(-1), (way * second).sum(-1)
    area = np.maximum(aa * bb - ab * ab, np.finfo(np.float64).tiny)
    found = np.stack([np.zeros_like(aa), (bb * wa - ab * wb) / area, (aa * wb - ab * wa) / area], axis=-1)
    found[:, 0] = 1.0 - found[:, 1] - found[:, 2]
    found = found.clip(0.0, 1.0)
    return (found / found.sum(axis=-1, keepdims=True)).astype(np.float32)


def _part(mesh: Mesh, chosen: NDArray[np.bool_]) -> Mesh:
    return replace(
        mesh,
        triangles=mesh.triangles[chosen],
        corner_uvs=mesh.corner_uvs[chosen],
        corner_normals=mesh.corner_normals[chosen],
    )


def in_whole(region: Region, texels: TexelMap) -> TexelMap:
    """Texels of ``region.inside`` with the numbers of their triangles in the whole mesh."""
    return replace(texels, triangle=region.whole_index(texels.triangle))
