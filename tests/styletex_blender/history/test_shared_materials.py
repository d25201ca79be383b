# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with the results of one object leaves other objects alone that have its material."""

from __future__ import annotations

import pytest


def on(target):
    """The images that an object shows, slot by slot."""
    return [slot.material.node_tree.nodes["StyleTex Texture"].image for slot in target.material_slots]


@pytest.fixture(params=["copy", "linked copy"])
def pair(request, bpy, cube, variations):
    """The cube with three results, and a duplicate; the duplicate is active and selected alone."""
    variations()
    bpy.ops.object.duplicate(linked=request.param == "linked copy")
    copy = bpy.context.view_layer.objects.active
    assert copy != cube and copy.material_slots[0].material == cube.material_slots[0].material
    return cube, copy


def test_looking_comparing_and_applying_on_a_copy_change_the_copy_alone(bpy, pair, history, shown):
    cube, copy = pair
    third, second, first = history.images_of(cube)
    bpy.ops.styletex.history_show(number=0)
    assert (on(copy), on(cube)) == ([third], [first])
    assert (shown.applied_image(copy), shown.applied_image(cube)) == (first, first)
    bpy.ops.styletex.history_compare()
    assert (on(copy), on(cube)) == ([first], [first])
    bpy.ops.styletex.history_show(number=1)
    bpy.ops.styletex.history_apply()
    assert (on(copy), on(cube)) == ([second], [first])
    assert (shown.applied_image(copy), shown.applied_image(cube)) == (second, first)


def test_copy_made_while_a_result_is_looked_at_goes_its_own_way(bpy, cube, variations, history, shown):
    variations()
    third, _, first = history.images_of(cube)
    bpy.ops.styletex.history_show(number=0)
    bpy.ops.object.duplicate()
    copy = bpy.context.view_layer.objects.active
    bpy.ops.styletex.history_compare()
    assert (on(copy), shown.applied_image(copy)) == ([first], first)
    assert (on(cube), shown.applied_image(cube)) == ([third], first)


def test_texture_that_lands_on_a_copy_leaves_what_is_looked_at_on_the_original(bpy, cube, variations, history, shown):
    variations()
    third, _, first = history.images_of(cube)
    bpy.ops.styletex.history_show(number=0)
    bpy.ops.object.duplicate()
    copy = bpy.context.view_layer.objects.active
    variations(count=1, seed=9)
    assert shown.applied_image(copy) == on(copy)[0] == history.images_of(copy)[0]
    assert (on(cube), shown.applied_image(cube)) == ([third], first)


def test_material_that_nobody_else_has_stays_the_same_one(bpy, cube, variations):
    variations()
    material = cube.material_slots[0].material
    bpy.ops.styletex.history_show(number=0)
    bpy.ops.styletex.history_apply()
    assert cube.material_slots[0].material == material


def test_group_of_nodes_that_the_copy_had_in_common_is_its_own(bpy, cube, variations, history):
    """A texture that is led into a node group is led into the copy's own one."""
    old = bpy.data.materials["Old"]
    old.use_nodes = True
    group = bpy.data.node_groups.new("Surface", "ShaderNodeTree")
    group.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    shader, end = group.nodes.new("ShaderNodeBsdfPrincipled"), group.nodes.new("NodeGroupOutput")
    group.links.new(shader.outputs["BSDF"], end.inputs[0])
    old.node_tree.nodes.remove(next(node for node in old.node_tree.nodes if node.type == "BSDF_PRINCIPLED"))
    node = old.node_tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    output = next(found for found in old.node_tree.nodes if found.type == "OUTPUT_MATERIAL")
    old.node_tree.links.new(node.outputs[0], output.inputs["Surface"])
    variations()
    bpy.ops.object.duplicate()
    copy = bpy.context.view_layer.objects.active
    bpy.ops.styletex.history_show(number=0)
    trees = [
        next(found for found in target.material_slots[0].material.node_tree.nodes if found.type == "GROUP").node_tree
        for target in (cube, copy)
    ]
    assert trees[0] != trees[1]


def test_joined_objects_keep_both_textures_and_are_textured_anew_as_one(bpy, cube, variations, history, shown):
    monkey = bpy.data.objects["Suzanne"]
    variations(count=2)
    cube.select_set(False)
    monkey.select_set(True)
    bpy.context.view_layer.objects.active = monkey
    variations(count=2, seed=20)
    of_cube, of_monkey = on(cube)[0], on(monkey)[0]
    cube.select_set(True)
    bpy.context.view_layer.objects.active = cube
    bpy.ops.styletex.history_show(number=0)
    bpy.ops.object.join()
    assert of_monkey in on(cube) and len(cube.material_slots) == 2
    with pytest.raises(RuntimeError, match="its faces were changed"):
        bpy.ops.styletex.history_show(number=0)
    bpy.ops.styletex.history_compare()
    assert sorted(image.name for image in on(cube)) == sorted(image.name for image in (of_cube, of_monkey))
    variations(count=1, seed=30)
    assert len(set(on(cube))) == 1 and shown.applied_image(cube) == history.images_of(cube)[0]
    assert of_cube in history.images_of(cube) and of_monkey in history.images_of(cube)
    assert bpy.ops.styletex.history_clean_up() == {"FINISHED"}
    assert history.images_of(cube) == [shown.applied_image(cube)]
