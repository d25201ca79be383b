# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of materials ask of node trees."""

from __future__ import annotations

TEXTURE = "StyleTex Texture"


def node_of(tree, kind):
    return next(node for node in tree.nodes if node.type == kind)


def feeding(socket):
    """The node that is linked to a socket."""
    return socket.links[0].from_node if socket.is_linked else None


def image_node(tree, picture):
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = picture
    return node


def use_surface(tree, shader, output="BSDF"):
    tree.links.new(shader.outputs[output], node_of(tree, "OUTPUT_MATERIAL").inputs["Surface"])


def materials(target):
    return [slot.material.name if slot.material else None for slot in target.material_slots]


def stylize(bpy):
    """Stylize the cube; what the user was told."""
    bpy.ops.styletex.stylize()


def warnings(styletex):
    return list(styletex.module("worker.runner").current_run().warnings)


def in_a_group(bpy, tree, exposed=False):
    """Put the surface of a tree into a node group that has the shader's colour inside, or takes it in."""
    group = bpy.data.node_groups.new("Paint", "ShaderNodeTree")
    group.interface.new_socket(name="Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    end, shader = group.nodes.new("NodeGroupOutput"), group.nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = 0.77
    group.links.new(shader.outputs["BSDF"], end.inputs["Shader"])
    if exposed:
        for name, kind in (("Tint", "NodeSocketColor"), ("Bumps", "NodeSocketVector")):
            group.interface.new_socket(name=name, in_out="INPUT", socket_type=kind)
        start = group.nodes.new("NodeGroupInput")
        group.links.new(start.outputs["Tint"], shader.inputs["Base Color"])
        group.links.new(start.outputs["Bumps"], shader.inputs["Normal"])
    node = tree.nodes.new("ShaderNodeGroup")
    node.name, node.node_tree = "Group", group
    use_surface(tree, node, "Shader")
    return group
