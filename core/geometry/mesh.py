# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh to texture: checking and normalising it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inputs.arrays import read_arrays
from ..job import LARGEST_UV_AREA, JobError

LARGEST_SIDE = 1.8
"""Of the bounding box of a normalised mesh."""

_MOST_CROSSED = 5_000_000
"""Repeats of the texture that faces lie across together, beyond one for each; a hundred bytes are kept for each."""
_OTHER_UVS = "Unwrap the object, or remove its UV map to have one made."

_ARRAYS: dict[str, tuple[type, tuple[int, ...]]] = {
    "positions": (np.float32, (3,)),
    "triangles": (np.int32, (3,)),
    "corner_uvs": (np.float32, (3, 2)),
    "corner_normals": (np.float32, (3, 3)),
}


@dataclass(frozen=True)
class Mesh:
    """Triangles in world space: right-handed, Z up, the front looks along -Y."""

    positions: NDArray[np.float32]
    """[V, 3]."""
    triangles: NDArray[np.int32]
    """[T, 3] indices into ``positions``, counter-clockwise seen from outside."""
    corner_uvs: NDArray[np.float32]
    """[T, 3, 2], origin at the bottom left; values outside [0, 1] repeat the texture."""
    corner_normals: NDArray[np.float32]
    """[T, 3, 3] unit split normals."""
    dropped_triangles: int = 0
    """Triangles without area that were left out when the mesh was read."""


def load_npz(path: Path) -> Mesh:
    """Read the ``mesh.npz`` of a job folder, checked and without degenerate triangles.

    Raises:
        JobError: ``bad_mesh`` when the file cannot be read or declares too much, an array is missing or has another
            shape, or ``check`` finds fault; ``out_of_memory``.
    """
    hint = "Start the job again, which exports the mesh anew."
    values = read_arrays(path, "mesh", "bad_mesh", _ARRAYS, hint)
    return checked(Mesh(**values))


def kept_triangles(path: Path) -> NDArray[np.bool_]:
    """Which triangles of a ``mesh.npz`` are in what ``load_npz`` makes of it: those that have an area.

    Raises:
        JobError: ``bad_mesh`` when the file cannot be read.
    """
    wanted = {name: _ARRAYS[name] for name in ("positions", "triangles")}
    values = read_arrays(path, "mesh", "bad_mesh", wanted, "Start the job again, which exports the mesh anew.")
    return _has_area(values["positions"][values["triangles"]])


def check(mesh: Mesh) -> None:
    """Refuse a mesh that cannot be textured.

    Raises:
        JobError: ``bad_mesh`` for no faces, indices beyond the vertices, values that are not finite, no area, UVs
            that are all in one point or line, UVs that cover the texture more than ``LARGEST_UV_AREA`` times, or a
            face whose UVs reach across more repeats than that.
    """
    if not len(mesh.triangles):
        raise JobError("bad_mesh", "The mesh has no faces", "Choose an object with at least one face.")
    if mesh.triangles.min() < 0 or mesh.triangles.max() >= len(mesh.positions):
        raise JobError("bad_mesh", f"A triangle refers to a vertex beyond the mesh's {len(mesh.positions)} vertices")
    if not len(mesh.triangles) == len(mesh.corner_uvs) == len(mesh.corner_normals):
        raise JobError(
            "bad_mesh",
            f"The mesh has {len(mesh.triangles)} triangles but UVs for {len(mesh.corner_uvs)} "
            f"and normals for {len(mesh.corner_normals)}",
        )
    corners = mesh.positions[mesh.triangles]
    require_finite("position", corners)
    require_finite("UV", mesh.corner_uvs)
    solid = _has_area(corners)
    if not solid.any():
        raise JobError("bad_mesh", "The mesh has no area: every face is a point or a line", "Check the object's scale.")
    extent = np.ptp(mesh.corner_uvs.reshape(-1, 2), axis=0)
    hint = _OTHER_UVS
    if extent.max() < 1e-6:
        u, v = mesh.corner_uvs[0, 0]
        raise JobError("bad_mesh", f"All UVs of the mesh are in one point ({u:g}, {v:g})", hint)
    repeats = uv_areas(mesh.corner_uvs)[solid].sum()
    if not repeats > 0.0:
        raise JobError("bad_mesh", "The UVs of the mesh have no area: every face is a point or a line there", hint)
    if repeats > LARGEST_UV_AREA:
        raise JobError(
            "bad_mesh",
            f"The UVs of the mesh cover the texture {repeats:.0f} times over; at most {LARGEST_UV_AREA} is allowed",
            hint,
        )
    require_few_repeats(mesh.corner_uvs)


def normalise(mesh: Mesh) -> Mesh:
    """The mesh centred on its bounding box and scaled until its largest side is ``LARGEST_SIDE``."""
    used = mesh.positions[mesh.triangles].reshape(-1, 3).astype(np.float64)
    low, high = used.min(axis=0), used.max(axis=0)
    scaled = (mesh.positions - (low + high) / 2.0) * (LARGEST_SIDE / (high - low).max())
    return replace(mesh, positions=scaled.astype(np.float32))


def bounding_radius(mesh: Mesh) -> float:
    """Radius of the smallest sphere around the origin that holds the mesh."""
    return float(np.linalg.norm(mesh.positions[mesh.triangles], axis=-1).max())


def face_vectors(mesh: Mesh) -> NDArray[np.float64]:
    """[T, 3] normals of the triangles as they lie, each as long as twice the triangle's area."""
    return _face_vectors(mesh, mesh.triangles)


def _face_vectors(mesh: Mesh, triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    return _cross(mesh.positions[triangles].astype(np.float64))


def flat_normals(mesh: Mesh) -> NDArray[np.float32]:
    """Unit normals [T, 3] of the triangles as they lie; 0 for a triangle without area."""
    return _unit(face_vectors(mesh)).astype(np.float32)


def points_on(
    mesh: Mesh, triangle: NDArray[np.int32], barycentric: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Positions and unit split normals, [N, 3] each, at ``barycentric`` [N, 3] of the triangles ``triangle`` [N]."""
    position = _blend(barycentric, mesh.positions[mesh.triangles[triangle]])
    normal = _blend(barycentric, mesh.corner_normals[triangle])
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    opposed = length[:, 0] < 1e-6
    normal /= np.maximum(length, 1e-6)
    if opposed.any():  # Opposed corner normals cancel out half-way; the flat normal is the only answer left there.
        normal[opposed] = _unit(_face_vectors(mesh, mesh.triangles[triangle[opposed]]))
    return position, normal


def uv_areas(corner_uvs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Areas [T] of the triangles in the UV layout, as shares of the unit square."""
    corners = corner_uvs.astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2.0


def checked(mesh: Mesh) -> Mesh:
    """The mesh without triangles that have no area, with unit normals everywhere.

    Raises:
        JobError: ``bad_mesh`` when ``check`` finds fault.
    """
    check(mesh)
    keep = _has_area(mesh.positions[mesh.triangles])
    mesh = Mesh(
        positions=mesh.positions,
        triangles=mesh.triangles[keep],
        corner_uvs=mesh.corner_uvs[keep],
        corner_normals=mesh.corner_normals[keep],
        dropped_triangles=int((~keep).sum()),
    )
    # Exporters write zero or NaN normals at corners they could not compute; the flat normal is right there.
    length = np.linalg.norm(mesh.corner_normals, axis=-1, keepdims=True)
    usable = np.isfinite(length) & (length > 1e-6)
    normals: NDArray[Any] = np.where(
        usable, mesh.corner_normals / np.where(usable, length, 1.0), flat_normals(mesh)[:, None]
    )
    return replace(mesh, corner_normals=normals.astype(np.float32))


def require_finite(what: str, values: NDArray[Any]) -> None:
    """Whether all ``values`` [..., W] of face corners, each a ``what``, are numbers.

    Raises:
        JobError: ``bad_mesh`` when not.
    """
    bad = int((~np.isfinite(values)).any(axis=-1).sum())
    if bad:
        raise JobError(
            "bad_mesh",
            f"The mesh has {bad} face corner{'s' if bad > 1 else ''} with a {what} that is not finite",
            "Remove those vertices, or apply and check the modifiers that made them.",
        )


def require_few_repeats(corner_uvs: NDArray[Any]) -> None:
    """Whether triangles [T, 3, 2] in the UV layout lie across few repeats of the texture.

    Raises:
        JobError: ``bad_mesh`` when one reaches across more than ``LARGEST_UV_AREA``, or all of them together, in their
            bounding boxes, across very many; or UVs are not finite.
    """
    require_finite("UV", corner_uvs)
    low, high = corner_uvs.astype(np.float64).min(axis=1), corner_uvs.astype(np.float64).max(axis=1)
    across = (high - low).max()
    if across > LARGEST_UV_AREA:
        raise JobError(
            "bad_mesh",
            f"The UVs of a face reach across {across:.0f} repeats of the texture; at most {LARGEST_UV_AREA} is allowed",
            _OTHER_UVS,
        )
    crossed = (np.ceil(high) - np.floor(low)).clip(1.0).prod(axis=1).sum()
    if crossed > len(corner_uvs) + _MOST_CROSSED:
        raise JobError(
            "bad_mesh",
            f"The UVs of the faces reach across {crossed:,.0f} repeats of the texture together, which is too many",
            _OTHER_UVS,
        )


def _has_area(corners: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each triangle [T, 3, 3] is more than a point or line, judged against the size of the mesh."""
    exact = corners.astype(np.float64)
    size = float(np.ptp(exact.reshape(-1, 3), axis=0).max())
    return np.linalg.norm(_cross(exact), axis=-1) > 1e-12 * size * size


def _cross(corners: NDArray[Any]) -> NDArray[Any]:
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _unit(vectors: NDArray[Any]) -> NDArray[Any]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0.0, length, 1.0)


def _blend(weights: NDArray[np.float32], corners: NDArray[np.float32]) -> NDArray[np.float32]:
    return sum(
        (weights[:, corner, None] * corners[:, corner] for corner in range(1, 3)), weights[:, :1] * corners[:, 0]
    )
