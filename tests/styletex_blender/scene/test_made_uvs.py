# SPDX-License-Identifier: GPL-3.0-or-later
"""UV maps that modifiers make are read from what they make, where the mesh's own are not there or are not usable."""

from __future__ import annotations

import numpy as np
import pytest

NAME = "Made"


@pytest.fixture
def export(bpy, styletex):
    return lambda target: styletex.module("scene.export").export_object(target, bpy.context)


def storing_uvs(bpy, scale=(0.25, 0.25), removes="", type_="FLOAT2"):
    """Geometry nodes that store x and y of each vertex's position, scaled, as a UV map; they may remove another."""
    tree = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    given, out = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    store = tree.nodes.new("GeometryNodeStoreNamedAttribute")
    store.data_type, store.domain = type_, "CORNER"
    store.inputs["Name"].default_value = NAME
    scaled = tree.nodes.new("ShaderNodeVectorMath")
    scaled.operation = "MULTIPLY_ADD"
    scaled.inputs[1].default_value = (*scale, 0.0)
    scaled.inputs[2].default_value = (0.5, 0.5, 0.0)
    position = tree.nodes.new("GeometryNodeInputPosition")
    tree.links.new(position.outputs["Position"], scaled.inputs[0])
    value = next(socket for socket in store.inputs if socket.name == "Value" and socket.enabled)
    tree.links.new(scaled.outputs["Vector"], value)
    geometry = given.outputs[0]
    if removes:
        remove = tree.nodes.new("GeometryNodeRemoveAttribute")
        remove.inputs["Name"].default_value = removes
        tree.links.new(geometry, remove.inputs["Geometry"])
        geometry = remove.outputs["Geometry"]
    tree.links.new(geometry, store.inputs["Geometry"])
    tree.links.new(store.outputs["Geometry"], out.inputs[0])
    return tree


@pytest.fixture
def grid(bpy):
    """A square from -1 to 1 without a UV map."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=2, y_subdivisions=2)
    target = bpy.context.object
    target.data.uv_layers.remove(target.data.uv_layers[0])
    return target


def add_nodes(target, tree):
    target.modifiers.new("GeometryNodes", "NODES").node_group = tree


def corners(exported):
    return exported.arrays.positions[exported.arrays.triangles][..., :2]


def test_uvs_that_nodes_make_are_used_where_the_mesh_has_none(bpy, grid, export):
    add_nodes(grid, storing_uvs(bpy))
    exported = export(grid)
    assert exported.uv_map == NAME and exported.new_uvs is None and exported.notices == ()
    assert np.allclose(exported.arrays.corner_uvs, corners(exported) * 0.25 + 0.5, atol=1e-6)


def test_uvs_that_nodes_make_are_used_where_those_of_the_mesh_are_without_area(bpy, grid, export):
    layer = grid.data.uv_layers.new(name="Empty")
    layer.uv.foreach_set("vector", np.zeros(2 * len(grid.data.loops), np.float32))
    add_nodes(grid, storing_uvs(bpy))
    exported = export(grid)
    assert exported.uv_map == NAME
    assert np.allclose(exported.arrays.corner_uvs, corners(exported) * 0.25 + 0.5, atol=1e-6)
    assert any("'Made' is used, which its modifiers make" in notice for notice in exported.notices)


def test_uvs_that_nodes_make_in_place_of_those_they_remove_are_used(bpy, grid, export):
    grid.data.uv_layers.new(name="Old")
    add_nodes(grid, storing_uvs(bpy, removes="Old"))
    assert export(grid).uv_map == NAME


def test_usable_uvs_of_the_mesh_stay_the_ones(bpy, grid, export):
    grid.data.uv_layers.new(name="Old")
    add_nodes(grid, storing_uvs(bpy))
    exported = export(grid)
    assert exported.uv_map == "Old" and exported.notices == ()


def test_made_uvs_without_area_are_none(bpy, grid, export):
    add_nodes(grid, storing_uvs(bpy, scale=(0.0, 0.0)))
    exported = export(grid)
    assert exported.uv_map == "StyleTex" and exported.new_uvs is not None


def test_the_texture_lands_on_the_map_that_nodes_make(bpy, scene, grid, styletex):
    add_nodes(grid, storing_uvs(bpy))
    run = styletex.begin([grid])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.end(run)
    assert run.outcomes[0].textured, run.failures
    nodes = grid.material_slots[0].material.node_tree.nodes
    assert [node.uv_map for node in nodes if node.type == "UVMAP"] == [NAME]
    assert not grid.data.uv_layers
