# SPDX-License-Identifier: GPL-3.0-or-later
"""A material stays as it is but for its colour: the image goes into a copy of it."""

from __future__ import annotations

import bpy

from ...names import name_of
from .groups import lead_in
from .nodes import add_texture, set_texture, texture_node
from .owning import separate_groups
from .relief import BRIGHTNESS_NODE
from .surface import color_inputs

_ORIGIN = "styletex_origin"
"""Custom property of a copy: name of the material that it was made from."""


def is_kept(material: bpy.types.Material) -> bool:
    """Whether a material is a copy of the artist's, and not one of our own making."""
    return _ORIGIN in material


def origin_of(material: bpy.types.Material) -> str:
    """Name of the artist's material that this one is, or is a copy of."""
    return material.get(_ORIGIN) or name_of(material)


def keep_material(
    material: bpy.types.Material, name: str, image: bpy.types.Image, uv_map: str
) -> bpy.types.Material | None:
    """A copy of a material, called ``name``, whose colour is the image; ``None`` where its surface takes none.

    All other nodes and links stay: the node that had the colour until now is still there for what else it feeds, such
    as the alpha of a leaf. A copy of linked and overridden materials is local.
    """
    # A copy of an override is one still, and its nodes would come anew from the library's file.
    copy = material.copy().make_local()
    try:
        copy.name = name
        if texture_node(copy) is None:
            copy[_ORIGIN] = name_of(material)
            _use_nodes(copy)
        separate_groups(copy)
        if put_image(copy, image, uv_map):
            return copy
    except BaseException:
        bpy.data.materials.remove(copy)
        raise
    bpy.data.materials.remove(copy)
    return None


def put_image(material: bpy.types.Material, image: bpy.types.Image, uv_map: str) -> bool:
    """Make an image the colour of a material that has nodes; whether its surface takes one.

    In a material of ours the image alone is another, and what the artist did with it there stays.
    """
    texture = texture_node(material)
    is_seen = texture is not None and any(
        link.to_node.name != BRIGHTNESS_NODE for link in texture.outputs["Color"].links
    )
    places = [] if is_seen else color_inputs(material)
    if not is_seen and not places:
        return False
    if texture is not None:
        set_texture(material, image, uv_map)
    else:
        nodes = material.node_tree.nodes
        # Above all that is there.
        top = max(node.location[1] for node in nodes) + 320.0
        texture = add_texture(material, image, uv_map, (min(node.location[0] for node in nodes), top))
    for place in places:
        color = lead_in(material, texture.outputs["Color"], place.groups)
        place.tree(material).links.new(color, place.socket(material))
    # In Solid mode too the texture is what is to be seen, whatever node was looked at last.
    material.node_tree.nodes.active = texture
    return True


def _use_nodes(material: bpy.types.Material) -> None:
    """Before Blender 5.0 a material may do without nodes: give it nodes that look like it."""
    if bpy.app.version >= (5, 0) or material.use_nodes:
        return
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    principled = tree.nodes.new("ShaderNodeBsdfPrincipled")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    output.location = (300.0, 0.0)
    tree.links.new(principled.outputs["BSDF"], output.inputs["Surface"])
    principled.inputs["Base Color"].default_value = material.diffuse_color
    principled.inputs["Roughness"].default_value = material.roughness
    principled.inputs["Metallic"].default_value = material.metallic
