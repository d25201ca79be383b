# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of glTF 2.0 scenes as they are shown at rest: instances, default morph weights and skins included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gltf_accessors import differs_from_its_bounds, element_count, has_data, read_accessor, read_integers
from .gltf_document import DRACO, Document, is_draco, open_document
from .gltf_materials import Layout, layout_of
from .gltf_nodes import instance_count, instances, shown_nodes
from .raw_mesh import RawMesh, Unreadable, by_corner, joined, refuse_too_many

_MODES = ("points", "lines", "line loops", "line strips", "triangles", "triangle strips", "triangle fans")
_TRIANGLES, _STRIP = 4, 5
_VERTICES_AT_ONCE = 100_000
"""Of instances that are put in their places together."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Primitive:
    """Triangles in the space of their mesh, undeformed."""

    described: Mapping[str, Any]
    vertices: NDArray[np.int64]
    """[V] which of the file's it uses: many primitives may share the array of all."""
    triangles: NDArray[np.int64]
    """[T, 3] indices into ``vertices``."""


def read_gltf(path: Path, tick: Callable[[], None]) -> RawMesh:
    """Read the triangles of the file's scene in its world space, Y up.

    Args:
        path: a .glb or .gltf file.
        tick: called now and then; may raise, to stop.

    Raises:
        Unreadable: it is damaged, or needs what is not read.
    """
    document = open_document(path)
    world, shown = shown_nodes(document)
    notices: list[str] = []
    _notice_what_is_not_shown(document, shown, notices)
    nodes = {number: document.item("nodes", number) for number in shown}
    nodes = {number: node for number, node in nodes.items() if "mesh" in node}
    primitives: dict[int, list[_Primitive]] = {}
    count = 0
    for node in nodes.values():
        number = node["mesh"]
        if number not in primitives:
            primitives[number] = _primitives_of(document, number, notices, tick)
        count += sum(len(one.triangles) for one in primitives[number]) * instance_count(document, node)
        refuse_too_many(count)
    parts: list[RawMesh] = []
    at_rest: dict[int, list[RawMesh]] = {}
    for number, node in nodes.items():
        mesh, own = node["mesh"], node.get("weights")
        if own is not None or mesh not in at_rest:
            weights = document.item("meshes", mesh).get("weights", []) if own is None else own
            still = [_deformed(document, primitive, weights, notices, tick) for primitive in primitives[mesh]]
            if own is None:
                at_rest[mesh] = still
        else:
            still = at_rest[mesh]
        if "skin" in node:
            # A skin says itself where the mesh is, whatever its node says.
            for part, primitive in zip(still, primitives[mesh], strict=True):
                matrices = _skin_matrices(document, primitive.described, node["skin"], world)[primitive.vertices]
                parts.append(_moved(part, matrices))
        elif still:
            places = shown[number] @ instances(document, node)
            parts += [moved for part in still for moved in _at_places(part, places, tick)]
    return joined(parts, notices)


def _notice_what_is_not_shown(document: Document, shown: Mapping[int, Floats], notices: list[str]) -> None:
    nodes = document.json.get("nodes", [])
    meshes = {node["mesh"] for node in nodes if "mesh" in node} | set(range(len(document.json.get("meshes", []))))
    missing = meshes - {nodes[number]["mesh"] for number in shown if "mesh" in nodes[number]}
    if missing:
        notices.append(f"{len(missing)} of its {len(meshes)} meshes are not shown in its scene, and are left out")


def _primitives_of(document: Document, number: int, notices: list[str], tick: Callable[[], None]) -> list[_Primitive]:
    """Those of a mesh that have triangles."""
    found: list[_Primitive] = []
    for described in document.item("meshes", number)["primitives"]:
        tick()
        triangles = _triangles_of(document, described, notices)
        refuse_too_many(sum(len(one.triangles) for one in found) + len(triangles))
        if len(triangles):
            vertices, index = np.unique(triangles, return_inverse=True)
            found.append(_Primitive(described, vertices, index.reshape(-1, 3)))
    return found


def _triangles_of(document: Document, described: Mapping[str, Any], notices: list[str]) -> NDArray[np.int64]:
    """[T, 3] indices of the file's vertices."""
    mode = described.get("mode", _TRIANGLES)
    if mode not in range(len(_MODES)):
        raise Unreadable(f"has a primitive of mode {mode}, which is none of glTF 2.0")
    if mode < _TRIANGLES:
        notices.append(f"Its {_MODES[mode]} are left out: they have no surface")
        return np.empty((0, 3), np.int64)
    attributes = described["attributes"]
    compressed = DRACO in described.get("extensions", {})
    if "POSITION" not in attributes:
        raise Unreadable("has triangles without positions")
    if compressed and not has_data(document, attributes["POSITION"]):
        raise is_draco()
    vertices = element_count(document, attributes["POSITION"])
    if "indices" in described:
        index = read_integers(document, described["indices"], "SCALAR")[:, 0]
        if len(index) and index.max() >= vertices:
            raise Unreadable(f"has a face that refers to vertex {index.max()} of {vertices}")
    else:
        refuse_too_many(vertices // 3)
        index = np.arange(vertices)
    if mode == _TRIANGLES:
        if len(index) % 3:
            notices.append(
                f"The last {len(index) % 3} corners of a list of triangles are no triangle, and are left out"
            )
        return index[: len(index) // 3 * 3].reshape(-1, 3)
    at = np.arange(max(len(index) - 2, 0))
    if mode == _STRIP:
        return np.stack([index[at], index[at + 1 + at % 2], index[at + 2 - at % 2]], axis=-1)
    return np.stack([index[at + 1], index[at + 2], np.full(len(at), index[:1].sum())], axis=-1)


def _deformed(
    document: Document, primitive: _Primitive, weights: list[float], notices: list[str], tick: Callable[[], None]
) -> RawMesh:
    """The primitive with its morph targets at ``weights``."""
    tick()
    described, vertices, triangles = primitive.described, primitive.vertices, primitive.triangles
    positions = _morphed(document, described, "POSITION", "VEC3", weights)
    if differs_from_its_bounds(document, described["attributes"]["POSITION"], positions) and not any(weights):
        notices.append("Its bounds are not those that it says; the file may be damaged")
    layout = Layout() if "material" not in described else layout_of(document.item("materials", described["material"]))
    uvs = _attribute(document, described, f"TEXCOORD_{layout.uv_set}", "VEC2", weights)
    if uvs is None and layout.uv_set != 0:
        uvs = _attribute(document, described, "TEXCOORD_0", "VEC2", weights)
    if uvs is not None:
        uvs = layout.transformed(uvs)
        # From the top left to the bottom left.
        uvs[:, 1] = 1.0 - uvs[:, 1]
    normals = _attribute(document, described, "NORMAL", "VEC3", weights)
    for name, values in (("UVs", uvs), ("normals", normals)):
        if values is not None and len(values) != len(positions):
            raise Unreadable(f"has {len(values)} {name} for {len(positions)} vertices")
    return RawMesh(
        positions[vertices],
        triangles,
        corner_uvs=by_corner(None if uvs is None else uvs[vertices], triangles, 2),
        bare=np.full(len(triangles), uvs is None),
        corner_normals=by_corner(None if normals is None else normals[vertices], triangles, 3),
    )


def _attribute(
    document: Document, described: Mapping[str, Any], name: str, kind: str, weights: list[float]
) -> Floats | None:
    return _morphed(document, described, name, kind, weights) if name in described["attributes"] else None


def _morphed(document: Document, described: Mapping[str, Any], name: str, kind: str, weights: list[float]) -> Floats:
    values = read_accessor(document, described["attributes"][name], kind)
    for weight, target in zip(weights, described.get("targets", []), strict=False):
        if weight and name in target:
            values = values + weight * read_accessor(document, target[name], kind)
    return values


def _skin_matrices(
    document: Document, described: Mapping[str, Any], skin_number: Any, world: Mapping[int, Floats]
) -> Floats:
    """[V, 4, 4]: what moves each vertex to where its joints are now."""
    skin = document.item("skins", skin_number)
    missing = [joint for joint in skin["joints"] if joint not in world]
    if missing:
        raise Unreadable(f"has a skin whose joint {missing[0]} is not in its scene")
    matrices = np.stack([world[joint] for joint in skin["joints"]])
    if "inverseBindMatrices" in skin:
        inverse = read_accessor(document, skin["inverseBindMatrices"], "MAT4").reshape(-1, 4, 4).transpose(0, 2, 1)
        if len(inverse) < len(matrices):
            raise Unreadable(f"has a skin with {len(matrices)} joints and {len(inverse)} matrices")
        matrices = matrices @ inverse[: len(matrices)]
    attributes = described["attributes"]
    sets = [number for number in range(len(attributes)) if f"JOINTS_{number}" in attributes]
    if not sets:
        raise Unreadable("has a skinned mesh without joints at its vertices")
    joints = np.concatenate([read_integers(document, attributes[f"JOINTS_{number}"], "VEC4") for number in sets], -1)
    weights = np.concatenate([read_accessor(document, attributes[f"WEIGHTS_{number}"], "VEC4") for number in sets], -1)
    if joints.max(initial=0) >= len(matrices):
        raise Unreadable(f"has a vertex that follows joint {joints.max()} of {len(matrices)}")
    total = weights.sum(axis=-1, keepdims=True)
    # A vertex that follows nothing follows its first joint.
    weights = np.where(total > 0.0, weights / np.where(total > 0.0, total, 1.0), np.eye(1, weights.shape[1]))
    moved = np.zeros((len(joints), 4, 4))
    for column in range(joints.shape[1]):
        moved += weights[:, column, None, None] * matrices[joints[:, column]]
    return moved


def _at_places(part: RawMesh, places: Floats, tick: Callable[[], None]) -> Iterator[RawMesh]:
    """``part`` at each of ``places`` [N, 4, 4], many at once."""
    step = max(1, _VERTICES_AT_ONCE // len(part.positions))
    for start in range(0, len(places), step):
        tick()
        some = places[start : start + step]
        if len(some) == 1:
            yield _moved(part, some[0])
        else:
            yield _moved(joined([part] * len(some)), np.repeat(some, len(part.positions), axis=0))


def _moved(part: RawMesh, matrix: Floats) -> RawMesh:
    """``part`` by one matrix [4, 4], or by one for each vertex [V, 4, 4]."""
    matrices = np.broadcast_to(matrix, (len(part.positions), 4, 4))
    turn = matrices[:, :3, :3]
    positions = np.einsum("vij,vj->vi", turn, part.positions) + matrices[:, :3, 3]
    a, b, c = turn[..., 0], turn[..., 1], turn[..., 2]
    # The inverse transpose without the division, so that flattened objects work too.
    cofactor = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=-1)
    mirrored = (a * cofactor[..., 0]).sum(axis=-1) < 0.0
    sign = np.where(mirrored, -1.0, 1.0)[part.triangles]
    normals = np.einsum("tkij,tkj->tki", cofactor[part.triangles], part.corner_normals) * sign[..., None]
    # What mirrors turns faces inside out; the other order of corners turns them back.
    order = np.where(mirrored[part.triangles[:, :1]], [[2, 1, 0]], [[0, 1, 2]])
    return replace(
        part,
        positions=positions,
        triangles=np.take_along_axis(part.triangles, order, axis=1),
        corner_uvs=np.take_along_axis(part.corner_uvs, order[..., None], axis=1),
        corner_normals=np.take_along_axis(normals, order[..., None], axis=1),
    )
