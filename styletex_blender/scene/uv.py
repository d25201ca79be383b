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


def read_uvs(mesh: bpy.types.Mesh, name: str) -> np.ndarray:
    """Coordinates of a UV map, float32 [loops, 2]."""
    uvs = np.empty((len(mesh.loops), 2), dtype=np.float32)
    mesh.uv_layers[name].uv.foreach_get("vector", uvs.reshape(-1))
    return uvs


def ensure_uv_map(mesh: bpy.types.Mesh, name: str, uvs: np.ndarray) -> bool:
    """Add the UV map to the mesh unless it has one of that name; ``uvs`` is float32 [loops, 2].

    Returns:
        Whether it was added.

    Raises:
        JobError: ``bad_mesh`` when the mesh is no longer the one that was unwrapped.
    """
    if name in mesh.uv_layers:
        return False
    if len(mesh.loops) != len(uvs):
        raise JobError("bad_mesh", "The mesh was changed while it was being textured, so its new UV map does not fit")
    layer = mesh.uv_layers.new(name=name, do_init=False)
    if layer is None:
        raise JobError("bad_mesh", "The mesh has no room for another UV map", "Remove one of its eight UV maps")
    layer.uv.foreach_set("vector", np.ascontiguousarray(uvs, dtype=np.float32).reshape(-1))
    return True


@contextmanager
def unwrapped_copy(target: bpy.types.Object) -> Iterator[tuple[bpy.types.Object, bpy.types.Scene, np.ndarray]]:
    """A copy of the object with a UV map by Smart UV Project, in a scene of its own, for as long as the block runs.

    The artist's scene, selection, active object and mode are not touched, so this works in every mode, and nothing
    has to be undone when the job is cancelled.

    Yields:
        The copy, its scene, and the coordinates, float32 [loops, 2], which fit the original mesh as well.
    """
    mesh = target.data.copy()
    copy = target.copy()
    copy.data = mesh
    scene = bpy.data.scenes.new("StyleTex Unwrap")
    try:
        scene.frame_set(bpy.context.scene.frame_current)
        scene.collection.objects.link(copy)
        _smart_project(copy, scene)
        yield copy, scene, read_uvs(mesh, UV_MAP_NAME)
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.objects.remove(copy)
        bpy.data.meshes.remove(mesh)


def _smart_project(target: bpy.types.Object, scene: bpy.types.Scene) -> None:
    mesh = target.data
    mesh.uv_layers.new(name=UV_MAP_NAME)
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
