# SPDX-License-Identifier: GPL-3.0-or-later
"""What colours a material's surface: from its output back through mixed shaders, reroutes and node groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy

from ...names import name_of

Groups = tuple[bpy.types.Node, ...]
"""The group nodes that one has gone into, the outermost first."""

_COLORS = {
    "BSDF_PRINCIPLED": "Base Color",
    "BSDF_METALLIC": "Base Color",
    "EEVEE_SPECULAR": "Base Color",
    "BSDF_DIFFUSE": "Color",
    "BSDF_TOON": "Color",
    "SUBSURFACE_SCATTERING": "Color",
}
"""The shaders that have a body colour, and their input for it. Gloss, glass and transparency have none."""
_MIXING = frozenset({"MIX_SHADER", "ADD_SHADER"})
_TARGETS = ("ALL", "EEVEE", "CYCLES")


@dataclass(frozen=True)
class Place:
    """An input of a node somewhere in a material, by names, which stay the same when a group is made single-user."""

    groups: tuple[str, ...]
    """Names of the group nodes around it, the outermost first."""
    node: str
    """Name of its node."""
    identifier: str
    """That of the input among the node's."""

    def tree(self, material: bpy.types.Material) -> bpy.types.NodeTree:
        """The node tree that it is in."""
        tree = material.node_tree
        for name in self.groups:
            tree = tree.nodes[name].node_tree
        return tree

    def socket(self, material: bpy.types.Material) -> bpy.types.NodeSocket:
        """The input itself."""
        return next(
            found for found in self.tree(material).nodes[self.node].inputs if found.identifier == self.identifier
        )

    def source(self, material: bpy.types.Material) -> tuple[bpy.types.NodeSocket | None, Groups]:
        """The output that feeds it, see ``source_of``."""
        tree, groups = material.node_tree, []
        for name in self.groups:
            groups.append(tree.nodes[name])
            tree = groups[-1].node_tree
        return source_of(self.socket(material), tuple(groups))


def color_inputs(material: bpy.types.Material) -> list[Place]:
    """The inputs that an image has to be linked to for it to be the surface's colour; none where there is no such.

    All shaders with a body colour that are mixed: with one of them alone, the others' old colours would show through
    what was painted for the whole. Without any, an emission's colour, unless it is light that was computed before
    (Shader to RGB), since an image there would end what the artist made of it.
    """
    shaders = list(_shaders(material))
    colored = [(node.inputs[_COLORS[node.type]], groups) for node, groups in shaders if node.type in _COLORS]
    if not colored and not any(node.type == "SHADERTORGB" for node in _all_nodes(material.node_tree)):
        colored = [(node.inputs["Color"], groups) for node, groups in shaders if node.type == "EMISSION"]
    return _places(colored)


def normal_inputs(material: bpy.types.Material) -> list[Place]:
    """The inputs for the normal of those shaders that have a body colour."""
    shaders = [(node, groups) for node, groups in _shaders(material) if node.type in _COLORS]
    return _places([(node.inputs["Normal"], groups) for node, groups in shaders if "Normal" in node.inputs])


def source_of(socket: bpy.types.NodeSocket, groups: Groups = ()) -> tuple[bpy.types.NodeSocket | None, Groups]:
    """The output that feeds an input, beyond reroutes and the borders of groups, and the groups it is in."""
    while (link := _link(socket)) is not None:
        node, output = link.from_node, link.from_socket
        if node.type == "REROUTE":
            socket = node.inputs[0]
            continue
        if node.type == "GROUP_INPUT" and groups:
            inner, around = groups[-1].inputs, groups[:-1]
        elif node.type == "GROUP" and (end := _group_output(node)) is not None:
            inner, around = end.inputs, (*groups, node)
        else:
            return output, groups
        if (found := _alike(inner, output)) is None:
            break
        socket, groups = found, around
    return None, groups


def images_without_uv_node(material: bpy.types.Material) -> list[str]:
    """Names of the images that lie on whatever UV map the mesh has for rendering."""
    return [
        name_of(node.image)
        for node in _all_nodes(material.node_tree)
        if node.type == "TEX_IMAGE" and node.image is not None and not node.inputs["Vector"].is_linked
    ]


def _shaders(material: bpy.types.Material) -> Iterator[tuple[bpy.types.Node, Groups]]:
    """The shaders that reach the surface of any output that counts, for whichever renderer."""
    tree = material.node_tree
    found = [tree.get_output_node(target) for target in _TARGETS] if tree is not None else []
    ends = [end for end in dict.fromkeys(found) if end is not None]
    waiting: list[tuple[bpy.types.NodeSocket, Groups]] = [(end.inputs["Surface"], ()) for end in ends]
    seen: set[tuple[str, ...]] = set()
    while waiting:
        output, groups = source_of(*waiting.pop(0))
        if output is None:
            continue
        node = output.node
        name = (*(group.name for group in groups), node.name)
        if name in seen:
            continue
        seen.add(name)
        if node.type in _MIXING:
            waiting += [(found, groups) for found in node.inputs if found.type == "SHADER"]
        else:
            yield node, groups


def _places(inputs: Sequence[tuple[bpy.types.NodeSocket, Groups]]) -> list[Place]:
    places = []
    for socket, groups in inputs:
        outer, around = _outward(socket, groups)
        places.append(Place(tuple(group.name for group in around), outer.node.name, outer.identifier))
    return list(dict.fromkeys(places))


def _outward(socket: bpy.types.NodeSocket, groups: Groups) -> tuple[bpy.types.NodeSocket, Groups]:
    """The input that decides what an input in a group gets: where the group takes it in, that of the group node."""
    while groups:
        link = _link(socket)
        while link is not None and link.from_node.type == "REROUTE":
            link = _link(link.from_node.inputs[0])
        if link is None or link.from_node.type != "GROUP_INPUT":
            break
        outer = _alike(groups[-1].inputs, link.from_socket)
        if outer is None:
            break
        socket, groups = outer, groups[:-1]
    return socket, groups


def _link(socket: bpy.types.NodeSocket) -> bpy.types.NodeLink | None:
    """The link of an input that counts: links that close a circle do not."""
    return next((link for link in socket.links if link.is_valid and not link.is_muted), None)


def _alike(sockets: Sequence[bpy.types.NodeSocket], socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    return next((found for found in sockets if found.identifier == socket.identifier), None)


def _group_output(group: bpy.types.Node) -> bpy.types.Node | None:
    nodes = group.node_tree.nodes if group.node_tree is not None else ()
    return next((node for node in nodes if node.type == "GROUP_OUTPUT" and node.is_active_output), None)


def _all_nodes(tree: bpy.types.NodeTree | None) -> Iterator[bpy.types.Node]:
    for node in tree.nodes if tree is not None else ():
        yield node
        if node.type == "GROUP":
            yield from _all_nodes(node.node_tree)
