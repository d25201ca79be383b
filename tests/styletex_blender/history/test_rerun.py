# SPDX-License-Identifier: GPL-3.0-or-later
"""A result is made again from exactly what it was made from, or it is said what is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

QUICK_STYLIZE = Path(__file__).resolve().parents[2] / "core" / "commands" / "quick_stylize.py"
SMALL_WORKER = [sys.executable, "-u", str(QUICK_STYLIZE), "12", "0", "none", "worker"]
"""The real worker, with a few small steps."""


@pytest.fixture
def cube(bpy, scene):
    """The scene with nothing but the cube selected, and a colour to start from."""
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.data.materials["Old"].use_nodes = True
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    return cube


@pytest.fixture
def api(styletex):
    return styletex.module("api")


@pytest.fixture
def folders(styletex, monkeypatch):
    """The digests that the job folders got, of all that decides their textures."""
    found = []
    job_folder = styletex.module("folders.job_folder")
    digest = job_folder._digest
    monkeypatch.setattr(job_folder, "_digest", lambda *of: found.append(digest(*of)) or found[-1])
    return found


def images(bpy, api):
    return api.history(bpy.data.objects["Cube"])


def test_it_is_the_same_job_whatever_the_panel_says(bpy, cube, api, folders):
    bpy.context.scene.styletex.seed = 3
    bpy.ops.styletex.stylize()
    settings = bpy.context.scene.styletex
    settings.seed, settings.preset, settings.content, settings.style_image = 9, "draft", "a wave", None
    assert bpy.ops.styletex.history_rerun() == {"FINISHED"}
    assert folders[0] == folders[1]
    assert len(images(bpy, api)) == 2
    first, second = (image.packed_file.data for image in images(bpy, api))
    assert first == second
    assert [api.settings_of(image).seed for image in images(bpy, api)] == [3, 3]


@pytest.mark.slow
def test_real_worker_makes_it_again_byte_for_byte(bpy, cube, api, monkeypatch):
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps(SMALL_WORKER))
    bpy.context.scene.styletex.variations = 2
    bpy.ops.styletex.stylize()
    other, first = (image.packed_file.data for image in images(bpy, api))
    assert other != first
    bpy.context.scene.styletex.seed = 20
    api.rerun(cube, images(bpy, api)[1])
    assert images(bpy, api)[0].packed_file.data == first
    assert images(bpy, api)[0]["styletex_thumbnail"] == images(bpy, api)[2]["styletex_thumbnail"]


def test_it_is_the_same_job_after_saving_loading_and_renaming(bpy, cube, api, folders, tmp_path):
    bpy.context.scene.styletex.prompt_from_name = True
    bpy.ops.styletex.stylize()
    bpy.context.scene.styletex.style_image = None
    path = str(tmp_path / "again.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    bpy.data.objects["Cube"].name = "Box"
    # The style's own name is for messages.
    assert bpy.ops.styletex.history_rerun() == {"FINISHED"}
    assert folders[0] == folders[1]


def test_restyle_starts_again_from_the_result_that_it_started_from(bpy, cube, api, folders):
    bpy.ops.styletex.stylize()
    (first,) = images(bpy, api)
    settings = bpy.context.scene.styletex
    settings.start_from_present, settings.seed = True, 4
    bpy.ops.styletex.stylize()
    restyled = images(bpy, api)[0]
    first.name = "Renamed"
    run = api.rerun(cube, restyled)
    assert run.outcomes[0].textured and folders[1] == folders[2] != folders[0]
    bpy.data.images.remove(first)
    # The one made again looks like the first one, and has got its name.
    bpy.data.images.remove(images(bpy, api)[0])
    bpy.data.materials.remove(cube.material_slots[0].material)
    with pytest.raises(api.JobError, match=r"It started from the image 'StyleTex · Cube', which is not in the file"):
        api.rerun(cube, restyled)


def test_plain_colour_that_is_gone_is_said(bpy, cube, api, folders):
    bpy.context.scene.styletex.start_from_present = True
    bpy.ops.styletex.stylize()
    (image,) = images(bpy, api)
    with pytest.raises(api.JobError, match="It started from a color that the object does not have any more"):
        api.rerun(cube, image)
    cube.material_slots[0].material = bpy.data.materials["Old"]
    cube.material_slots[0].link = "DATA"
    assert api.rerun(cube, image).outcomes[0].textured
    assert folders[0] == folders[-1]


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize("space", ["sRGB", "Non-Color"])
def test_start_that_was_the_artists_own_image_is_found_and_named(bpy, cube, api, folders, part, space):
    """It stays with the old material, and is looked for by its name when the object has the result on."""
    tree = bpy.data.materials["Old"].node_tree
    image = bpy.data.images.new("Mine", 8, 8)
    image.colorspace_settings.name = space
    image.pixels[0:4] = (1.0, 0.5, 0.25, 1.0)
    image.pack()
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    cube.vertex_groups.new(name="Top").add([1, 3, 5, 7], 1.0, "REPLACE")
    settings = bpy.context.scene.styletex
    settings.start_from_present, settings.region_group = not part, "Top"
    settings.region = "group" if part else "all"
    bpy.ops.styletex.stylize()
    assert api.rerun(cube, images(bpy, api)[0]).outcomes[0].textured
    assert folders[0] == folders[1]
    image.pixels[0:4] = (0.0, 0.0, 0.0, 1.0)
    with pytest.raises(api.JobError, match="It started from the image 'Mine', which is not in the file as it was"):
        api.rerun(cube, images(bpy, api)[0])


def test_style_image_that_is_gone_or_another_is_named(bpy, cube, api, styletex):
    bpy.ops.styletex.stylize()
    (image,) = images(bpy, api)
    style = bpy.data.images["stripes.png"]
    style.pixels[0] = 0.5
    style.update()
    with pytest.raises(api.JobError, match=r"The style image 'stripes.png' is not what it was any more"):
        api.rerun(cube, image)
    bpy.data.images.remove(style)
    with pytest.raises(api.JobError, match=r"The style image 'stripes.png' is not in the file any more"):
        api.rerun(cube, image)
    assert list(styletex.module("worker.environment").jobs_folder().iterdir()) == []


def test_other_shape_is_said_and_so_is_an_early_end(bpy, cube, api, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.end(run)
    with pytest.raises(api.JobError, match="It was stopped before its end"):
        api.rerun(cube, images(bpy, api)[0])
    styletex._fake_worker()
    bpy.ops.styletex.stylize()
    cube.data.vertices[0].co.x += 1.0
    with pytest.raises(api.JobError, match="The object's shape or its UV map is not what it was"):
        api.rerun(cube, images(bpy, api)[0])


def test_it_joins_a_queue_once(bpy, cube, api, styletex):
    bpy.ops.styletex.stylize()
    (image,) = images(bpy, api)
    run = styletex.begin([bpy.data.objects["Suzanne"]])
    assert api.rerun(cube, image) is run and len(run.tasks) == 2
    with pytest.raises(api.JobError, match="in the queue already"):
        api.rerun(cube, image)
    styletex.end(run)
    assert len(images(bpy, api)) == 2


def test_object_that_is_given_a_uv_map_is_made_again_by_it(bpy, cube, api, folders):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    bpy.ops.styletex.stylize()
    api.rerun(cube, images(bpy, api)[0])
    assert folders[0] == folders[1]


def test_scripts_apply_and_forget(bpy, cube, api, styletex):
    bpy.context.scene.styletex.variations = 2
    bpy.ops.styletex.stylize()
    second, first = images(bpy, api)
    api.apply(cube, second)
    assert styletex.module("history.shown").applied_image(cube) == second
    name = first.name
    api.forget(cube, first)
    assert name not in bpy.data.images and images(bpy, api) == [second]
    with pytest.raises(api.JobError, match="is not in the history of 'Cube'"):
        api.apply(cube, bpy.data.images["stripes.png"])
