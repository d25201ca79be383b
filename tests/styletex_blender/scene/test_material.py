# SPDX-License-Identifier: GPL-3.0-or-later
"""The material that a run leaves, and what becomes of the one before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

STYLED = "StyleTex · Cube"


@pytest.fixture
def cube(bpy, scene):
    bpy.data.objects["Suzanne"].select_set(False)
    return bpy.data.objects["Cube"]


def test_material_leads_from_the_uv_map_to_the_base_colour(bpy, cube):
    bpy.ops.styletex.stylize()
    material = cube.material_slots[0].material
    assert material.name == STYLED
    nodes = material.node_tree.nodes
    principled = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    texture = principled.inputs["Base Color"].links[0].from_node
    assert texture.type == "TEX_IMAGE"
    assert texture.image.colorspace_settings.name == "sRGB"
    uv_node = texture.inputs["Vector"].links[0].from_node
    assert (uv_node.type, uv_node.uv_map) == ("UVMAP", "UVMap")


def test_packed_image_has_exactly_the_pixels_of_the_worker(bpy, cube, styletex, monkeypatch, tmp_path):
    image_module = styletex.module("landing.land")
    load = image_module.load_texture

    def keep_a_copy(path, *rest):
        (tmp_path / "worker.png").write_bytes(Path(path).read_bytes())
        return load(path, *rest)

    monkeypatch.setattr(image_module, "load_texture", keep_a_copy)
    bpy.ops.styletex.stylize()
    image = bpy.data.images[STYLED]
    assert tuple(image.size) == (256, 256)
    assert image.packed_file
    assert image.packed_file.data == (tmp_path / "worker.png").read_bytes()
    pixels = np.array(image.pixels, dtype=np.float32).reshape(256, 256, 4)[::-1, :, :3]
    with Image.open(tmp_path / "worker.png") as picture:
        np.testing.assert_array_equal(np.round(pixels * 255), np.asarray(picture.convert("RGB")))


def test_packed_texture_is_there_after_saving_and_loading(bpy, cube, tmp_path):
    bpy.ops.styletex.stylize()
    path = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    image = bpy.data.objects["Cube"].material_slots[0].material.node_tree.nodes["StyleTex Texture"].image
    assert tuple(image.size) == (256, 256)
    assert bpy.data.materials["Old"].use_fake_user


def test_texture_beside_the_file_overwrites_nothing(bpy, cube, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.scene.styletex.destination = "beside"
    bpy.ops.styletex.stylize()
    bpy.ops.styletex.stylize()
    found = sorted(path.name for path in (tmp_path / "textures").iterdir())
    assert found == ["StyleTex _ Cube 2.png", "StyleTex _ Cube.png"]
    image = cube.material_slots[0].material.node_tree.nodes["StyleTex Texture"].image
    assert image.filepath == "//textures/StyleTex _ Cube 2.png"
    assert not image.packed_file


def test_running_again_keeps_the_material_with_the_artists_changes_and_the_old_image(bpy, cube):
    bpy.ops.styletex.stylize()
    material = cube.material_slots[0].material
    first = material.node_tree.nodes["StyleTex Texture"].image
    principled = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    principled.inputs["Roughness"].default_value = 0.9
    bpy.ops.styletex.stylize()
    assert cube.material_slots[0].material == material
    assert material.node_tree.nodes["StyleTex Texture"].image != first
    assert not first.use_fake_user and cube.styletex_history.entries[0].image == first
    assert principled.inputs["Roughness"].default_value == pytest.approx(0.9)


def test_material_that_another_object_uses_is_not_changed(bpy, cube):
    bpy.ops.styletex.stylize()
    material = cube.material_slots[0].material
    image = material.node_tree.nodes["StyleTex Texture"].image
    monkey = bpy.data.objects["Suzanne"]
    monkey.material_slots[0].material = material
    bpy.ops.styletex.stylize()
    assert cube.material_slots[0].material != material
    assert material.node_tree.nodes["StyleTex Texture"].image == image


def test_new_material_is_in_all_slots_and_the_faces_keep_their_slots(bpy, cube):
    bpy.context.scene.styletex.material = "new"
    second = bpy.data.materials.new("Second")
    cube.data.materials.append(second)
    cube.data.polygons.foreach_set("material_index", [0, 1, 0, 1, 0, 1])
    bpy.ops.styletex.stylize()
    assert [slot.material.name for slot in cube.material_slots] == [STYLED, STYLED]
    kept = np.empty(6, dtype=np.int32)
    cube.data.polygons.foreach_get("material_index", kept)
    assert kept.tolist() == [0, 1, 0, 1, 0, 1]
    assert second.use_fake_user


def test_mesh_that_objects_share_keeps_its_material(bpy, cube):
    twin = bpy.data.objects.new("Twin", cube.data)
    bpy.context.scene.collection.objects.link(twin)
    bpy.ops.styletex.stylize()
    assert cube.data.materials[0].name == "Old"
    assert twin.material_slots[0].material.name == "Old"
    assert cube.material_slots[0].link == "OBJECT"
    assert cube.material_slots[0].material.name == STYLED


def test_object_without_slots_gets_one(bpy, cube):
    cube.data.materials.clear()
    bpy.ops.styletex.stylize()
    assert [slot.material.name for slot in cube.material_slots] == [STYLED]


def test_frames_update_one_image_in_place(bpy, cube, styletex):
    run = styletex.begin([cube])
    seen = set()
    for count in range(1, 4):
        styletex.until(lambda count=count: run.frames_shown >= count)
        image = bpy.data.images["StyleTex Preview"]
        seen.add(image.as_pointer())
        pixels = np.array(image.pixels, dtype=np.float32).reshape(*image.size, 4)[::-1, :, :3]
        with Image.open(run.frame) as picture:
            np.testing.assert_array_equal(np.round(pixels * 255), np.asarray(picture))
    assert len(seen) == 1
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert "StyleTex Preview" not in bpy.data.images


def test_preview_on_a_shared_mesh_shows_on_the_object_alone(bpy, cube, styletex):
    twin = bpy.data.objects.new("Twin", cube.data)
    bpy.context.scene.collection.objects.link(twin)
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert cube.material_slots[0].material.name == "StyleTex Preview"
    assert twin.material_slots[0].material.name == "Old"
    copy = cube.copy()
    bpy.context.scene.collection.objects.link(copy)
    styletex.end(run)
    assert [slot.material.name for slot in copy.material_slots] == ["Old"]


def test_an_image_of_the_artist_with_the_name_of_the_preview_stays(bpy, scene, styletex):
    theirs = bpy.data.images.new("StyleTex Preview", 8, 8)
    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 2)
    assert tuple(theirs.size) == (8, 8) and theirs.source == "GENERATED"
    styletex.end(run)
    assert [image.name for image in bpy.data.images if "Preview" in image.name] == ["StyleTex Preview"]


def test_preview_comes_back_when_the_artist_removed_its_image(bpy, scene, styletex):
    cube = bpy.data.objects["Cube"]
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.data.images.remove(bpy.data.images["StyleTex Preview"])
    frames = run.frames_shown
    styletex.until(lambda: run.frames_shown > frames + 1)
    (node,) = (node for node in cube.material_slots[0].material.node_tree.nodes if node.type == "TEX_IMAGE")
    assert node.image == bpy.data.images["StyleTex Preview"]
    styletex.end(run)
