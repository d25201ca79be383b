# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep Materials after New Material: what the new one took the place of comes back, as copies with the image."""

from __future__ import annotations

import pytest

from tests.styletex_blender.scene.materials.node_trees import TEXTURE, materials, node_of, stylize


@pytest.fixture
def two_slots(bpy, cube, give):
    """Wood and Metal in two slots, told apart by their roughness."""
    for name, roughness in (("Wood", 0.77), ("Metal", 0.11)):
        _, tree = give(name)
        node_of(tree, "BSDF_PRINCIPLED").inputs["Roughness"].default_value = roughness
    cube.data.polygons.foreach_set("material_index", [0, 1, 0, 1, 0, 1])
    return cube


def choose(bpy, material):
    bpy.context.scene.styletex.material = material
    bpy.context.scene.styletex.seed += 1
    stylize(bpy)


def roughness(target):
    return [
        pytest.approx(node_of(slot.material.node_tree, "BSDF_PRINCIPLED").inputs["Roughness"].default_value)
        for slot in target.material_slots
    ]


def images(target):
    return {slot.material.node_tree.nodes[TEXTURE].image for slot in target.material_slots}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("saved", [False, True])
def test_materials_come_back_with_the_image(bpy, two_slots, tmp_path, times, saved):
    for _ in range(times):
        choose(bpy, "new")
    assert materials(two_slots) == 2 * ["StyleTex · Cube"]
    if saved:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    cube = bpy.data.objects["Cube"]
    choose(bpy, "keep")
    assert materials(cube) == ["StyleTex · Cube · Wood", "StyleTex · Cube · Metal"]
    assert roughness(cube) == [0.77, 0.11] and len(images(cube)) == 1
    assert TEXTURE not in bpy.data.materials["Wood"].node_tree.nodes


def test_what_the_artist_changed_in_the_copies_comes_back_too(bpy, two_slots):
    choose(bpy, "keep")
    node_of(two_slots.material_slots[1].material.node_tree, "BSDF_PRINCIPLED").inputs["Roughness"].default_value = 0.4
    choose(bpy, "new")
    choose(bpy, "keep")
    assert roughness(two_slots) == [0.77, 0.4] and len(images(two_slots)) == 1


def test_result_of_the_history_brings_its_kind_of_material(bpy, two_slots):
    choose(bpy, "keep")
    choose(bpy, "new")
    bpy.ops.styletex.history_show(number=1)
    bpy.ops.styletex.history_apply()
    assert roughness(two_slots) == [0.77, 0.11]
    bpy.ops.styletex.history_show(number=0)
    bpy.ops.styletex.history_apply()
    assert len(set(materials(two_slots))) == 1


def test_slot_that_came_later_keeps_its_own_and_one_that_is_gone_misleads_nobody(bpy, two_slots, give):
    choose(bpy, "new")
    give("Glass")
    choose(bpy, "keep")
    assert "StyleTex · Cube · Glass" in materials(two_slots)
    assert len(images(two_slots)) == 1


def test_material_that_was_deleted_meanwhile_is_not_missed(bpy, two_slots):
    choose(bpy, "new")
    bpy.data.materials.remove(bpy.data.materials["Wood"])
    choose(bpy, "keep")
    assert roughness(two_slots)[1] == 0.11 and len(images(two_slots)) == 1
