# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh file as the mesh to texture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..failure import MESSAGE_LENGTH
from ..geometry.crease import crease_normals
from ..geometry.mesh import Mesh, checked, require_few_repeats, require_finite
from ..inputs.refusal import refusing
from ..job import JobError
from ..reporting import Cancelled, Reporter
from ..unwrapping.beside import unwrap_beside
from ..unwrapping.unwrap import unwrap as unwrap_mesh
from .gltf import read_gltf
from .obj import read_obj
from .ply import read_ply
from .raw_mesh import RawMesh, Unreadable

_READERS: dict[str, Callable[[Path, Callable[[], None]], RawMesh]] = {
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".obj": read_obj,
    ".ply": read_ply,
}
FILE_SUFFIXES = tuple(_READERS)
_MOST_BYTES = 4_000_000_000
"""Of a file: 20 million triangles as text have half of that."""


@dataclass(frozen=True)
class ImportedMesh:
    """What a file holds, and where it was."""

    mesh: Mesh
    """Around ``origin``: single precision is too coarse for what is far from the origin of its world."""
    origin: NDArray[np.float64]
    """[3], Z up: the middle of the mesh's bounding box in the file's world."""
    unwrapped_triangles: int
    """How many triangles had no UVs and were given some."""
    notices: tuple[str, ...]
    """What the user should know: what was left out, what was made."""

    def report(self) -> dict[str, Any]:
        """For the report of a job."""
        return {
            "triangles": len(self.mesh.triangles),
            "dropped_triangles": self.mesh.dropped_triangles,
            "unwrapped_triangles": self.unwrapped_triangles,
            "origin": self.origin.tolist(),
            "notices": list(self.notices),
        }


def import_file(path: Path, unwrap: bool = True, reporter: Reporter | None = None) -> ImportedMesh:
    """Read an .obj, .glb, .gltf or .ply file.

    OBJ and glTF are taken as Y up and turned to Z up (a front that looks along +Z then looks along -Y); PLY is taken
    as Z up. The objects of a scene are joined with their transforms. UVs are kept as they are; triangles without are
    unwrapped, into the free part of the texture if others have UVs. Without normals in the file, edges below 30° are
    smooth.

    Args:
        path: the file.
        unwrap: ``False`` refuses a mesh that would have to be unwrapped: a texture made before would not fit it.
        reporter: told when unwrapping begins, and asked whether to stop.

    Raises:
        JobError: ``bad_mesh`` when the file is missing, is not of these types, cannot be read, needs what is not read,
            has no room for missing UVs, or ``check`` finds fault.
        Cancelled: ``reporter`` said so.
    """
    raw = _read(path, reporter)
    positions, origin = _centred(raw)
    bare, unwrapped = raw.bare, int(raw.bare.sum())
    if unwrapped and not unwrap:
        which = "no UVs" if bare.all() else f"no UVs on {unwrapped:,} of its {len(bare):,} triangles"
        raise JobError(
            "bad_mesh",
            f"The mesh {path.name} has {which} for its present base colour",
            "Export it with its UV map, or start from nothing.",
        )
    notices = [f"{path.name}: {notice}" for notice in raw.notices]
    uvs = raw.corner_uvs
    if unwrapped == len(bare):
        uvs = unwrap_mesh(positions, raw.triangles, reporter)
    elif unwrapped:
        require_few_repeats(uvs[~bare])
        uvs = unwrap_beside(positions, raw.triangles, uvs, bare, reporter)
        share = 100.0 * unwrapped / len(bare)
        notices.append(
            f"{path.name}: {unwrapped:,} of {len(bare):,} triangles ({share:.0f} %) have no UVs; they got some beside "
            "the others, which are kept"
        )
    mesh = checked(
        Mesh(
            positions=positions.astype(np.float32),
            triangles=raw.triangles.astype(np.int32),
            corner_uvs=uvs.astype(np.float32),
            corner_normals=_normals(raw, positions),
        )
    )
    return ImportedMesh(mesh, origin, unwrapped, tuple(notices))


def _read(path: Path, reporter: Reporter | None) -> RawMesh:
    """What the file holds, Z up."""
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise JobError(
            "bad_mesh",
            f"The mesh {path.name} is not one of {', '.join(FILE_SUFFIXES)}",
            "Open it in Blender and export it as one of these.",
        )
    if not path.is_file():
        raise JobError("bad_mesh", f"The mesh {path} does not exist", "Check the path.")

    def tick() -> None:
        if reporter is not None and reporter.should_cancel():
            raise Cancelled

    if (size := path.stat().st_size) > _MOST_BYTES:
        raise JobError(
            "bad_mesh",
            f"The mesh {path.name} has {size / 1e9:.1f} GB; at most {_MOST_BYTES / 1e9:.0f} GB are read",
            "Reduce it with a Decimate modifier.",
        )
    with refusing("bad_mesh", f"The mesh {path.name}", "Open it in Blender and export it again."):
        try:
            raw = _READERS[suffix](path, tick)
        except Unreadable as error:
            text = error.message[:MESSAGE_LENGTH]
            raise JobError("bad_mesh", f"The mesh {path.name} {text}", error.hint) from error
    if not len(raw.triangles):
        why = f" ({'; '.join(raw.notices)})" if raw.notices else ""
        raise JobError("bad_mesh", f"The mesh {path.name} has no faces{why}", "Choose a file with at least one face.")
    if suffix == ".ply":
        return raw
    return replace(raw, positions=_z_up(raw.positions), corner_normals=_z_up(raw.corner_normals))


def _centred(raw: RawMesh) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions [V, 3] around the middle of the bounding box of what is used of them, and that middle [3]."""
    corners = raw.positions[raw.triangles]
    require_finite("position", corners)
    used = corners.reshape(-1, 3)
    # Half of each first, lest the sum be too large for a number.
    origin = used.min(axis=0) / 2.0 + used.max(axis=0) / 2.0
    # Not the vertices that no face uses: they may lie anywhere, or be no numbers.
    index = np.unique(raw.triangles)
    positions = np.zeros_like(raw.positions)
    positions[index] = raw.positions[index] - origin
    if np.abs(positions).max() > np.finfo(np.float32).max:
        raise JobError("bad_mesh", "The mesh is too large for its coordinates", "Scale it down.")
    return positions, origin


def _normals(raw: RawMesh, positions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Those of the file, and where it has none those of the surface."""
    normals = raw.corner_normals
    length = np.linalg.norm(normals, axis=-1)
    missing = ~(np.isfinite(length) & (length > 0.0)).all(axis=1)
    if missing.any():
        normals = normals.copy()
        normals[missing] = crease_normals(positions, raw.triangles)[missing]
    return (normals / np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-300)).astype(np.float32)


def _z_up(vectors: NDArray[Any]) -> NDArray[Any]:
    return np.stack([vectors[..., 0], -vectors[..., 2], vectors[..., 1]], axis=-1)
