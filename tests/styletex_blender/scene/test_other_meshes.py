# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no plain mesh: read, or refused with the true cause and the way out; and what is far away."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def export(bpy, styletex):
    module = styletex.module("scene.export")

    def run(target):
        bpy.context.view_layer.update()
        return module.export_object(target, bpy.context)

    return run


@pytest.fixture
def refusal(styletex, export):
    from styletex.core.job import JobError

    def run(target):
        with pytest.raises(JobError) as caught:
            export(target)
        return caught.value

    return run


def node_modifier(bpy, target, build):
    """A geometry-nodes modifier; ``build`` gets the tree and the sockets of its input and output geometry."""
    tree = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    given, made = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    build(tree, given.outputs[0], made.inputs[0])
    target.modifiers.new("Scatter", "NODES").node_group = tree


def instances_on_points(tree, given, made, keep):
    """Cubes on the vertices, with the mesh itself or without."""
    cube, scatter = tree.nodes.new("GeometryNodeMeshCube"), tree.nodes.new("GeometryNodeInstanceOnPoints")
    tree.links.new(given, scatter.inputs["Points"])
    tree.links.new(cube.outputs["Mesh"], scatter.inputs["Instance"])
    if not keep:
        tree.links.new(scatter.outputs[0], made)
        return
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    tree.links.new(given, join.inputs[0])
    tree.links.new(scatter.outputs[0], join.inputs[0])
    tree.links.new(join.outputs[0], made)


def empty_mesh(bpy, vertices=()):
    mesh = bpy.data.meshes.new("Bare")
    mesh.from_pydata(list(vertices), [], [])
    target = bpy.data.objects.new("Bare", mesh)
    bpy.context.scene.collection.objects.link(target)
    return target


@pytest.mark.parametrize("place", [(0, 0, 0), (500000.5, 120, -4649776.25)])
def test_an_object_far_from_the_origin_is_as_at_it(bpy, export, place):
    bpy.ops.mesh.primitive_uv_sphere_add(location=place)
    arrays = export(bpy.context.object).arrays
    np.testing.assert_allclose(np.linalg.norm(arrays.positions, axis=1), 1.0, atol=1e-5)
    assert len(np.unique(arrays.positions[:, 1].round(5))) > 50


def test_instances_beside_a_mesh_are_left_out_with_a_word(bpy, export):
    bpy.ops.mesh.primitive_plane_add()
    target = bpy.context.object
    node_modifier(bpy, target, lambda *sockets: instances_on_points(*sockets, keep=True))
    exported = export(target)
    assert exported.arrays.triangles.shape == (2, 3)
    (notice,) = exported.notices
    assert "Realize Instances" in notice


def test_instances_alone_are_refused_with_the_way_out(bpy, refusal):
    bpy.ops.mesh.primitive_plane_add()
    node_modifier(bpy, bpy.context.object, lambda *sockets: instances_on_points(*sockets, keep=False))
    error = refusal(bpy.context.object)
    assert "instances only" in error.message and "Realize Instances" in error.hint


def test_faces_that_nodes_make_of_nothing_need_a_uv_map_of_theirs(bpy, export, refusal):
    def cube(tree, given, made, stored):
        node = tree.nodes.new("GeometryNodeMeshCube")
        if not stored:
            tree.links.new(node.outputs["Mesh"], made)
            return
        store = tree.nodes.new("GeometryNodeStoreNamedAttribute")
        store.data_type, store.domain = "FLOAT2", "CORNER"
        store.inputs["Name"].default_value = "Made"
        tree.links.new(node.outputs["Mesh"], store.inputs["Geometry"])
        tree.links.new(node.outputs["UV Map"], store.inputs["Value"])
        tree.links.new(store.outputs[0], made)

    bare = empty_mesh(bpy)
    node_modifier(bpy, bare, lambda *sockets: cube(*sockets, stored=False))
    error = refusal(bare)
    assert "made by its modifiers ('Scatter')" in error.message and "store a UV map" in error.hint
    made = empty_mesh(bpy)
    node_modifier(bpy, made, lambda *sockets: cube(*sockets, stored=True))
    exported = export(made)
    assert exported.uv_map == "Made" and exported.new_uvs is None and len(exported.arrays.triangles) == 12


def test_a_skin_modifier_is_named_with_the_way_out(bpy, refusal):
    mesh = bpy.data.meshes.new("Stick")
    mesh.from_pydata([(0, 0, 0), (0, 0, 1)], [(0, 1)], [])
    target = bpy.data.objects.new("Stick", mesh)
    bpy.context.scene.collection.objects.link(target)
    bpy.context.view_layer.objects.active = target
    target.modifiers.new("Skin", "SKIN")
    error = refusal(target)
    assert "made by its modifiers ('Skin')" in error.message and "Convert" in error.hint


def test_a_modifier_that_removes_all_faces_is_named(bpy, refusal):
    bpy.ops.mesh.primitive_plane_add()
    target = bpy.context.object
    target.modifiers.new("Nothing left", "MASK").vertex_group = target.vertex_groups.new(name="None").name
    error = refusal(target)
    assert "after its modifiers ('Nothing left')" in error.message


def test_an_instance_of_a_collection_is_called_so(bpy, refusal):
    collection = bpy.data.collections.new("Rocks")
    target = bpy.data.objects.new("Rocks", None)
    target.instance_type, target.instance_collection = "COLLECTION", collection
    bpy.context.scene.collection.objects.link(target)
    error = refusal(target)
    assert "instance of the collection 'Rocks'" in error.message and "Make Instances Real" in error.hint
