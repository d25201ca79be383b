# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes that lay an image out: UV Map → Image Texture."""

from __future__ import annotations

import bpy

TEXTURE_NODE = "StyleTex Texture"
"""Name of the Image Texture node, by which a material is known as ours."""
UV_NODE = "StyleTex UV Map"
"""Name of the UV Map node."""


def texture_node(material: bpy.types.Material | None) -> bpy.types.Node | None:
    """The Image Texture node of a material of ours that may be changed; ``None`` for any other."""
    if material is None or material.library or not material.node_tree:
        return None
    node = material.node_tree.nodes.get(TEXTURE_NODE)
    return node if node is not None and node.type == "TEX_IMAGE" else None


def add_texture(
    material: bpy.types.Material, image: bpy.types.Image, uv_map: str, location: tuple[float, float], extent: int = 1
) -> bpy.types.Node:
    """Add the nodes, linked with each other and with nothing else; returns the Image Texture node.

    Args:
        material: with nodes.
        image: of the UVs from 0 to ``extent``.
        uv_map: name of the UV map.
        location: of the Image Texture node, in the node editor's units.
        extent: 1 unless an image without tiles stands for several of them.
    """
    tree = material.node_tree
    left, top = location
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.name = texture.label = TEXTURE_NODE
    texture.image = image
    texture.location = (left, top)
    uv_node = tree.nodes.new("ShaderNodeUVMap")
    uv_node.name = UV_NODE
    uv_node.uv_map = uv_map
    uv_node.location = (left - 220.0, top - 140.0)
    uv = uv_node.outputs["UV"]
    if extent > 1:
        mapping = tree.nodes.new("ShaderNodeMapping")
        mapping.inputs["Scale"].default_value = (1.0 / extent, 1.0 / extent, 1.0)
        tree.links.new(uv, mapping.inputs["Vector"])
        uv = mapping.outputs["Vector"]
    tree.links.new(uv, texture.inputs["Vector"])
    # The active node is what Solid mode shows and what texture painting paints on.
    tree.nodes.active = texture
    return texture


def set_texture(material: bpy.types.Material, image: bpy.types.Image | None, uv_map: str) -> None:
    """Have a material of ours show ``image`` by the UV map called ``uv_map``; an empty name leaves the map as it is."""
    nodes = material.node_tree.nodes
    nodes[TEXTURE_NODE].image = image
    if uv_map and UV_NODE in nodes:
        nodes[UV_NODE].uv_map = uv_map
