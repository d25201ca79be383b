# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of the surface the cameras see, and colours for those that they do not.

What no camera sees (insides, deep folds) the optimisation never colours; the untrained field's grey must not stay
there. Such texels take the colours of the nearest seen points in space that face a similar way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..geometry.mesh import Mesh, face_vectors, flat_normals
from ..geometry.overlap import Overlap
from ..geometry.texels import TexelMap, texel_map
from ..views.cameras import LARGEST_RADIUS, Camera, sphere_cameras
from ..views.embree import EmbreeRasteriser
from ..views.visibility import look

LARGEST_MAP = 256
"""Side of the map of texels that are looked at, at most."""

_CAMERAS = 64
_NORMAL_WEIGHT = 0.3
"""Length that opposite normals are apart, halved, in units of the normalised mesh: the sides of a thin wall differ."""
_NEIGHBOURS = 8
_FAR_ENOUGH = 0.5
"""Share by which texels that colour an unseen one may be further off than the nearest seen ones; 1 % on the mean."""
_QUERY_POINTS = 1 << 17


@dataclass(frozen=True)
class Coverage:
    """What is seen of one mesh, on a coarse map of texels."""

    texels: TexelMap
    """Of which N lie on the surface."""
    seen: NDArray[np.bool_]
    """[N]: whether any camera sees the texel, on any surface that shows it."""
    spacing: float
    """About twice the distance between neighbouring texels of the map on the surface."""

    def shares(self) -> dict[str, float]:
        """Shares of the surface's texels, for the report: ``seen``, ``filled`` from seen ones, ``untouched``.

        The three sum to 1; ``untouched`` is 0 unless nothing at all is seen.
        """
        seen = float(self.seen.mean())
        unseen = 1.0 - seen
        return {"seen": seen, "filled": unseen if seen else 0.0, "untouched": 0.0 if seen else unseen}

    @property
    def seen_positions(self) -> NDArray[np.float32]:
        """[S, 3] the seen points, whose colours ``everywhere`` wants."""
        return self.texels.position[self.seen]

    def seen_at(self, texels: TexelMap) -> NDArray[np.bool_]:
        """For each texel of another (larger) map of the same mesh, whether it is seen: bool [M].

        It is what the coarse texel in its place is, if that is the same part of the surface, or else the nearest one.
        """
        coarse, size = self.texels, self.texels.size
        number = np.full((size, size), -1, dtype=np.int64)
        number[coarse.row, coarse.column] = np.arange(len(coarse.row))
        nearest = number[
            texels.row.astype(np.int64) * size // texels.height, texels.column.astype(np.int64) * size // texels.size
        ]
        apart = np.linalg.norm(coarse.position[nearest] - texels.position, axis=-1)
        alike = (apart < self.spacing) & ((coarse.normal[nearest] * texels.normal).sum(-1) > 0.5)
        same = (nearest >= 0) & (alike | (coarse.triangle[nearest] == texels.triangle))
        seen = self.seen[nearest]
        seen[~same] = self.seen_near(texels.position[~same], texels.normal[~same])
        return seen

    def seen_near(self, positions: NDArray[np.float32], normals: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether the texels nearest to points [M, 3] of the surface with unit normals [M, 3] are seen: bool [M]."""
        seen = np.empty(len(positions), dtype=np.bool_)
        for start in range(0, len(positions), _QUERY_POINTS):
            part = slice(start, start + _QUERY_POINTS)
            seen[part] = self.seen[self._tree.query(_features(positions[part], normals[part]))[1]]
        return seen

    def everywhere(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colours [N, 3] of all texels of the map; those that are not seen get a blend of the seen ones near them.

        Args:
            colours: [S, 3] of ``seen_positions``, S at least 1.
        """
        all_colours = np.empty((len(self.seen), 3), dtype=np.float32)
        all_colours[self.seen] = colours
        features = self._tree.data
        tree = KDTree(features[self.seen])
        all_colours[~self.seen] = _blend(tree, colours, features[~self.seen], _FAR_ENOUGH)
        return all_colours

    def fill(
        self, colours: NDArray[np.float32], positions: NDArray[np.float32], normals: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Colours [M, 3] for unseen points of the surface, blended from the 8 nearest texels by inverse distance.

        From a point inside a solid all that is seen is far, and about as far: to look for the nearest of it for each
        texel of a texture would take minutes. So that is found out for the texels of the map alone.

        Args:
            colours: [N, 3], see ``everywhere``.
            positions: [M, 3].
            normals: [M, 3] unit; near points that face away count as further off.
        """
        return _blend(self._tree, colours, _features(positions, normals), 0.0)

    @cached_property
    def _tree(self) -> Any:
        return KDTree(_features(self.texels.position, self.texels.normal))


def _blend(
    tree: Any, colours: NDArray[np.float32], features: NDArray[np.float32], excess: float
) -> NDArray[np.float32]:
    """Colours [M, 3] at ``features`` [M, F] by the points of ``tree`` next to each, whose ``colours`` are [T, 3]."""
    blended = np.empty((len(features), 3), dtype=np.float32)
    neighbours = np.arange(1, min(_NEIGHBOURS, len(colours)) + 1)
    for start in range(0, len(features), _QUERY_POINTS):
        part = slice(start, start + _QUERY_POINTS)
        distance, nearest = tree.query(features[part], neighbours, eps=excess)
        weight = 1.0 / (distance + 1e-6) ** 2
        weight /= weight.sum(axis=1, keepdims=True)
        blended[part] = (weight[..., None] * colours[nearest]).sum(axis=1)
    return blended


def measure_coverage(
    mesh: Mesh,
    rasteriser: EmbreeRasteriser,
    distance: float,
    size: int,
    overlap: Overlap | None = None,
    largest_map: int = LARGEST_MAP,
) -> Coverage:
    """What of the surface can be seen from outside: from 64 places spread evenly on a sphere.

    Args:
        mesh: normalised.
        rasteriser: of the same mesh; it casts the shadow rays.
        distance: of the cameras from the origin.
        size: side of the texture.
        overlap: see ``coverage_of``.
        largest_map: see ``coverage_of``.
    """
    fov_degrees = 2.0 * math.degrees(math.asin(min(1.0, 1.01 * LARGEST_RADIUS / distance)))
    origin = np.zeros(3, dtype=np.float32)
    cameras = [Camera.looking_at(origin, eye, fov_degrees) for eye in sphere_cameras(_CAMERAS, distance)]
    return coverage_of(mesh, rasteriser, cameras, size, overlap, largest_map)


def coverage_of(
    mesh: Mesh,
    rasteriser: EmbreeRasteriser,
    cameras: Sequence[Camera],
    size: int,
    overlap: Overlap | None = None,
    largest_map: int = LARGEST_MAP,
) -> Coverage:
    """What of the surface the square views of ``cameras`` show; both sides of a triangle count.

    Args:
        mesh: normalised.
        rasteriser: of the same mesh; it casts the shadow rays.
        cameras: all that looked.
        size: side of the texture.
        overlap: of the same mesh; ``None`` where no surfaces share texels.
        largest_map: side of the map, where the texture is larger.
    """
    texels = texel_map(mesh, min(size, largest_map))
    normal = flat_normals(mesh)
    seen = _seen(rasteriser, cameras, texels.position, normal[texels.triangle])
    if overlap is not None:
        guests = overlap.guests
        also = _seen(rasteriser, cameras, guests.position, normal[guests.triangle])
        shown = np.zeros((texels.size, texels.size), dtype=np.bool_)
        column, row = np.minimum(guests.place[also] * texels.size, texels.size - 1).astype(np.int64).T
        shown[row, column] = True
        seen |= shown[texels.row, texels.column]
    area = np.linalg.norm(face_vectors(mesh), axis=-1).sum() / 2.0
    return Coverage(texels, seen, spacing=2.0 * float(np.sqrt(area / len(seen))))


def _seen(
    rasteriser: EmbreeRasteriser,
    cameras: Sequence[Camera],
    position: NDArray[np.float32],
    normal: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Whether any camera sees points [N, 3] of the surface with unit normals [N, 3]: bool [N]."""
    unseen = np.arange(len(position))
    for camera in cameras:
        unseen = unseen[look(camera, rasteriser, position[unseen], normal[unseen]) == 0.0]
        if not len(unseen):
            break
    seen = np.ones(len(position), dtype=np.bool_)
    seen[unseen] = False
    return seen


def _features(position: NDArray[np.float32], normal: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([position, _NORMAL_WEIGHT * normal], axis=-1)
