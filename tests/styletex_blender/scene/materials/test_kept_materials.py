# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there is kept: the image goes into copies of the artist's materials, and all else in them stays."""

from __future__ import annotations

import numpy as np
import pytest

from styletex.core.job import JobError
from tests.styletex_blender.scene.materials.node_trees import (
    TEXTURE,
    feeding,
    image_node,
    in_a_group,
    materials,
    node_of,
    stylize,
    use_surface,
    warnings,
)


def test_normal_map_and_roughness_stay_and_two_slots_keep_their_materials(bpy, cube, give, picture):
    wood, tree = give("Wood")
    principled = node_of(tree, "BSDF_PRINCIPLED")
    principled.inputs["Roughness"].default_value = 0.77
    normal_map = tree.nodes.new("ShaderNodeNormalMap")
    normal_map.uv_map = "UVMap"
    uv = tree.nodes.new("ShaderNodeUVMap")
    uv.uv_map = "UVMap"
    node = image_node(tree, picture)
    tree.links.new(uv.outputs["UV"], node.inputs["Vector"])
    tree.links.new(node.outputs["Color"], normal_map.inputs["Color"])
    tree.links.new(normal_map.outputs["Normal"], principled.inputs["Normal"])
    metal, metal_tree = give("Metal")
    node_of(metal_tree, "BSDF_PRINCIPLED").inputs["Metallic"].default_value = 1.0
    cube.data.polygons.foreach_set("material_index", [0, 1, 0, 1, 0, 1])
    stylize(bpy)
    assert materials(cube) == ["StyleTex · Cube · Wood", "StyleTex · Cube · Metal"]
    first, second = (slot.material.node_tree for slot in cube.material_slots)
    shader = node_of(first, "BSDF_PRINCIPLED")
    assert shader.inputs["Roughness"].default_value == pytest.approx(0.77)
    kept = feeding(shader.inputs["Normal"])
    assert (kept.type, kept.uv_map, feeding(kept.inputs["Color"]).image) == ("NORMAL_MAP", "UVMap", picture)
    assert feeding(feeding(kept.inputs["Color"]).inputs["Vector"]).uv_map == "UVMap"
    assert node_of(second, "BSDF_PRINCIPLED").inputs["Metallic"].default_value == 1.0
    for used in (first, second):
        colour = feeding(node_of(used, "BSDF_PRINCIPLED").inputs["Base Color"])
        assert (colour.name, colour.image.name) == (TEXTURE, "StyleTex · Cube")
        assert feeding(colour.inputs["Vector"]).uv_map == "UVMap"
        assert used.nodes.active == colour
    assert wood.use_fake_user and metal.use_fake_user
    assert TEXTURE not in tree.nodes and TEXTURE not in metal_tree.nodes
    indices = np.empty(6, dtype=np.int32)
    cube.data.polygons.foreach_get("material_index", indices)
    assert indices.tolist() == [0, 1, 0, 1, 0, 1]


def test_material_of_several_slots_is_copied_once_and_empty_slots_get_a_new_one(bpy, cube, give):
    wood, _ = give()
    cube.data.materials.append(None)
    cube.data.materials.append(wood)
    cube.data.materials.append(None)
    before = len(bpy.data.materials)
    stylize(bpy)
    first, second, third, fourth = (slot.material for slot in cube.material_slots)
    assert first == third and second == fourth and first != second
    assert len(bpy.data.materials) == before + 2


def test_stylized_twice_there_are_no_further_copies_and_nodes_and_the_artists_changes_stay(bpy, cube, give):
    for name in ("Wood", "Metal"):
        give(name)
    stylize(bpy)
    kept = [slot.material for slot in cube.material_slots]
    tree = kept[0].node_tree
    hue = tree.nodes.new("ShaderNodeHueSaturation")
    tree.links.new(tree.nodes[TEXTURE].outputs["Color"], hue.inputs["Color"])
    tree.links.new(hue.outputs["Color"], node_of(tree, "BSDF_PRINCIPLED").inputs["Base Color"])
    count, nodes = len(bpy.data.materials), [len(material.node_tree.nodes) for material in kept]
    first = tree.nodes[TEXTURE].image
    tree.nodes.active = hue
    stylize(bpy)
    assert tree.nodes.active == tree.nodes[TEXTURE]
    assert [slot.material for slot in cube.material_slots] == kept
    assert len(bpy.data.materials) == count
    assert [len(material.node_tree.nodes) for material in kept] == nodes
    images = {material.node_tree.nodes[TEXTURE].image for material in kept}
    assert len(images) == 1 and first not in images and first.users
    assert feeding(node_of(tree, "BSDF_PRINCIPLED").inputs["Base Color"]) == hue


def test_texture_that_the_artist_unlinked_is_linked_again(bpy, cube, give):
    give()
    stylize(bpy)
    tree = cube.active_material.node_tree
    shader = node_of(tree, "BSDF_PRINCIPLED")
    tree.links.remove(shader.inputs["Base Color"].links[0])
    stylize(bpy)
    assert feeding(shader.inputs["Base Color"]) == tree.nodes[TEXTURE]


def test_copy_that_another_object_uses_too_is_left_alone(bpy, cube, give):
    give()
    stylize(bpy)
    kept = cube.active_material
    image = kept.node_tree.nodes[TEXTURE].image
    bpy.data.objects["Suzanne"].material_slots[0].material = kept
    stylize(bpy)
    assert cube.active_material != kept
    assert kept.node_tree.nodes[TEXTURE].image == image
    assert len([node for node in cube.active_material.node_tree.nodes if node.type == "TEX_IMAGE"]) == 1


def test_kept_first_and_new_then_gives_a_plain_new_material(bpy, cube, give):
    _, tree = give()
    node_of(tree, "BSDF_PRINCIPLED").inputs["Roughness"].default_value = 0.77
    stylize(bpy)
    kept = cube.active_material
    bpy.context.scene.styletex.material = "new"
    stylize(bpy)
    new = cube.active_material
    assert new != kept and kept.use_fake_user
    assert node_of(new.node_tree, "BSDF_PRINCIPLED").inputs["Roughness"].default_value != pytest.approx(0.77)
    stylize(bpy)
    assert cube.active_material == new


def test_alpha_of_a_leaf_stays_on_the_old_picture(bpy, cube, give, picture):
    _, tree = give("Leaf")
    shader, node = node_of(tree, "BSDF_PRINCIPLED"), image_node(tree, picture)
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(node.outputs["Alpha"], shader.inputs["Alpha"])
    stylize(bpy)
    kept = node_of(cube.active_material.node_tree, "BSDF_PRINCIPLED")
    assert feeding(kept.inputs["Alpha"]).image == picture
    assert feeding(kept.inputs["Base Color"]).name == TEXTURE


def test_what_coloured_before_is_replaced_with_all_that_was_mixed_into_it(bpy, cube, give, picture):
    _, tree = give()
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    tree.links.new(image_node(tree, picture).outputs["Color"], mix.inputs[6])
    tree.links.new(tree.nodes.new("ShaderNodeVertexColor").outputs["Color"], mix.inputs[7])
    tree.links.new(mix.outputs[2], node_of(tree, "BSDF_PRINCIPLED").inputs["Base Color"])
    stylize(bpy)
    kept = cube.active_material.node_tree
    assert feeding(node_of(kept, "BSDF_PRINCIPLED").inputs["Base Color"]).name == TEXTURE


def test_all_shaders_of_a_mix_get_the_image_beyond_reroutes_and_the_others_stay(bpy, cube, give):
    _, tree = give()
    shaders = [node_of(tree, "BSDF_PRINCIPLED"), tree.nodes.new("ShaderNodeBsdfDiffuse")]
    mix, outer = tree.nodes.new("ShaderNodeMixShader"), tree.nodes.new("ShaderNodeAddShader")
    for number, shader in enumerate(shaders, 1):
        tree.links.new(shader.outputs["BSDF"], mix.inputs[number])
    reroute = tree.nodes.new("NodeReroute")
    tree.links.new(mix.outputs[0], reroute.inputs[0])
    tree.links.new(reroute.outputs[0], outer.inputs[0])
    tree.links.new(tree.nodes.new("ShaderNodeEmission").outputs[0], outer.inputs[1])
    use_surface(tree, outer, "Shader")
    unused = tree.nodes.new("ShaderNodeBsdfPrincipled")
    unused.name = "Unused"
    stylize(bpy)
    kept = cube.active_material.node_tree
    assert feeding(kept.nodes["Principled BSDF"].inputs["Base Color"]).name == TEXTURE
    assert feeding(node_of(kept, "BSDF_DIFFUSE").inputs["Color"]).name == TEXTURE
    assert feeding(node_of(kept, "EMISSION").inputs["Color"]) is None
    assert feeding(kept.nodes["Unused"].inputs["Base Color"]) is None


def test_outputs_for_each_renderer_both_show_the_image(bpy, cube, give):
    _, tree = give()
    node_of(tree, "OUTPUT_MATERIAL").target = "CYCLES"
    output, diffuse = tree.nodes.new("ShaderNodeOutputMaterial"), tree.nodes.new("ShaderNodeBsdfDiffuse")
    output.target = "EEVEE"
    tree.links.new(diffuse.outputs[0], output.inputs["Surface"])
    stylize(bpy)
    kept = cube.active_material.node_tree
    assert feeding(node_of(kept, "BSDF_PRINCIPLED").inputs["Base Color"]).name == TEXTURE
    assert feeding(node_of(kept, "BSDF_DIFFUSE").inputs["Color"]).name == TEXTURE


def test_unlit_material_shows_the_image_by_its_emission(bpy, cube, give):
    _, tree = give()
    use_surface(tree, tree.nodes.new("ShaderNodeEmission"), "Emission")
    stylize(bpy)
    assert feeding(node_of(cube.active_material.node_tree, "EMISSION").inputs["Color"]).name == TEXTURE


def toon(tree):
    """Light on a surface, in steps: an image instead would end that."""
    ramp, emission = tree.nodes.new("ShaderNodeValToRGB"), tree.nodes.new("ShaderNodeEmission")
    light = tree.nodes.new("ShaderNodeShaderToRGB")
    tree.links.new(tree.nodes.new("ShaderNodeBsdfDiffuse").outputs[0], light.inputs[0])
    tree.links.new(light.outputs["Color"], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], emission.inputs["Color"])
    use_surface(tree, emission, "Emission")


def glass(tree):
    use_surface(tree, tree.nodes.new("ShaderNodeBsdfGlass"))


def no_surface(tree):
    tree.nodes.clear()


@pytest.mark.parametrize("make", [toon, glass, no_surface])
def test_slot_whose_material_takes_no_image_gets_a_new_one_and_that_is_said(bpy, cube, give, styletex, make):
    give("Wood")
    odd, tree = give("Odd")
    make(tree)
    stylize(bpy)
    assert materials(cube) == ["StyleTex · Cube · Wood", "StyleTex · Cube"]
    assert [text for text in warnings(styletex) if "The material 'Odd' in slot 2 " in text]
    assert odd.use_fake_user
    assert feeding(node_of(cube.material_slots[1].material.node_tree, "BSDF_PRINCIPLED").inputs["Base Color"])


def test_material_without_nodes_keeps_its_looks(bpy, cube):
    if bpy.app.version >= (5, 0):
        pytest.skip("every material has nodes")
    plain = bpy.data.materials.new("Plain")
    plain.diffuse_color, plain.roughness, plain.metallic = (0.2, 0.3, 0.4, 1.0), 0.25, 0.75
    cube.data.materials.append(plain)
    stylize(bpy)
    shader = node_of(cube.active_material.node_tree, "BSDF_PRINCIPLED")
    assert shader.inputs["Roughness"].default_value == pytest.approx(0.25)
    assert shader.inputs["Metallic"].default_value == pytest.approx(0.75)
    assert tuple(shader.inputs["Base Color"].default_value[:3]) == pytest.approx((0.2, 0.3, 0.4))
    assert feeding(shader.inputs["Base Color"]).name == TEXTURE
    assert not plain.use_nodes


def test_name_that_is_no_unicode_is_kept_as_far_as_it_can_be_read(bpy, cube, give, tmp_path):
    give("bois_Q")
    _, tree = give("verre_Q")
    glass(tree)
    path = tmp_path / "latin.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    data = path.read_bytes()
    for name in (b"MAbois_", b"MAverre_"):
        assert name + b"Q" in data
        data = data.replace(name + b"Q", name + b"\xe9")
    path.write_bytes(data)
    bpy.ops.wm.open_mainfile(filepath=str(path))
    stylize(bpy)
    names = materials(bpy.data.objects["Cube"])
    assert names[0].startswith("StyleTex · Cube · bois_") and names[1] == "StyleTex · Cube"


def test_grease_pencil_material_in_a_slot_ends_nothing(bpy, cube):
    drawn = bpy.data.materials.new("Drawn")
    bpy.data.materials.create_gpencil_data(drawn)
    cube.data.materials.append(drawn)
    stylize(bpy)
    assert materials(cube) == ["StyleTex · Cube"] and drawn.use_fake_user
    assert cube.active_material.node_tree.nodes[TEXTURE].image.name == "StyleTex · Cube"


def test_active_uv_maps_are_left_so_that_other_textures_stay_where_they_are(bpy, cube, give, picture):
    """A texture without a UV node lies on the map for rendering, and a texture of ours names its own."""
    _, tree = give()
    node = image_node(tree, picture)
    tree.links.new(node.outputs["Color"], node_of(tree, "BSDF_PRINCIPLED").inputs["Roughness"])
    cube.data.uv_layers.new(name="Second")
    cube.data.uv_layers.active = cube.data.uv_layers["Second"]
    stylize(bpy)
    assert next(layer.name for layer in cube.data.uv_layers if layer.active_render) == "UVMap"
    kept = cube.active_material.node_tree
    assert feeding(kept.nodes[TEXTURE].inputs["Vector"]).uv_map == "Second"
    assert feeding(feeding(node_of(kept, "BSDF_PRINCIPLED").inputs["Roughness"]).inputs["Vector"]) is None


def test_images_that_had_no_uv_map_are_named(bpy, cube, give, picture, styletex):
    _, tree = give()
    tree.links.new(image_node(tree, picture).outputs["Color"], node_of(tree, "BSDF_PRINCIPLED").inputs["Roughness"])
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    stylize(bpy)
    assert [text for text in warnings(styletex) if "'picture'" in text and "UV map" in text]


def test_objects_of_one_mesh_share_the_copies_and_other_users_of_the_mesh_keep_theirs(bpy, cube, give, styletex):
    for name in ("Wood", "Metal"):
        give(name)
    twin, other = (bpy.data.objects.new(name, cube.data) for name in ("Twin", "Other"))
    for found in (twin, other):
        bpy.context.scene.collection.objects.link(found)
    twin.select_set(True)
    for _ in range(2):
        stylize(bpy)
        assert materials(cube) == materials(twin) == ["StyleTex · Cube · Wood", "StyleTex · Cube · Metal"]
        assert materials(other) == ["Wood", "Metal"]
        assert len([found for found in bpy.data.materials if found.name.startswith("StyleTex")]) == 2


def test_object_of_the_same_mesh_that_was_given_another_material_meanwhile_keeps_it(bpy, cube, give, styletex):
    give()
    twin = bpy.data.objects.new("Twin", cube.data)
    bpy.context.scene.collection.objects.link(twin)
    run = styletex.begin([cube, twin])
    styletex.until(lambda: run.frames_shown >= 1)
    red = bpy.data.materials.new("Red")
    twin.material_slots[0].link = "OBJECT"
    twin.material_slots[0].material = red
    styletex.end(run)
    assert materials(cube) + materials(twin) == ["StyleTex · Cube · Wood", "StyleTex · Cube · Red"]


def test_failure_leaves_materials_groups_and_images_as_they_were(bpy, cube, give, styletex, monkeypatch):
    _, tree = give()
    in_a_group(bpy, tree)
    give("Metal")
    stylize(bpy)
    give("Late")
    before = styletex.inventory()
    groups, shown = len(bpy.data.node_groups), materials(cube)
    image = cube.active_material.node_tree.nodes[TEXTURE].image
    material_module = styletex.module("scene.material")
    set_relief, calls = material_module.set_relief, []

    def fail_at_the_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise ReferenceError("injected")
        return set_relief(*arguments)

    monkeypatch.setattr(material_module, "set_relief", fail_at_the_second)
    bpy.context.scene.styletex.use_relief = True
    stylize(bpy)
    assert "injected" in styletex.module("worker.runner").current_run().outcomes[0].error.detail
    assert styletex.inventory() == before
    assert (len(bpy.data.node_groups), materials(cube)) == (groups, shown)
    kept = cube.material_slots[0].material.node_tree
    assert kept.nodes[TEXTURE].image == image
    assert "StyleTex Brightness" not in kept.nodes


def test_undo_brings_all_materials_back_and_redo_the_copies(bpy, cube, give):
    for name in ("Wood", "Metal"):
        give(name)
    bpy.ops.ed.undo_push(message="Materials")
    stylize(bpy)
    bpy.ops.ed.undo()
    assert materials(bpy.data.objects["Cube"]) == ["Wood", "Metal"]
    assert not [found for found in bpy.data.materials if found.name.startswith("StyleTex")]
    bpy.ops.ed.redo()
    assert materials(bpy.data.objects["Cube"]) == ["StyleTex · Cube · Wood", "StyleTex · Cube · Metal"]


def test_kept_texture_and_queued_job_of_an_older_styletex_keep_the_materials(styletex, tmp_path):
    (tmp_path / "landing.json").write_text(
        '{"object_name": "Cube", "blend_file": "", "destination": "packed", "state": {}}'
    )
    landing = styletex.module("folders.kept").read_landing(tmp_path)
    settings = styletex.module("settings").Settings(style_image="picture", prompt="a box", destination="packed")
    assert (landing.material, landing.relief) == (settings.material, settings.relief) == ("keep", 0.0)


def test_choice_is_checked_and_part_of_what_a_job_was_given(bpy, cube, give, styletex):
    settings_module = styletex.module("settings")
    for wrong in ({"material": "own"}, {"relief": 1.5}, {"relief": float("nan")}):
        with pytest.raises(JobError) as raised:
            settings_module.Settings("picture", "a box", **wrong)
        assert raised.value.code == "bad_setting"
    give()
    panel = bpy.context.scene.styletex
    panel.material, panel.use_relief, panel.relief = "new", True, 0.5
    run = styletex.begin([cube])
    panel.material, panel.use_relief = "keep", False
    landing = styletex.module("folders.kept").read_landing(run.tasks[0].folder.path)
    assert (landing.material, landing.relief) == ("new", 0.5)
    styletex.end(run)
    assert materials(cube) == ["StyleTex · Cube"]
    bump = feeding(node_of(cube.active_material.node_tree, "BSDF_PRINCIPLED").inputs["Normal"])
    assert bump.inputs["Strength"].default_value == pytest.approx(0.5)
