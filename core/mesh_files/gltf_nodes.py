# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the nodes of a glTF scene stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gltf_accessors import element_count, read_accessor
from .gltf_document import Document
from .raw_mesh import Unreadable

_INSTANCING = "EXT_mesh_gpu_instancing"
_PLACES = ("TRANSLATION", "ROTATION", "SCALE")
_VISIBILITY = "KHR_node_visibility"

Floats = NDArray[np.float64]


def shown_nodes(document: Document) -> tuple[dict[int, Floats], dict[int, Floats]]:
    """The matrices [4, 4], from a node to the world, of the nodes of the scene by number: all, and those shown.

    Raises:
        Unreadable: a node is its own descendant or has two parents, or its matrix is none.
    """
    world: dict[int, Floats] = {}
    shown: dict[int, Floats] = {}
    waiting = [(root, np.eye(4), True) for root in reversed(_roots(document))]
    while waiting:
        number, above, visible = waiting.pop()
        node = document.item("nodes", number)
        if number in world:
            raise Unreadable(f"has node {number} in two places")
        world[number] = above @ _matrix(node, number)
        visible = visible and node.get("extensions", {}).get(_VISIBILITY, {}).get("visible", True)
        if visible:
            shown[number] = world[number]
        waiting += [(child, world[number], visible) for child in reversed(node.get("children", []))]
    return world, shown


def instance_count(document: Document, node: Mapping[str, Any]) -> int:
    """How often a node shows its mesh.

    Raises:
        Unreadable: the attributes of its instances are of different lengths.
    """
    attributes = _instance_attributes(node)
    counts = {element_count(document, attributes[name]) for name in _PLACES if name in attributes}
    if len(counts) > 1:
        raise Unreadable(f"has instances whose attributes are of different lengths: {sorted(counts)}")
    return counts.pop() if counts else 1


def instances(document: Document, node: Mapping[str, Any]) -> Floats:
    """Matrices [N, 4, 4] of the places at which a node shows its mesh, in the node's own space.

    Raises:
        Unreadable: as ``instance_count``.
    """
    if _INSTANCING not in node.get("extensions", {}):
        return np.eye(4)[None]
    attributes, count = _instance_attributes(node), instance_count(document, node)
    kinds = (("VEC3", (0, 0, 0)), ("VEC4", (0, 0, 0, 1)), ("VEC3", (1, 1, 1)))
    values = [
        read_accessor(document, attributes[name], kind)
        if name in attributes
        else np.tile(np.array(default, np.float64), (count, 1))
        for name, (kind, default) in zip(_PLACES, kinds, strict=True)
    ]
    return _placed(*values)


def _instance_attributes(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return node.get("extensions", {}).get(_INSTANCING, {}).get("attributes", {})


def _roots(document: Document) -> list[int]:
    scenes = document.json.get("scenes", [])
    if scenes:
        return list(document.item("scenes", document.json.get("scene", 0)).get("nodes", []))
    nodes = document.json.get("nodes", [])
    children = {child for node in nodes for child in node.get("children", [])}
    return [number for number in range(len(nodes)) if number not in children]


def _matrix(node: Mapping[str, Any], number: int) -> Floats:
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
    else:
        parts = (("translation", (0, 0, 0)), ("rotation", (0, 0, 0, 1)), ("scale", (1, 1, 1)))
        matrix = _placed(*(np.array([node.get(name, default)], np.float64) for name, default in parts))[0]
    if not np.isfinite(matrix).all():
        raise Unreadable(f"has node {number} at a place that is not finite")
    return matrix


def _placed(translation: Floats, rotation: Floats, scale: Floats) -> Floats:
    """Matrices [N, 4, 4] of translations [N, 3], quaternions [N, 4] (x, y, z, w) and scales [N, 3]."""
    length = np.linalg.norm(rotation, axis=-1, keepdims=True)
    x, y, z, w = (rotation / np.where(length > 0.0, length, np.nan)).T
    matrix = np.zeros((len(translation), 4, 4))
    turn = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:, :3, :3] = np.moveaxis(np.array(turn), -1, 0) * scale[:, None, :]
    matrix[:, :3, 3] = translation
    matrix[:, 3, 3] = 1.0
    return matrix
