# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object was like when its job began, and what of it has changed since.

The artist works on while a texture is made, and a texture that was made for other UVs is garbage on these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import bpy
import numpy as np

from ...core.job import JobError
from ..scene.present_color import digest_of, find_present_color, find_texture_around
from ..scene.preview import materials_below
from ..scene.uv import read_uvs


@dataclass(frozen=True)
class Changes:
    """What differs, in words; empty where nothing does."""

    unfit: str = ""
    """Why the texture cannot be on this object: its faces or its UV map are others."""
    replaced: str = ""
    """Why the artist may not want the texture where it would go: the material slots hold something else."""
    painted: str = ""
    """Why it would undo what the artist did: the texture that it goes into is another now."""
    stale: str = ""
    """In what the texture is of an earlier state, though it fits."""

    @property
    def any(self) -> str:
        """The gravest of them."""
        return self.unfit or self.replaced or self.painted or self.stale


@dataclass(frozen=True)
class ObjectState:
    """What a texture depends on, as digests. The object's place in the world is no part of it."""

    uv_map: str
    """Name of the UV map that the texture is for."""
    has_uv_map: bool
    """Whether the mesh had that map; if not, it gets it together with the texture, or its modifiers make it."""
    faces: str
    """Which corners make which faces of the mesh."""
    uvs: str
    """The coordinates of ``uv_map``, of the mesh's corners in their order."""
    shape: str
    """The positions of the mesh's vertices."""
    modifiers: str
    """The visible modifiers in their order, with their settings."""
    materials: tuple[int, ...]
    """Which material is in each slot, by ``session_uid``; 0 for an empty one."""
    slot: int = 0
    """Number of the material slot that alone gets the texture, from 1; 0 for all."""
    texture: str = ""
    """The colour that the texture starts from or goes into; empty where that is none, or does not matter."""
    is_part: bool = False
    """Whether it goes into that colour."""

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ObjectState:
        """The state that ``to_dict`` described; what a newer StyleTex knows beside is left out."""
        known = {found.name: values[found.name] for found in fields(cls) if found.name in values}
        return cls(**{**known, "materials": tuple(values["materials"])})


def read_state(target: bpy.types.Object, uv_map: str, new_uvs: np.ndarray | None) -> ObjectState:
    """The object as it is when its job begins.

    Args:
        target: a mesh object.
        uv_map: name of the UV map that the texture is for.
        new_uvs: coordinates of that map where the mesh does not have it yet, float32 [loops, 2].
    """
    with _mesh_as_it_is(target) as mesh:
        has_uv_map = new_uvs is None and uv_map in mesh.uv_layers
        coordinates = read_uvs(mesh, uv_map) if has_uv_map else new_uvs
        return ObjectState(
            uv_map=uv_map,
            has_uv_map=has_uv_map,
            faces=_digest(_corner_vertices(mesh), _face_starts(mesh)),
            uvs="" if coordinates is None else _digest(coordinates),
            shape=_digest(_positions(mesh)),
            modifiers=_modifiers(target),
            materials=_materials(target),
        )


def with_texture(state: ObjectState, target: bpy.types.Object, slot: int, is_part: bool) -> ObjectState:
    """The state with the colour that the texture starts from, or as a part of it goes into."""
    return replace(state, slot=slot, is_part=is_part, texture=_texture(target, state.uv_map, slot, is_part))


def changes_since(before: ObjectState, target: bpy.types.Object, with_pixels: bool = True) -> Changes:
    """What differs between the object as it was and as it is; a preview on it does not count.

    Args:
        before: as it was.
        target: the object.
        with_pixels: whether to look at its texture, too, which takes its time, and no preview may be on the object.
    """
    if target.type != "MESH":
        return Changes(unfit=f"it was made a {target.type.lower()}")
    with _mesh_as_it_is(target) as mesh:
        if before.faces != _digest(_corner_vertices(mesh), _face_starts(mesh)):
            return Changes(unfit="its faces were changed")
        if before.has_uv_map and not _uv_maps_like(before, mesh):
            gone = before.uv_map not in mesh.uv_layers
            return Changes(unfit=f"its UV map {before.uv_map!r} was {'removed' if gone else 'changed'}")
        if before.slot > max(1, len(target.material_slots)):
            return Changes(unfit="its material slots were changed")
        moved = before.shape != _digest(_positions(mesh))
    replaced = stale = ""
    if before.materials != _materials(target):
        fewer = len(before.materials) != len(_materials(target))
        replaced = "its material slots were changed" if fewer else "it was given another material"
    if moved:
        stale = "its shape was changed"
    elif before.modifiers != _modifiers(target):
        stale = "its modifiers were changed"
    painted = ""
    if with_pixels and before.texture and not replaced:
        uv_map = (uv_map_now(before, target) if before.has_uv_map else None) or before.uv_map
        if before.texture != _texture(target, uv_map, before.slot, before.is_part):
            painted = "its texture was changed" if before.is_part else ""
            stale = stale or ("" if before.is_part else "its texture was changed")
    return Changes(replaced=replaced, painted=painted, stale=stale)


def uv_map_now(before: ObjectState, target: bpy.types.Object) -> str | None:
    """Name of the UV map that has the coordinates of ``before``, wherever renaming has left it; ``None`` for none."""
    with _mesh_as_it_is(target) as mesh:
        names = _uv_maps_like(before, mesh)
    return before.uv_map if before.uv_map in names else next(iter(names), None)


def _uv_maps_like(before: ObjectState, mesh: bpy.types.Mesh) -> list[str]:
    return [layer.name for layer in mesh.uv_layers if _digest(read_uvs(mesh, layer.name)) == before.uvs]


@contextmanager
def _mesh_as_it_is(target: bpy.types.Object) -> Iterator[bpy.types.Mesh]:
    """The object's mesh, without modifiers; in Edit Mode a copy of what is being edited, since its own arrays are those
    from before, and its UV maps are empty.
    """
    if not target.data.is_editmode:
        yield target.data
        return
    target.update_from_editmode()
    try:
        yield target.to_mesh()
    finally:
        target.to_mesh_clear()


def _texture(target: bpy.types.Object, uv_map: str, slot: int, is_part: bool) -> str:
    try:
        found = find_texture_around(target, uv_map, slot)[0] if is_part else find_present_color(target, uv_map)
        return digest_of(found)
    except JobError:
        return "none that could be read"


def _materials(target: bpy.types.Object) -> tuple[int, ...]:
    return tuple(0 if found is None else found.session_uid for found in materials_below(target))


def _modifiers(target: bpy.types.Object) -> str:
    described = [
        (modifier.type, _settings(modifier), _inputs(modifier))
        for modifier in target.modifiers
        if modifier.show_viewport
    ]
    return hashlib.sha256(repr(described).encode("utf-8", "replace")).hexdigest()[:32]


def _inputs(modifier: bpy.types.Modifier) -> list[tuple[str, str]]:
    """The inputs of geometry nodes, which are no settings of the modifier's type; without decimals, as there."""
    if modifier.type != "NODES":
        return []
    return sorted((name, str(value)) for name, value in modifier.items() if not isinstance(value, float))


_INTERFACE = frozenset(
    {"rna_type", "name", "is_active", "show_expanded", "show_in_editmode", "show_on_cage", "show_render"}
    | {"use_pin_to_last", "persistent_uid"}
)
"""What of a modifier has nothing to do with the mesh that comes out."""


def _settings(modifier: bpy.types.Modifier) -> list[tuple[str, object]]:
    """The settings that are no decimals: those may be animated, and move the mesh but do not make another one."""
    settings: list[tuple[str, object]] = []
    for known in modifier.bl_rna.properties:
        if known.identifier in _INTERFACE or known.type not in {"BOOLEAN", "INT", "ENUM", "STRING", "POINTER"}:
            continue
        value = getattr(modifier, known.identifier)
        if isinstance(value, bpy.types.ID):
            value = value.session_uid
        elif known.type == "POINTER" or getattr(known, "is_array", False):
            continue
        settings.append((known.identifier, sorted(value) if isinstance(value, set) else value))
    return settings


def _corner_vertices(mesh: bpy.types.Mesh) -> np.ndarray:
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    return corners


def _face_starts(mesh: bpy.types.Mesh) -> np.ndarray:
    starts = np.empty(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    return starts


def _positions(mesh: bpy.types.Mesh) -> np.ndarray:
    positions = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", positions)
    return positions


def _digest(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(b"|")
    return digest.hexdigest()[:32]
