# SPDX-License-Identifier: GPL-3.0-or-later
"""What modifiers make, instances, and what is no mesh: read, or refused with the true cause and the way out."""

from __future__ import annotations

import numpy as np
import pytest

from styletex.core.job import JobError


@pytest.fixture
def export(bpy, styletex):
    return lambda target: styletex.module("scene.export").export_object(target, bpy.context)


def refused(export, target, words):
    with pytest.raises(JobError, match=words) as raised:
        export(target)
    assert raised.value.code == "bad_mesh"
    return raised.value


def new_object(bpy, name="Thing", data=None):
    target = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(target)
    bpy.context.view_layer.update()
    return target


def node_tree(bpy):
    tree = bpy.data.node_groups.new("Nodes", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    return tree, tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")


def cube_with_uvs(tree, named):
    """Nodes that make a cube; with a UV map if ``named``."""
    cube = tree.nodes.new("GeometryNodeMeshCube")
    if not named:
        return cube.outputs["Mesh"]
    store = tree.nodes.new("GeometryNodeStoreNamedAttribute")
    store.data_type, store.domain = "FLOAT2", "CORNER"
    store.inputs["Name"].default_value = named
    tree.links.new(cube.outputs["Mesh"], store.inputs["Geometry"])
    tree.links.new(cube.outputs["UV Map"], next(s for s in store.inputs if s.name == "Value" and s.enabled))
    return store.outputs["Geometry"]


def instances_on(tree, points):
    """Nodes that put cubes on the points of ``points``."""
    cube = tree.nodes.new("GeometryNodeMeshCube")
    scatter = tree.nodes.new("GeometryNodeInstanceOnPoints")
    tree.links.new(points, scatter.inputs["Points"])
    tree.links.new(cube.outputs["Mesh"], scatter.inputs["Instance"])
    return scatter.outputs["Instances"]


def with_nodes(target, tree, geometry, out):
    tree.links.new(geometry, out.inputs[0])
    target.modifiers.new("GeometryNodes", "NODES").node_group = tree
    return target


@pytest.mark.parametrize("location", [(500000.5, 120.0, -4649776.0), (0.0, 0.0, 1e7)])
def test_far_from_the_origin_is_as_at_it(bpy, export, location):
    bpy.ops.mesh.primitive_uv_sphere_add(segments=24, ring_count=16)
    sphere = bpy.context.object
    near = export(sphere).arrays
    sphere.location = location
    bpy.context.view_layer.update()
    far = export(sphere).arrays
    np.testing.assert_allclose(far.positions, near.positions, atol=1e-6)
    np.testing.assert_array_equal(far.triangles, near.triangles)
    np.testing.assert_allclose(far.corner_normals, near.corner_normals, atol=1e-6)


def test_instances_beside_a_mesh_are_spoken_of(bpy, export):
    bpy.ops.mesh.primitive_plane_add()
    plane = bpy.context.object
    tree, given, out = node_tree(bpy)
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    tree.links.new(given.outputs[0], join.inputs[0])
    tree.links.new(instances_on(tree, given.outputs[0]), join.inputs[0])
    with_nodes(plane, tree, join.outputs[0], out)
    exported = export(plane)
    assert len(exported.arrays.triangles) == 2
    (notice,) = exported.notices
    assert "instances" in notice and "Realize Instances" in notice


def test_the_notice_reaches_the_run(bpy, styletex, scene, style_image):
    cube = bpy.data.objects["Cube"]
    tree, given, out = node_tree(bpy)
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    tree.links.new(given.outputs[0], join.inputs[0])
    tree.links.new(instances_on(tree, given.outputs[0]), join.inputs[0])
    with_nodes(cube, tree, join.outputs[0], out)
    run = styletex.begin([cube])
    assert any(warning.startswith("Cube: The instances") for warning in run.warnings)
    styletex.end(run)


def test_instances_of_other_objects_are_not_ones_own(bpy, export):
    test_instances_beside_a_mesh_are_spoken_of(bpy, export)
    bpy.ops.mesh.primitive_cube_add()
    assert export(bpy.context.object).notices == ()


def test_instances_alone_are_refused_with_the_way_out(bpy, export):
    bpy.ops.mesh.primitive_plane_add()
    tree, given, out = node_tree(bpy)
    with_nodes(bpy.context.object, tree, instances_on(tree, given.outputs[0]), out)
    assert "Realize Instances" in refused(export, bpy.context.object, "make instances only").hint


def test_realized_instances_are_read(bpy, export):
    bpy.ops.mesh.primitive_plane_add()
    tree, given, out = node_tree(bpy)
    realize = tree.nodes.new("GeometryNodeRealizeInstances")
    tree.links.new(instances_on(tree, given.outputs[0]), realize.inputs[0])
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    tree.links.new(given.outputs[0], join.inputs[0])
    tree.links.new(realize.outputs[0], join.inputs[0])
    exported = export(with_nodes(bpy.context.object, tree, join.outputs[0], out))
    assert len(exported.arrays.triangles) == 2 + 4 * 12
    assert exported.notices == ()


def test_an_empty_base_with_nodes_that_bring_uvs_is_read(bpy, export):
    target = new_object(bpy, data=bpy.data.meshes.new("Empty"))
    tree, _, out = node_tree(bpy)
    exported = export(with_nodes(target, tree, cube_with_uvs(tree, "Made"), out))
    assert (exported.uv_map, exported.new_uvs) == ("Made", None)
    assert len(exported.arrays.triangles) == 12
    assert np.ptp(exported.arrays.corner_uvs.reshape(-1, 2), axis=0).min() > 0.4


def test_an_empty_base_with_nodes_without_uvs_is_refused_with_the_way_out(bpy, export):
    target = new_object(bpy, data=bpy.data.meshes.new("Empty"))
    tree, _, out = node_tree(bpy)
    error = refused(export, with_nodes(target, tree, cube_with_uvs(tree, ""), out), "made by its modifiers")
    assert "'GeometryNodes'" in error.message and "Convert > Mesh" in error.hint


def test_a_skin_modifier_is_named_with_the_way_out(bpy, export):
    mesh = bpy.data.meshes.new("Bones")
    mesh.from_pydata([(0, 0, 0), (0, 0, 1), (0, 1, 1)], [(0, 1), (1, 2)], [])
    target = new_object(bpy, data=mesh)
    bpy.context.view_layer.objects.active = target
    bpy.ops.object.modifier_add(type="SKIN")
    error = refused(export, target, r"made by its modifiers \('Skin'\), which give them no UV map")
    assert "Convert > Mesh" in error.hint
    # And that way leads out.
    target.select_set(True)
    bpy.ops.object.convert(target="MESH")
    assert len(export(target).arrays.triangles) > 10


def test_a_lone_collection_instance(bpy, styletex, export, scene, style_image):
    collection = bpy.data.collections.new("Props")
    collection.objects.link(bpy.data.objects["Cube"])
    empty = new_object(bpy)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    error = refused(export, empty, "instance of the collection 'Props'")
    assert "Make Instances Real" in error.hint
    bpy.ops.object.select_all(action="DESELECT")
    empty.select_set(True)
    assert "Make Instances Real" in styletex.module("ui.availability").why_not(bpy.context)


@pytest.mark.parametrize(
    ("make", "words", "hint"),
    [
        (lambda bpy: bpy.ops.curve.primitive_bezier_circle_add(), "Its type is Curve, not a mesh", "Convert > Mesh"),
        (lambda bpy: bpy.ops.object.metaball_add(), "Its type is Metaball, not a mesh", "Convert > Mesh"),
        (lambda bpy: bpy.ops.object.camera_add(), "Its type is Camera, which has no surface", "Select a mesh object"),
        (lambda bpy: bpy.ops.object.empty_add(), "Its type is Empty, which has no surface", "Select a mesh object"),
    ],
)
def test_other_types_are_named(bpy, export, make, words, hint):
    make(bpy)
    assert hint in refused(export, bpy.context.object, words).hint


def test_modifiers_that_remove_all_faces_or_make_none_are_named(bpy, export):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.modifiers.new("Cut", "MASK").vertex_group = cube.vertex_groups.new(name="none").name
    assert "removes" in refused(export, cube, r"no faces after its modifiers \('Cut'\)").hint
    cube.data.clear_geometry()
    assert refused(export, cube, r"no faces, and its modifiers \('Cut'\) make none").hint == "Add faces to the mesh"
