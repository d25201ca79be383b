# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an object can be textured at all, found out before any worker starts."""

from __future__ import annotations

import bpy
import numpy as np

from ...core.job import LARGEST_UV_AREA, JobError
from .mesh_arrays import MeshArrays
from .uv import made_uv_map

SURFACES = frozenset({"CURVE", "SURFACE", "FONT", "META", "POINTCLOUD", "CURVES", "VOLUME", "GREASEPENCIL"})
"""Types of objects that show something and can be made meshes."""


def check_object(target: bpy.types.Object, view_layer: bpy.types.ViewLayer) -> None:
    """Whether the object is a visible mesh that may be changed.

    Raises:
        JobError: ``bad_mesh``.
    """
    if target.type != "MESH":
        raise not_a_mesh(target)
    if target.library or target.data.library or target.override_library or target.data.override_library:
        raise JobError(
            "bad_mesh",
            "The object or its mesh is linked from another file and cannot be changed here",
            "Make it local with Object > Relations > Make Local",
        )
    if not any(found == target for found in view_layer.objects):
        scenes = [scene.name for scene in target.users_scene if scene != view_layer.id_data]
        raise JobError(
            "bad_mesh",
            f"The object is not in the view layer {view_layer.name!r}",
            f"Switch to the scene {scenes[0]!r}" if scenes else "Enable its collection in the Outliner",
        )
    if not target.visible_get(view_layer=view_layer):
        raise JobError("bad_mesh", "The object is hidden", "Show it, so that its modifiers are evaluated")


def not_a_mesh(target: bpy.types.Object) -> JobError:
    """Why an object that is no mesh cannot be textured, and the way out."""
    if target.instance_collection is not None:
        return JobError(
            "bad_mesh",
            f"It is an instance of the collection {target.instance_collection.name!r}, without a mesh of its own",
            "Use Object > Apply > Make Instances Real, or texture the objects of the collection",
        )
    kind = target.bl_rna.properties["type"].enum_items[target.type].name
    if target.type in SURFACES:
        return JobError("bad_mesh", f"Its type is {kind}, not a mesh", "Convert it with Object > Convert > Mesh")
    return JobError("bad_mesh", f"Its type is {kind}, which has no surface", "Select a mesh object")


def check_made_faces(
    base: bpy.types.Mesh, evaluated: bpy.types.Mesh, target: bpy.types.Object, instances: bool
) -> None:
    """Whether the object has faces, and those that its modifiers make alone have UVs.

    Args:
        base: the object's own mesh.
        evaluated: the same with its modifiers.
        target: the object.
        instances: whether its geometry nodes make instances.

    Raises:
        JobError: ``bad_mesh``.
    """
    shown = ", ".join(repr(modifier.name) for modifier in target.modifiers if modifier.show_viewport)
    if len(evaluated.polygons) == 0 and instances:
        raise JobError(
            "bad_mesh",
            "Its geometry nodes make instances only, which have no faces of their own",
            "End the geometry nodes with Realize Instances, and store a UV map with them",
        )
    if len(evaluated.polygons) == 0 and shown and len(base.polygons):
        raise JobError(
            "bad_mesh",
            f"The mesh has no faces after its modifiers ({shown})",
            "Look for the modifier that removes them",
        )
    if len(evaluated.polygons) == 0 and shown:
        raise JobError(
            "bad_mesh", f"The mesh has no faces, and its modifiers ({shown}) make none", "Add faces to the mesh"
        )
    if len(evaluated.polygons) and not len(base.polygons) and made_uv_map(evaluated) is None:
        raise JobError(
            "bad_mesh",
            f"The faces are made by its modifiers ({shown}), which give them no UV map",
            "Apply the modifiers with Object > Convert > Mesh, or store a UV map in the geometry nodes (2D Vector, Face"
            " Corner)",
        )


def check_geometry(positions: np.ndarray, triangles: np.ndarray) -> None:
    """Whether there is a surface to texture: positions [V, 3], triangles [T, 3].

    Raises:
        JobError: ``bad_mesh`` without faces, with positions that are not finite, or with no area.
    """
    if len(triangles) == 0:
        raise JobError("bad_mesh", "The mesh has no faces", "Add faces to the mesh")
    finite = np.isfinite(positions)
    if not finite.all():
        broken = int((~finite).any(axis=1).sum())
        raise JobError(
            "bad_mesh",
            f"The positions of {broken} of {len(positions)} vertices are not numbers",
            "Delete those vertices, or look for a modifier that makes them",
        )
    corners = positions[triangles].astype(np.float64, copy=False)
    # Column by column: NumPy takes ten times as long over millions of short rows.
    a, b = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    doubled = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    if not any(np.abs(part).sum() > 0.0 for part in doubled):
        raise JobError("bad_mesh", "The faces have no area", "Check the object's scale and its modifiers")


def check_uvs(arrays: MeshArrays, uv_map: str) -> None:
    """Whether the UV map lays the surface out: its coordinates are finite, span an area, and can carry one texture.

    Raises:
        JobError: ``bad_mesh``.
    """
    uvs = arrays.corner_uvs.astype(np.float64)
    if not np.isfinite(uvs).all():
        raise JobError("bad_mesh", f"The UV map {uv_map!r} has coordinates that are not numbers", "Unwrap it anew")
    edge_1, edge_2 = uvs[:, 1] - uvs[:, 0], uvs[:, 2] - uvs[:, 0]
    areas = np.abs(edge_1[:, 0] * edge_2[:, 1] - edge_1[:, 1] * edge_2[:, 0]) / 2.0
    if not areas.sum() > 1e-12:
        raise JobError(
            "bad_mesh",
            f"The faces have no area in the UV map {uv_map!r}",
            "Unwrap the mesh, or remove the UV map and StyleTex makes one",
        )
    spans = (edge_1, edge_2, edge_2 - edge_1)
    repeats = max(areas.sum(), *(np.abs(span).max() for span in spans))
    if repeats > LARGEST_UV_AREA:
        raise JobError(
            "bad_mesh",
            f"The UV map {uv_map!r} repeats the texture {repeats:.0f} times; at most {LARGEST_UV_AREA} is allowed",
            "Unwrap the mesh, or remove the UV map and StyleTex makes one",
        )
