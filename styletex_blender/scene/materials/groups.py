# SPDX-License-Identifier: GPL-3.0-or-later
"""Node groups inside a material: led into by an input of their own, and never changed for other users of them."""

from __future__ import annotations

from collections.abc import Sequence

import bpy


def lead_in(material: bpy.types.Material, output: bpy.types.NodeSocket, groups: Sequence[str]) -> bpy.types.NodeSocket:
    """Lead an output of the material's own nodes into node groups.

    Each group gets an input that is called like the output's node, unless it has it already. A group that something
    else uses as well is copied first.

    Args:
        material: of the output.
        output: a colour.
        groups: names of the group nodes to go into, the outermost first; none gives ``output`` back.

    Returns:
        The output that has the same value in the innermost group.
    """
    name, tree = output.node.name, material.node_tree
    for group_name in groups:
        group = tree.nodes[group_name]
        make_single_user(group)
        inner = group.node_tree
        item = find_input(inner, name)
        if item is None:
            item = inner.interface.new_socket(name=name, in_out="INPUT", socket_type="NodeSocketColor")
        tree.links.new(output, next(found for found in group.inputs if found.identifier == item.identifier))
        start = next((node for node in inner.nodes if node.type == "GROUP_INPUT"), None)
        start = start or inner.nodes.new("NodeGroupInput")
        output = next(found for found in start.outputs if found.identifier == item.identifier)
        tree = inner
    return output


def find_input(tree: bpy.types.NodeTree, name: str) -> bpy.types.NodeTreeInterfaceSocket | None:
    """The input of a group that is called so."""
    for item in tree.interface.items_tree:
        if item.item_type == "SOCKET" and item.in_out == "INPUT" and item.name == name:
            return item
    return None


def make_single_user(group: bpy.types.Node) -> None:
    """See that nothing else uses the tree of a group node, and that it may be changed."""
    tree = group.node_tree
    if tree.users > 1 or tree.library or tree.override_library:
        group.node_tree = tree.copy()


def separate(tree: bpy.types.NodeTree | None, name: str) -> None:
    """Make those groups in a tree, and in each other, single-user that have an input called ``name``."""
    for node in tree.nodes if tree is not None else ():
        if node.type == "GROUP" and node.node_tree is not None and find_input(node.node_tree, name):
            make_single_user(node)
            separate(node.node_tree, name)
