# SPDX-License-Identifier: GPL-3.0-or-later
"""With UDIM the object gets one tiled image, packed or saved as the user chose."""

from __future__ import annotations

import numpy as np
import pytest

STYLED = "StyleTex · Cube"
SHADES = [(177, 132, 98), (226, 135, 67)]
"""The fake worker's first texel in each of two tiles."""


@pytest.fixture
def cube(bpy, scene, fake_worker):
    bpy.data.objects["Suzanne"].select_set(False)
    fake_worker("--tiles", "2")
    return bpy.data.objects["Cube"]


def image_of(cube):
    return cube.material_slots[0].material.node_tree.nodes["StyleTex Texture"].image


def first_pixel(path):
    from PIL import Image

    return Image.open(path).convert("RGB").getpixel((0, 0))


def test_packed_tiles_are_there_after_saving_and_loading(bpy, cube, tmp_path):
    bpy.ops.styletex.stylize()
    image = image_of(cube)
    assert (image.name, image.source) == (STYLED, "TILED")
    assert image.colorspace_settings.name == "sRGB"
    path = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    image = image_of(bpy.data.objects["Cube"])
    assert [tile.number for tile in image.tiles] == [1001, 1002]
    assert [packed.tile_number for packed in image.packed_files] == [1001, 1002]
    assert [packed.filepath for packed in image.packed_files] == [
        f"//textures/StyleTex _ Cube.{number}.png" for number in (1001, 1002)
    ]
    image.reload()
    image.filepath_raw = str(tmp_path / "written.<UDIM>.png")
    image.save()
    assert [first_pixel(tmp_path / f"written.{number}.png") for number in (1001, 1002)] == SHADES


def test_tiles_beside_the_file_overwrite_nothing(bpy, cube, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.scene.styletex.destination = "beside"
    (tmp_path / "textures").mkdir()
    (tmp_path / "textures" / "StyleTex _ Cube.1002.png").write_bytes(b"the artist's")
    bpy.ops.styletex.stylize()
    found = sorted(path.name for path in (tmp_path / "textures").iterdir())
    assert found == ["StyleTex _ Cube 2.1001.png", "StyleTex _ Cube 2.1002.png", "StyleTex _ Cube.1002.png"]
    assert (tmp_path / "textures" / "StyleTex _ Cube.1002.png").read_bytes() == b"the artist's"
    image = image_of(cube)
    assert image.source == "TILED" and not image.packed_files
    assert image.filepath == "//textures/StyleTex _ Cube 2.<UDIM>.png"
    image.reload()
    assert [(tile.number, tuple(tile.size)) for tile in image.tiles] == [(1001, (256, 256)), (1002, (256, 256))]
    files = [tmp_path / "textures" / f"StyleTex _ Cube 2.{number}.png" for number in (1001, 1002)]
    assert [first_pixel(path) for path in files] == SHADES


def test_one_image_after_a_tiled_one_and_back(bpy, cube, fake_worker, styletex):
    for tiles, source in (("2", "TILED"), ("0", "FILE"), ("3", "TILED")):
        styletex.module("worker.warm_worker").close()
        fake_worker("--tiles", tiles)
        bpy.ops.styletex.stylize()
        assert image_of(cube).source == source


def test_frames_show_all_tiles_and_the_preview_leaves_nothing(bpy, cube, styletex):
    before = styletex.inventory()
    run = styletex.begin([cube], "--tiles", "2")
    styletex.until(lambda: run.frames_shown >= 1)
    tree = cube.material_slots[0].material.node_tree
    mapping = next(node for node in tree.nodes if node.type == "MAPPING")
    np.testing.assert_allclose(mapping.inputs["Scale"].default_value, (0.5, 0.5, 1))
    assert mapping.inputs["Vector"].links[0].from_node.type == "UVMAP"
    assert mapping.outputs["Vector"].links[0].to_node.name == "StyleTex Texture"
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert styletex.inventory() == before


def test_the_choice_of_tiles_reaches_the_job(bpy, cube, styletex):
    from core.job import read_job

    bpy.context.scene.styletex.tiles = "one"
    run = styletex.begin([cube])
    assert read_job(run.tasks[0].folder.path).tiles == "one"
    styletex.end(run)
