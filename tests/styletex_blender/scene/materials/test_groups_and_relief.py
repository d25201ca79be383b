# SPDX-License-Identifier: GPL-3.0-or-later
"""The image is led into node groups and out of libraries, and relief comes and goes before what was there."""

from __future__ import annotations

import pytest

from tests.styletex_blender.scene.materials.node_trees import (
    TEXTURE,
    feeding,
    image_node,
    in_a_group,
    node_of,
    stylize,
    use_surface,
    warnings,
)


@pytest.fixture
def library(bpy, tmp_path, picture):
    """A file with the material "Linked", whose Principled BSDF is in a node group."""
    path = tmp_path / "library.blend"
    material = bpy.data.materials.new("Linked")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    in_a_group(bpy, material.node_tree)
    bpy.data.libraries.write(str(path), {material})
    group = material.node_tree.nodes["Group"].node_tree
    bpy.data.materials.remove(material)
    bpy.data.node_groups.remove(group)
    return path


@pytest.mark.parametrize("override", [False, True])
def test_library_material_is_copied_into_the_file(bpy, cube, library, override):
    with bpy.data.libraries.load(str(library), link=True) as (_, loaded):
        loaded.materials = ["Linked"]
    linked = bpy.data.materials["Linked", str(library)]
    if override:
        linked = linked.override_create(remap_local_usages=True)
    cube.data.materials.append(linked)
    stylize(bpy)
    kept = cube.active_material
    assert kept != linked and not kept.library and not kept.override_library
    group = kept.node_tree.nodes["Group"]
    assert feeding(group.inputs[TEXTURE]).name == TEXTURE
    assert not group.node_tree.library
    assert TEXTURE not in linked.node_tree.nodes


def test_group_that_others_use_is_copied_and_led_into(bpy, cube, give):
    _, tree = give()
    group = in_a_group(bpy, tree)
    other = bpy.data.materials.new("Other")
    if bpy.app.version < (5, 0):
        other.use_nodes = True
    other.node_tree.nodes.new("ShaderNodeGroup").node_tree = group
    inputs = len(group.interface.items_tree)
    for _ in range(2):
        stylize(bpy)
        node = cube.active_material.node_tree.nodes["Group"]
        assert node.node_tree != group and len(bpy.data.node_groups) == 2
        shader = node_of(node.node_tree, "BSDF_PRINCIPLED")
        assert feeding(shader.inputs["Base Color"]).type == "GROUP_INPUT"
        assert feeding(node.inputs[TEXTURE]) == cube.active_material.node_tree.nodes[TEXTURE]
        assert shader.inputs["Roughness"].default_value == pytest.approx(0.77)
        assert len(node.node_tree.interface.items_tree) == inputs + 1
    assert len(group.interface.items_tree) == inputs


def test_group_that_takes_its_colour_in_is_not_copied(bpy, cube, give):
    _, tree = give()
    group = in_a_group(bpy, tree, exposed=True)
    stylize(bpy)
    node = cube.active_material.node_tree.nodes["Group"]
    assert node.node_tree == group
    assert feeding(node.inputs["Tint"]).name == TEXTURE


def test_group_in_a_group_is_led_into(bpy, cube, give):
    _, tree = give()
    inner = in_a_group(bpy, tree)
    outer = bpy.data.node_groups.new("Outer", "ShaderNodeTree")
    outer.interface.new_socket(name="Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
    end, held = outer.nodes.new("NodeGroupOutput"), outer.nodes.new("ShaderNodeGroup")
    held.node_tree = inner
    outer.links.new(held.outputs["Shader"], end.inputs["Shader"])
    tree.nodes["Group"].node_tree = outer
    use_surface(tree, tree.nodes["Group"], "Shader")
    bpy.context.scene.styletex.use_relief = True
    stylize(bpy)
    node = cube.active_material.node_tree.nodes["Group"]
    deep = node_of(node.node_tree, "GROUP").node_tree
    assert deep not in (inner, outer) and node.node_tree != outer
    shader = node_of(deep, "BSDF_PRINCIPLED")
    assert feeding(shader.inputs["Base Color"]).type == "GROUP_INPUT"
    assert feeding(shader.inputs["Normal"]).name == "StyleTex Relief"
    assert len(bpy.data.node_groups) == 4


def test_relief_on_stronger_and_off_leaves_the_normal_map_as_it_was(bpy, cube, give, picture):
    _, tree = give()
    normal_map = tree.nodes.new("ShaderNodeNormalMap")
    tree.links.new(image_node(tree, picture).outputs["Color"], normal_map.inputs["Color"])
    tree.links.new(normal_map.outputs["Normal"], node_of(tree, "BSDF_PRINCIPLED").inputs["Normal"])
    settings = bpy.context.scene.styletex
    stylize(bpy)
    kept = cube.active_material.node_tree
    plain, normal = len(kept.nodes), node_of(kept, "BSDF_PRINCIPLED").inputs["Normal"]
    assert feeding(normal).type == "NORMAL_MAP"
    settings.use_relief = True
    for strength in (0.25, 0.5):
        settings.relief = strength
        stylize(bpy)
        bump = feeding(normal)
        assert (bump.type, bump.name) == ("BUMP", "StyleTex Relief")
        assert bump.inputs["Strength"].default_value == pytest.approx(strength)
        assert bump.inputs["Distance"].default_value == pytest.approx(0.04)
        assert feeding(bump.inputs["Normal"]).type == "NORMAL_MAP"
        assert feeding(feeding(bump.inputs["Height"]).inputs["Color"]) == kept.nodes[TEXTURE]
        assert len(kept.nodes) == plain + 2
    settings.use_relief = False
    stylize(bpy)
    assert feeding(normal).type == "NORMAL_MAP"
    assert len(kept.nodes) == plain


@pytest.mark.parametrize("exposed", [False, True])
def test_relief_in_a_group_goes_again_with_its_input(bpy, cube, give, exposed):
    _, tree = give()
    in_a_group(bpy, tree, exposed)
    settings = bpy.context.scene.styletex
    stylize(bpy)
    node = cube.active_material.node_tree.nodes["Group"]
    before = [item.name for item in node.node_tree.interface.items_tree]
    settings.use_relief = True
    stylize(bpy)
    if exposed:
        assert feeding(node.inputs["Bumps"]).name == "StyleTex Relief"
    else:
        bump = feeding(node_of(node.node_tree, "BSDF_PRINCIPLED").inputs["Normal"])
        assert bump.name == "StyleTex Relief" and feeding(bump.inputs["Height"]).type == "GROUP_INPUT"
    settings.use_relief = False
    stylize(bpy)
    assert [item.name for item in node.node_tree.interface.items_tree] == before
    assert not feeding(node_of(node.node_tree, "BSDF_PRINCIPLED").inputs["Normal"]) or exposed


def test_relief_on_a_new_material_and_none_on_pure_emission(bpy, cube, give, styletex):
    settings = bpy.context.scene.styletex
    settings.use_relief, settings.relief, settings.material = True, 0.4, "new"
    stylize(bpy)
    bump = feeding(node_of(cube.active_material.node_tree, "BSDF_PRINCIPLED").inputs["Normal"])
    assert bump.inputs["Strength"].default_value == pytest.approx(0.4)
    cube.data.materials.clear()
    _, tree = give()
    use_surface(tree, tree.nodes.new("ShaderNodeEmission"), "Emission")
    settings.material = "keep"
    stylize(bpy)
    assert [text for text in warnings(styletex) if "no relief can be seen on" in text]
