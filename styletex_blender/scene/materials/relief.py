# SPDX-License-Identifier: GPL-3.0-or-later
"""Relief that is made up from a texture's brightness: Image Texture → Gamma → Bump → the shaders' normal.

It is no measured geometry: bright strokes stand out, dark ones lie deep. Only where the brightness changes within a
short way does Bump see a slope, so that it is the fine strokes that show.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .groups import find_input, lead_in
from .nodes import TEXTURE_NODE
from .surface import normal_inputs

RELIEF_NODE = "StyleTex Relief"
"""How the names of the Bump nodes begin."""
BRIGHTNESS_NODE = "StyleTex Brightness"
"""Name of the Gamma node, which turns light into what people see as equal steps of brightness."""
HEIGHT = 0.02
"""How far white stands above black, as a share of the object's largest side, at strength 1."""
_GAMMA = 1.0 / 2.2


def set_relief(material: bpy.types.Material, strength: float, side: float) -> bool:
    """Give a material of ours relief, another strength of it, or none. What was linked to the normal is kept below it.

    Args:
        material: one that ``texture_node`` knows.
        strength: of the Bump nodes, in [0, 1]; 0 takes them away.
        side: the object's largest side in the scene's units.

    Returns:
        Whether it can be seen: a surface that is all emission has no normal.
    """
    bumps = list(_bumps(material.node_tree))
    if strength <= 0.0:
        _remove(material, bumps)
        return True
    for _, bump in bumps:
        bump.inputs["Strength"].default_value = strength
    return bool(bumps) or _add(material, strength, side)


def relief_of(material: bpy.types.Material) -> float:
    """The strength of a material's relief, 0 for none."""
    return next((bump.inputs["Strength"].default_value for _, bump in _bumps(material.node_tree)), 0.0)


def _add(material: bpy.types.Material, strength: float, side: float) -> bool:
    places = normal_inputs(material)
    if not places:
        return False
    tree = material.node_tree
    texture = tree.nodes[TEXTURE_NODE]
    brightness = tree.nodes.new("ShaderNodeGamma")
    brightness.name = brightness.label = BRIGHTNESS_NODE
    brightness.inputs["Gamma"].default_value = _GAMMA
    brightness.location = (texture.location[0] + 300.0, texture.location[1])
    tree.links.new(texture.outputs["Color"], brightness.inputs["Color"])
    # Shaders that share a normal map share its relief.
    made: dict[tuple[object, ...], bpy.types.Node] = {}
    for place in places:
        height = lead_in(material, brightness.outputs["Color"], place.groups)
        tree, normal = place.tree(material), place.socket(material)
        before = normal.links[0].from_socket if normal.is_linked else None
        key = (place.groups, None if before is None else (before.node.name, before.identifier))
        if key not in made:
            bump = made[key] = tree.nodes.new("ShaderNodeBump")
            bump.name = bump.label = RELIEF_NODE
            bump.location = (normal.node.location[0] - 200.0, normal.node.location[1] - 500.0)
            bump.inputs["Strength"].default_value = strength
            bump.inputs["Distance"].default_value = HEIGHT * side
            tree.links.new(height, bump.inputs["Height"])
            if before is not None:
                tree.links.new(before, bump.inputs["Normal"])
        tree.links.new(made[key].outputs["Normal"], normal)
    return True


def _remove(material: bpy.types.Material, bumps: list[tuple[bpy.types.NodeTree, bpy.types.Node]]) -> None:
    for tree, bump in bumps:
        below = bump.inputs["Normal"]
        before = below.links[0].from_socket if below.is_linked else None
        normals = [link.to_socket for link in bump.outputs["Normal"].links]
        tree.nodes.remove(bump)
        for normal in normals if before is not None else ():
            tree.links.new(before, normal)
    brightness = material.node_tree.nodes.get(BRIGHTNESS_NODE)
    if brightness is not None:
        material.node_tree.nodes.remove(brightness)
    _close(material.node_tree)


def _close(tree: bpy.types.NodeTree) -> None:
    """Take the groups' inputs for brightness away."""
    for inner in [node.node_tree for node in tree.nodes if node.type == "GROUP" and node.node_tree is not None]:
        if (item := find_input(inner, BRIGHTNESS_NODE)) is not None:
            _close(inner)
            inner.interface.remove(item)


def _bumps(tree: bpy.types.NodeTree) -> Iterator[tuple[bpy.types.NodeTree, bpy.types.Node]]:
    """Our Bump nodes, and the trees that they are in."""
    for node in tree.nodes:
        if node.type == "BUMP" and node.name.startswith(RELIEF_NODE):
            yield tree, node
        elif node.type == "GROUP" and node.node_tree is not None and find_input(node.node_tree, BRIGHTNESS_NODE):
            yield from _bumps(node.node_tree)
