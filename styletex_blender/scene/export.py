# SPDX-License-Identifier: GPL-3.0-or-later
"""An object as arrays: the evaluated mesh as it stands in the world, as the worker wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np

from ...core.job import JobError
from .checks import check_geometry, check_made_faces, check_object, check_uvs
from .mesh_arrays import MeshArrays
from .uv import active_uv_map, unwrapped_copy, usable_uv_map

INSTANCES_LEFT_OUT = (
    "The instances that its geometry nodes make are not textured; end the nodes with Realize Instances to have them so"
)


@dataclass(frozen=True)
class ExportedObject:
    """What an export found and made."""

    arrays: MeshArrays
    """The evaluated mesh."""
    uv_map: str
    """Name of the UV map that the texture is for."""
    new_uvs: np.ndarray | None
    """Coordinates of a UV map that the object's mesh still has to be given, float32 [loops, 2]."""
    notices: tuple[str, ...] = ()
    """What the user should know."""


Weigh = Callable[[bpy.types.Mesh, bpy.types.Depsgraph], np.ndarray | None]
"""Weights of the corners of an evaluated mesh, float32 [loops], or none."""


def export_object(target: bpy.types.Object, context: bpy.types.Context, weigh: Weigh | None = None) -> ExportedObject:
    """Read the evaluated mesh of an object, with the weights that ``weigh`` gives it; the object is not changed.

    Raises:
        JobError: ``bad_mesh`` when it cannot be textured.
    """
    check_object(target, context.view_layer)
    if target.mode == "EDIT":
        target.update_from_editmode()
        target.data.update_tag()
    depsgraph = context.evaluated_depsgraph_get()
    matrix = np.array(target.evaluated_get(depsgraph).matrix_world, dtype=np.float64)
    instances = _makes_instances(target, depsgraph)
    with _evaluated_mesh(target, depsgraph) as evaluated:
        check_made_faces(target.data, evaluated, target, instances)
        # Without modifiers, what is evaluated may be of before a UV map was removed.
        uv_map = usable_uv_map(target.data, evaluated) if _has_nodes(target) else active_uv_map(target.data)
        weights = weigh(evaluated, depsgraph) if weigh is not None else None
    notices = (INSTANCES_LEFT_OUT,) if instances else ()
    if uv_map is not None and active_uv_map(target.data) not in (None, uv_map):
        notices += (f"The UV map {uv_map!r} is used, which its modifiers make; they leave the active one without area",)
    if uv_map is not None:
        return ExportedObject(read_evaluated(target, depsgraph, uv_map, matrix, weights), uv_map, None, notices)
    _check_before_unwrapping(target, depsgraph)
    with unwrapped_copy(target) as (copy, scene, uv_map, new_uvs):
        scene.view_layers[0].update()
        arrays = read_evaluated(copy, scene.view_layers[0].depsgraph, uv_map, matrix, weights)
    return ExportedObject(arrays, uv_map, new_uvs, notices)


def read_evaluated(
    target: bpy.types.Object,
    depsgraph: bpy.types.Depsgraph,
    uv_map: str,
    matrix: np.ndarray,
    weights: np.ndarray | None = None,
) -> MeshArrays:
    """The mesh with its modifiers, transformed by ``matrix`` (float64 [4, 4]), triangulated, and checked; with weights
    of its corners, float32 [loops], if there are any.

    Raises:
        JobError: ``bad_mesh``.
    """
    with _evaluated_mesh(target, depsgraph) as mesh:
        arrays = _read_mesh(mesh, uv_map, matrix, weights)
    check_uvs(arrays, uv_map)
    return arrays


@contextmanager
def _evaluated_mesh(target: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.Mesh]:
    """The mesh of an object with its modifiers, for as long as the block runs."""
    evaluated = target.evaluated_get(depsgraph)
    try:
        yield evaluated.to_mesh(preserve_all_data_layers=True, depsgraph=depsgraph)
    finally:
        evaluated.to_mesh_clear()


def _makes_instances(target: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> bool:
    """Whether the object's geometry nodes make instances, which its mesh does not hold."""
    if not _has_nodes(target):
        return False
    return any(
        found.is_instance and found.parent is not None and found.parent.original == target
        for found in depsgraph.object_instances
    )


def _has_nodes(target: bpy.types.Object) -> bool:
    return any(modifier.type == "NODES" and modifier.show_viewport for modifier in target.modifiers)


def _check_before_unwrapping(target: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
    with _evaluated_mesh(target, depsgraph) as evaluated:
        for mesh in (target.data, evaluated):
            mesh.calc_loop_triangles()
            check_geometry(_read_positions(mesh), _read_triangles(mesh, "vertices"))


def _read_positions(mesh: bpy.types.Mesh) -> np.ndarray:
    positions = np.empty((len(mesh.vertices), 3), dtype=np.float32)
    mesh.vertices.foreach_get("co", positions.reshape(-1))
    return positions


def _read_triangles(mesh: bpy.types.Mesh, what: str) -> np.ndarray:
    """Per triangle its three "vertices" or "loops", int32 [T, 3]."""
    indices = np.empty((len(mesh.loop_triangles), 3), dtype=np.int32)
    mesh.loop_triangles.foreach_get(what, indices.reshape(-1))
    return indices


def _read_mesh(mesh: bpy.types.Mesh, uv_map: str, matrix: np.ndarray, weights: np.ndarray | None) -> MeshArrays:
    # Without the object's location, which the texture does not depend on and single precision does.
    positions = _read_positions(mesh).astype(np.float64) @ matrix[:3, :3].T
    mesh.calc_loop_triangles()
    triangles, loops = _read_triangles(mesh, "vertices"), _read_triangles(mesh, "loops")
    check_geometry(positions, triangles)
    # Vertices without a face may lie anywhere: around their middle too, single precision would be too coarse.
    used = np.zeros(len(positions), dtype=bool)
    used[triangles.ravel()] = True
    low, high = positions[used].min(axis=0), positions[used].max(axis=0)
    centred = np.zeros_like(positions)
    centred[used] = positions[used] - (low / 2.0 + high / 2.0)
    layer = mesh.uv_layers.get(uv_map)
    if layer is None:
        raise JobError(
            "bad_mesh",
            f"A modifier removes the UV map {uv_map!r}",
            "Store the UV map in the geometry nodes, or apply the modifier",
        )
    uvs = np.empty((len(mesh.loops), 2), dtype=np.float32)
    layer.uv.foreach_get("vector", uvs.reshape(-1))
    normals = np.empty((len(mesh.loops), 3), dtype=np.float32)
    mesh.corner_normals.foreach_get("vector", normals.reshape(-1))
    if np.linalg.det(matrix[:3, :3]) < 0.0:
        # A mirrored object turns its faces inside out; the other order of corners turns them back.
        triangles, loops = triangles[:, ::-1], loops[:, ::-1]
    return MeshArrays(
        positions=centred.astype(np.float32),
        triangles=np.ascontiguousarray(triangles),
        corner_uvs=uvs[loops],
        corner_normals=_transform_normals(normals, matrix)[loops],
        corner_weights=None if weights is None else weights[loops],
    )


def _transform_normals(normals: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Normals [N, 3] by the cofactor matrix: the inverse transpose without the division, so flat objects work too."""
    a, b, c = matrix[:3, 0], matrix[:3, 1], matrix[:3, 2]
    cofactor = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    # Of any size, since lengths do not matter: single precision is enough, and half the time of a million.
    cofactor *= np.sign(np.linalg.det(matrix[:3, :3]) or 1.0) / (np.abs(cofactor).max() or 1.0)
    world = normals @ cofactor.T.astype(np.float32)
    length = np.sqrt(np.einsum("nk,nk->n", world, world))
    length[length == 0.0] = 1.0
    world /= length[:, None]
    return world
