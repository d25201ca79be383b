# SPDX-License-Identifier: GPL-3.0-or-later
"""UV maps: the artist's own is used as it is; a mesh without one gets a new one named "StyleTex"."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from ...core.job import JobError

UV_MAP_NAME = "StyleTex"


def active_uv_map(mesh: bpy.types.Mesh) -> str | None:
    """Name of the mesh's active UV map, or ``None`` when it has none."""
    layer = mesh.uv_layers.active
    return layer.name if layer else None


def made_uv_map(mesh: bpy.types.Mesh) -> str | None:
    """Name of a UV map that modifiers made: the active one, or the first that has a name of its own."""
    named = [layer.name for layer in mesh.uv_layers if not layer.name.startswith(".")]
    active = active_uv_map(mesh)
    return active if active in named else next(iter(named), None)


def usable_uv_map(base: bpy.types.Mesh, evaluated: bpy.types.Mesh) -> str | None:
    """Name of the UV map that an object shows its textures by, or ``None`` when it has none.

    That is the active one of its own mesh. Where it has none, or its modifiers remove it or leave it without area, it
    is one that they make, as geometry nodes do that store an attribute of 2D vectors.

    Args:
        base: the object's own mesh.
        evaluated: the same with its modifiers.
    """
    active = active_uv_map(base)
    if active is not None and _has_area(evaluated, active):
        return active
    made = [layer.name for layer in evaluated.uv_layers if layer.name not in base.uv_layers and layer.name[:1] != "."]
    made.sort(key=lambda name: name != active_uv_map(evaluated))
    return next((name for name in made if _has_area(evaluated, name)), active)


def _has_area(mesh: bpy.types.Mesh, name: str) -> bool:
    """Whether a UV map is there and lays any face out."""
    if name not in mesh.uv_layers:
        return False
    mesh.calc_loop_triangles()
    loops = np.empty((len(mesh.loop_triangles), 3), dtype=np.int32)
    mesh.loop_triangles.foreach_get("loops", loops.reshape(-1))
    corners = read_uvs(mesh, name)[loops].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    # What is no number is for the checks to tell.
    return bool(~(np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum() <= 1e-12))


def read_uvs(mesh: bpy.types.Mesh, name: str) -> np.ndarray:
    """Coordinates of a UV map, float32 [loops, 2]."""
    uvs = np.empty((len(mesh.loops), 2), dtype=np.float32)
    mesh.uv_layers[name].uv.foreach_get("vector", uvs.reshape(-1))
    return uvs


def add_uv_map(mesh: bpy.types.Mesh, name: str, uvs: np.ndarray) -> tuple[str, bool]:
    """See that the mesh has a UV map with these coordinates, float32 [loops, 2].

    A map called ``name`` that is someone else's stays as it is: the new one then gets a free name.

    Returns:
        The map's name, and whether it was added.

    Raises:
        JobError: ``bad_mesh`` when the mesh is no longer the one that was unwrapped, or has no room.
    """
    if mesh.is_editmode:
        raise JobError("bad_mesh", "The mesh is being edited, so it cannot be given a UV map", "Leave Edit Mode")
    if len(mesh.loops) != len(uvs):
        raise JobError("bad_mesh", "The mesh was changed while it was being textured, so its new UV map does not fit")
    if name in mesh.uv_layers and np.array_equal(read_uvs(mesh, name), uvs):
        return name, False
    layer = mesh.uv_layers.new(name=name, do_init=False)
    if layer is None:
        raise JobError("bad_mesh", "The mesh has no room for another UV map", "Remove one of its eight UV maps")
    # An attribute may have the name already, and adding data moves what Python knew of the layer.
    added = layer.name
    try:
        layer.uv.foreach_set("vector", np.ascontiguousarray(uvs, dtype=np.float32).reshape(-1))
    except BaseException:
        mesh.uv_layers.remove(mesh.uv_layers[added])
        raise
    return added, True


@contextmanager
def unwrapped_copy(
    target: bpy.types.Object,
) -> Iterator[tuple[bpy.types.Object, bpy.types.Scene, str, np.ndarray]]:
    """A copy of the object with a UV map by Smart UV Project, in a scene of its own, for as long as the block runs.

    The artist's scene, selection, active object and mode are not touched, so this works in every mode, and nothing
    has to be undone when the job is cancelled.

    Yields:
        The copy, its scene, the name that the UV map got (an attribute may have had the first choice), and the
        coordinates, float32 [loops, 2], which fit the original mesh as well.
    """
    mesh = target.data.copy()
    copy = target.copy()
    copy.data = mesh
    scene = bpy.data.scenes.new("StyleTex Unwrap")
    try:
        scene.frame_set(bpy.context.scene.frame_current)
        scene.collection.objects.link(copy)
        name = _smart_project(copy, scene)
        yield copy, scene, name, read_uvs(mesh, name)
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.objects.remove(copy)
        bpy.data.meshes.remove(mesh)


def _smart_project(target: bpy.types.Object, scene: bpy.types.Scene) -> str:
    mesh = target.data
    layer = mesh.uv_layers.new(name=UV_MAP_NAME)
    if layer is None:
        raise JobError("bad_mesh", "The mesh has no room for a UV map", "Remove one of its attributes")
    name = layer.name
    shown = np.zeros(len(mesh.polygons), dtype=bool)
    mesh.polygons.foreach_set("hide", shown)
    mesh.polygons.foreach_set("select", ~shown)
    target.hide_set(False, view_layer=scene.view_layers[0])
    target.select_set(True, view_layer=scene.view_layers[0])
    scene.view_layers[0].objects.active = target
    with bpy.context.temp_override(
        scene=scene,
        view_layer=scene.view_layers[0],
        active_object=target,
        object=target,
        edit_object=target,
        selected_objects=[target],
    ):
        bpy.ops.object.mode_set(mode="EDIT")
        bpy.ops.mesh.reveal(select=True)
        bpy.ops.mesh.select_all(action="SELECT")
        bpy.ops.uv.smart_project(angle_limit=math.radians(66.0), island_margin=0.004)
        bpy.ops.object.mode_set(mode="OBJECT")
    return name
