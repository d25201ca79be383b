# SPDX-License-Identifier: GPL-3.0-or-later
"""A material slot as the part, on an object whose slots have different colours: the others stay as they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from styletex.core.job import JobError
from tests.styletex_blender.scene.materials.node_trees import TEXTURE, image_node, node_of

QUICK_STYLIZE = Path(__file__).resolve().parents[2] / "core" / "commands" / "quick_stylize.py"
SMALL_WORKER = [sys.executable, "-u", str(QUICK_STYLIZE), "8", "0", "none", "worker"]
"""The real worker, with a few small steps."""


def picture(bpy, name, value, side=32):
    pixels = np.random.default_rng(value).integers(0, 256, (side, side, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    image = bpy.data.images.new(name, side, side)
    image.pixels.foreach_set((pixels.astype(np.float32) / 255.0).ravel())
    image.pack()
    return image


def pixels_of(image):
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(image.size[1], image.size[0], image.channels)


def fill(slot, image):
    tree = slot.material.node_tree
    tree.links.new(image_node(tree, image).outputs["Color"], node_of(tree, "BSDF_PRINCIPLED").inputs["Base Color"])


@pytest.fixture
def cube(bpy, scene):
    """A cube with Wood on four faces and Metal on two, each with a picture of its own on all of the UV map."""
    bpy.data.objects["Suzanne"].select_set(False)
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    cube.data.materials.clear()
    for number, name in enumerate(("Wood", "Metal")):
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        cube.data.materials.append(material)
        fill(cube.material_slots[number], picture(bpy, f"{name} Color", number))
    cube.data.polygons.foreach_set("material_index", [0, 1, 0, 1, 0, 0])
    settings = bpy.context.scene.styletex
    settings.region, settings.region_slot, settings.texture_size = "slot", 2, "256"
    bpy.ops.ed.undo_push(message="Slots")
    return cube


def on(slot):
    tree = slot.material.node_tree
    return node_of(tree, "BSDF_PRINCIPLED").inputs["Base Color"].links[0].from_node.image


def test_the_slot_alone_gets_the_texture_and_the_other_keeps_its_material(bpy, cube, styletex):
    wood = cube.material_slots[0].material
    before = pixels_of(bpy.data.images["Wood Color"])
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    (outcome,) = styletex.module("worker.runner").current_run().outcomes
    image = outcome.finished_image()
    assert cube.material_slots[0].material == wood and TEXTURE not in wood.node_tree.nodes
    assert on(cube.material_slots[1]) == image and on(cube.material_slots[0]).name == "Wood Color"
    np.testing.assert_array_equal(pixels_of(bpy.data.images["Wood Color"]), before)
    bpy.ops.ed.undo()
    assert [slot.material.name for slot in bpy.data.objects["Cube"].material_slots] == ["Wood", "Metal"]


def test_job_gets_the_slots_own_texture_and_no_texels_of_the_others(bpy, cube, styletex):
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    run = styletex.module("api").prepare([cube], settings)
    folder = run.tasks[0].folder.path
    with np.load(folder / "mesh.npz") as arrays, np.load(folder / "region.npz") as region:
        outside = ~region["corner_weights"].any(1)
        assert outside.sum() == 8 and len(np.unique(arrays["corner_uvs"][outside].reshape(-1, 2), axis=0)) == 1
        assert len(np.unique(arrays["corner_uvs"][~outside].reshape(-1, 2), axis=0)) > 4
    from PIL import Image

    with Image.open(folder / "present.png") as present:
        written = np.asarray(present.convert("RGB"))[::-1]
    np.testing.assert_array_equal(written, np.round(pixels_of(bpy.data.images["Metal Color"])[..., :3] * 255))
    run.tasks[0].folder.leave(keep_checkpoint=False)


@pytest.mark.parametrize("region", ["faces", "group"])
def test_other_parts_are_refused_where_the_colours_differ_and_the_slot_is_named_as_a_way_out(
    bpy, cube, styletex, region
):
    cube.vertex_groups.new(name="Some").add([0, 1, 2, 3], 1.0, "REPLACE")
    cube.data.polygons.foreach_set("select", [True] + 5 * [False])
    bpy.context.scene.styletex.region, bpy.context.scene.styletex.region_group = region, "Some"
    with pytest.raises(JobError) as refused:
        styletex.module("api").stylize([cube], styletex.module("settings").Settings.from_scene(bpy.context.scene))
    assert "2 materials (Metal, Wood)" in refused.value.message and "Material Slot" in refused.value.hint


def test_plain_colours_and_empty_slots_go(bpy, cube, styletex):
    tree = cube.material_slots[1].material.node_tree
    tree.nodes.remove(node_of(tree, "TEX_IMAGE"))
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    assert on(cube.material_slots[1]).name.startswith("StyleTex")
    cube.material_slots[1].material = None
    bpy.context.scene.styletex.seed = 4
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    assert cube.material_slots[1].material is not None and on(cube.material_slots[0]).name == "Wood Color"


@pytest.mark.parametrize("material", ["keep", "new"])
def test_material_that_both_slots_have_is_changed_in_the_one_alone(bpy, cube, material):
    """A third slot makes the colours differ; what was stylized in the second one shares its material with the third."""
    bpy.context.scene.styletex.material = material
    cube.data.materials.append(cube.material_slots[1].material)
    cube.data.polygons[5].material_index = 2
    bpy.ops.styletex.stylize()
    assert [on(slot).name for slot in cube.material_slots][::2] == ["Wood Color", "Metal Color"]
    cube.material_slots[2].material = cube.material_slots[1].material
    first = on(cube.material_slots[1])
    bpy.context.scene.styletex.seed = 3
    bpy.ops.styletex.stylize()
    assert on(cube.material_slots[2]) == first != on(cube.material_slots[1])


def test_history_looks_at_compares_and_applies_in_the_slot_alone(bpy, cube, styletex):
    history, shown = styletex.module("history.entries"), styletex.module("history.shown")
    for slot, seed in ((1, 1), (2, 2), (2, 3)):
        bpy.context.scene.styletex.region_slot, bpy.context.scene.styletex.seed = slot, seed
        bpy.ops.styletex.stylize()
    third, second, first = history.images_of(cube)
    assert [on(slot) for slot in cube.material_slots] == [first, third] == shown.applied_images(cube)
    assert history.chosen_image(cube) == third
    bpy.ops.styletex.history_show(number=1)
    assert [on(slot) for slot in cube.material_slots] == [first, second]
    assert shown.applied_images(cube) == [first, third]
    bpy.ops.styletex.history_compare()
    assert [on(slot) for slot in cube.material_slots] == [first, third]
    bpy.ops.styletex.history_compare()
    bpy.ops.styletex.history_apply()
    assert [on(slot) for slot in cube.material_slots] == [first, second] == shown.applied_images(cube)
    for number in (1, 2):
        bpy.ops.styletex.history_show(number=number)
        assert not bpy.ops.styletex.history_delete.poll(), "both are applied"
    bpy.ops.styletex.history_clean_up()
    assert history.images_of(cube) == [second, first]
    cube.data.materials.pop(index=1)
    with pytest.raises(RuntimeError, match="its material slots were changed"):
        bpy.ops.styletex.history_show(number=0)


def test_it_is_made_again_from_the_slots_own_texture(bpy, cube, styletex, monkeypatch):
    job_folder, digests = styletex.module("folders.job_folder"), []
    digest = job_folder._digest
    monkeypatch.setattr(job_folder, "_digest", lambda *of: digests.append(digest(*of)) or digests[-1])
    bpy.ops.styletex.stylize()
    assert bpy.ops.styletex.history_rerun() == {"FINISHED"}
    assert digests[0] == digests[1]


@pytest.mark.slow
def test_real_worker_makes_all_of_the_slot_although_the_other_ones_uvs_lie_over_it(bpy, cube, styletex, monkeypatch):
    corners = ((0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95))
    for face in cube.data.polygons:
        for corner, loop in zip(corners, face.loop_indices, strict=True):
            cube.data.uv_layers[0].uv[loop].vector = corner
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps(SMALL_WORKER))
    bpy.context.scene.styletex.region_border = 0.0
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    (outcome,) = styletex.module("worker.runner").current_run().outcomes
    assert outcome.error is None
    made, before = pixels_of(outcome.finished_image())[..., :3], pixels_of(bpy.data.images["Metal Color"])[..., :3]
    assert (made != before).any(-1)[4:-4, 4:-4].mean() > 0.9
