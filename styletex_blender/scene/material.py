# SPDX-License-Identifier: GPL-3.0-or-later
"""The material that shows a texture: UV Map → Image Texture → Principled BSDF base colour."""

from __future__ import annotations

import bpy

from ..names import name_of

TEXTURE_NODE = "StyleTex Texture"
"""Name of the Image Texture node, by which a material is known as ours."""
UV_NODE = "StyleTex UV Map"
"""Name of the UV Map node."""


def texture_name(object_name: str) -> str:
    """Name of the material and of the image of an object."""
    return f"StyleTex · {object_name}"


def new_material(name: str, image: bpy.types.Image, uv_map: str, extent: int = 1) -> bpy.types.Material:
    """A material that shows ``image`` by the UV map called ``uv_map``; the image is of the UVs from 0 to ``extent``."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        # From 5.0 every material has nodes, and asking for them is deprecated.
        material.use_nodes = True
    tree = material.node_tree
    principled = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.name = texture.label = TEXTURE_NODE
    texture.image = image
    left, top = principled.location
    texture.location = (left - 320.0, top)
    uv_node = tree.nodes.new("ShaderNodeUVMap")
    uv_node.name = UV_NODE
    uv_node.uv_map = uv_map
    uv_node.location = (left - 540.0, top - 140.0)
    uv = uv_node.outputs["UV"]
    if extent > 1:
        mapping = tree.nodes.new("ShaderNodeMapping")
        mapping.inputs["Scale"].default_value = (1.0 / extent, 1.0 / extent, 1.0)
        tree.links.new(uv, mapping.inputs["Vector"])
        uv = mapping.outputs["Vector"]
    tree.links.new(uv, texture.inputs["Vector"])
    tree.links.new(texture.outputs["Color"], principled.inputs["Base Color"])
    # The active node is what Solid mode shows and what texture painting paints on.
    tree.nodes.active = texture
    return material


def apply_texture(target: bpy.types.Object, image: bpy.types.Image, uv_map: str) -> bpy.types.Material:
    """Show ``image`` on the whole object.

    Every slot gets the material, and the faces keep their slots, so that nothing is lost when the old materials come
    back. Materials that are replaced stay in the file with a fake user. A mesh that other objects share keeps its own
    materials: the new one is linked to the object. The object's own earlier StyleTex material is used again, with
    whatever the artist changed in it.
    """
    material = _own_material(target)
    if material is None:
        material = new_material(texture_name(name_of(target)), image, uv_map)
    else:
        set_texture(material, image, uv_map)
    if not target.material_slots:
        target.data.materials.append(None)
    shared = target.data.users > 1
    for slot in target.material_slots:
        if slot.material not in (None, material) and not slot.material.library:
            slot.material.use_fake_user = True
        if shared:
            slot.link = "OBJECT"
        slot.material = material
    return material


def texture_node(material: bpy.types.Material | None) -> bpy.types.Node | None:
    """The Image Texture node of a material of ours that may be changed; ``None`` for any other."""
    if material is None or material.library or not material.node_tree:
        return None
    node = material.node_tree.nodes.get(TEXTURE_NODE)
    return node if node is not None and node.type == "TEX_IMAGE" else None


def _own_material(target: bpy.types.Object) -> bpy.types.Material | None:
    """The material that an earlier run gave to this object, if it is still its only one and nobody else's."""
    materials = {slot.material for slot in target.material_slots}
    if len(materials) != 1:
        return None
    material = materials.pop()
    if texture_node(material) is None:
        return None
    return material if material.users == len(target.material_slots) else None


def set_texture(material: bpy.types.Material, image: bpy.types.Image, uv_map: str) -> None:
    """Have a material of ours show ``image`` by the UV map called ``uv_map``; an empty name leaves the map as it is."""
    nodes = material.node_tree.nodes
    nodes[TEXTURE_NODE].image = image
    if uv_map and UV_NODE in nodes:
        nodes[UV_NODE].uv_map = uv_map
