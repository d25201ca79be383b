# SPDX-License-Identifier: GPL-3.0-or-later
"""How much each face corner of an object is in the part that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from ...core.job import JobError
from .choice import RegionChoice

_SELECTED = ".select_poly"
"""The attribute that Blender keeps the selection of faces in."""


def corner_weights(
    choice: RegionChoice, target: bpy.types.Object, mesh: bpy.types.Mesh, depsgraph: bpy.types.Depsgraph
) -> np.ndarray | None:
    """Weights in [0, 1] of the corners of an evaluated mesh, float32 [loops]; ``None`` for a mask, which has its own.

    Args:
        choice: a part.
        target: the object, up to date with Edit Mode.
        mesh: the object's mesh with its modifiers.
        depsgraph: that it was evaluated with.

    Raises:
        JobError: ``bad_setting`` when there is no such part, or nothing is in it.
    """
    if choice.kind in ("all", "mask"):
        return None
    if choice.kind == "group":
        weights = _of_group(choice, target, mesh)
        corners = np.empty(len(mesh.loops), dtype=np.int32)
        mesh.loops.foreach_get("vertex_index", corners)
        return weights[corners]
    faces = _selected(target, mesh, depsgraph) if choice.kind == "faces" else _in_slot(choice, target, mesh)
    return np.repeat(faces.astype(np.float32), _corners_a_face(mesh))


def _of_group(choice: RegionChoice, target: bpy.types.Object, mesh: bpy.types.Mesh) -> np.ndarray:
    group = target.vertex_groups.get(choice.group)
    if group is None:
        raise JobError(
            "bad_setting",
            f"It has no vertex group {choice.group!r}" if choice.group else "No vertex group is chosen",
            "Choose a vertex group in Only Here",
        )
    index, weights = group.index, np.zeros(len(mesh.vertices), dtype=np.float32)
    for number, vertex in enumerate(mesh.vertices):
        for element in vertex.groups:
            if element.group == index:
                weights[number] = element.weight
    if not weights.any():
        raise JobError("bad_setting", f"Nothing is in the vertex group {choice.group!r}", "Assign vertices to it")
    return weights


def _in_slot(choice: RegionChoice, target: bpy.types.Object, mesh: bpy.types.Mesh) -> np.ndarray:
    count = max(1, len(target.material_slots))
    if choice.slot > count:
        raise JobError(
            "bad_setting",
            f"It has no material slot {choice.slot}, only {len(target.material_slots)}",
            "Choose another material slot in Only Here",
        )
    # A number beyond the last slot shows that slot's material.
    faces = np.minimum(_material_indices(mesh), count - 1) == choice.slot - 1
    if not faces.any():
        raise JobError(
            "bad_setting", f"No face is in the material slot {choice.slot}", "Assign faces to it in Edit Mode"
        )
    return faces


def _selected(target: bpy.types.Object, mesh: bpy.types.Mesh, depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    chosen = _flags(target.data)
    if not chosen.any():
        raise JobError("bad_setting", "No face of it is selected", "Select faces in Edit Mode")
    if _SELECTED in mesh.attributes:
        return _flags(mesh)
    if chosen.all():
        return np.ones(len(mesh.polygons), dtype=bool)
    # Some modifiers (Bevel, Triangulate) forget the selection, and none the material of a face.
    with _marked_copy(target, chosen) as (copy, view_layer):
        view_layer.update()
        evaluated = copy.evaluated_get(view_layer.depsgraph)
        try:
            marked = evaluated.to_mesh(preserve_all_data_layers=True, depsgraph=view_layer.depsgraph)
            faces = _material_indices(marked) > 0
        finally:
            evaluated.to_mesh_clear()
    if len(faces) != len(mesh.polygons) or not faces.any():
        modifiers = ", ".join(repr(modifier.name) for modifier in target.modifiers if modifier.show_viewport)
        raise JobError(
            "bad_setting",
            f"Its modifiers ({modifiers}) do not say what became of the selected faces",
            "Choose a vertex group or a mask instead, or apply the modifiers",
        )
    return faces


@contextmanager
def _marked_copy(
    target: bpy.types.Object, chosen: np.ndarray
) -> Iterator[tuple[bpy.types.Object, bpy.types.ViewLayer]]:
    """A copy of the object whose chosen faces alone have the material number 1, in a scene of its own."""
    mesh = target.data.copy()
    copy = target.copy()
    copy.data = mesh
    scene = bpy.data.scenes.new("StyleTex Region")
    try:
        scene.frame_set(bpy.context.scene.frame_current)
        scene.collection.objects.link(copy)
        while len(mesh.materials) < 2:
            mesh.materials.append(None)
        mesh.polygons.foreach_set("material_index", chosen.astype(np.int32))
        mesh.update()
        yield copy, scene.view_layers[0]
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.objects.remove(copy)
        bpy.data.meshes.remove(mesh)


def _flags(mesh: bpy.types.Mesh) -> np.ndarray:
    found = np.zeros(len(mesh.polygons), dtype=bool)
    mesh.polygons.foreach_get("select", found)
    return found


def _material_indices(mesh: bpy.types.Mesh) -> np.ndarray:
    found = np.zeros(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("material_index", found)
    return found


def _corners_a_face(mesh: bpy.types.Mesh) -> np.ndarray:
    found = np.zeros(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("loop_total", found)
    return found
