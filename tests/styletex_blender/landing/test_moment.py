# SPDX-License-Identifier: GPL-3.0-or-later
"""Preview and texture wait for what they would disturb: Edit Mode on a mesh without UVs, operators, renders, bakes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

STYLED = "StyleTex · Cube"


@pytest.fixture
def cube(bpy, scene):
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    return bpy.data.objects["Cube"]


@pytest.fixture
def bare(bpy, cube):
    """The cube without UVs."""
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    return cube


def uv_maps(target):
    return [layer.name for layer in target.data.uv_layers]


def shown(target):
    return [slot.material.name if slot.material else None for slot in target.material_slots]


def test_preview_and_texture_of_a_mesh_without_uvs_wait_for_object_mode(bpy, bare, styletex):
    run = styletex.begin([bare, bpy.data.objects["Suzanne"]])
    styletex.until(lambda: run.frames_shown >= 1)
    assert uv_maps(bare) == ["StyleTex"] and shown(bare) == ["StyleTex Preview"]
    bpy.ops.object.mode_set(mode="EDIT")
    styletex.until(lambda: shown(bare) == ["Old"])
    assert uv_maps(bare) == []
    frames = run.frames_shown
    styletex.until(lambda: run.frames_shown > frames + 1)
    assert shown(bare) == ["Old"] and run.warnings == []
    styletex.module("worker.runner").finish()
    styletex.until(lambda: run.index == 1 and run.frame is not None)
    assert run.waits_for == "you to leave Edit Mode", "and the next object is worked on meanwhile"
    assert run.outcomes == []
    bpy.ops.object.mode_set(mode="OBJECT")
    styletex.until(lambda: run.outcomes)
    assert run.outcomes[0].textured and shown(bare) == [STYLED] and uv_maps(bare) == ["StyleTex"]
    uvs = styletex.module("scene.uv").read_uvs(bare.data, "StyleTex")
    np.testing.assert_array_equal(uvs, run.tasks[0].new_uvs)
    styletex.end(run)


def test_preview_is_off_while_the_artist_paints_so_that_strokes_go_onto_their_own_image(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert shown(cube) == ["StyleTex Preview"]
    bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
    styletex.until(lambda: shown(cube) == ["Old"])
    frames = run.frames_shown
    styletex.until(lambda: run.frames_shown > frames + 1)
    assert shown(cube) == ["Old"] and run.warnings == []
    bpy.ops.object.mode_set(mode="OBJECT")
    styletex.until(lambda: shown(cube) == ["StyleTex Preview"])
    styletex.end(run)
    assert run.outcomes[0].textured


def test_preview_comes_back_in_object_mode(bpy, bare, styletex):
    bpy.ops.object.mode_set(mode="EDIT")
    run = styletex.begin([bare])
    styletex.until(lambda: run.frames_shown >= 1)
    assert shown(bare) == ["Old"]
    bpy.ops.object.mode_set(mode="OBJECT")
    styletex.until(lambda: shown(bare) == ["StyleTex Preview"])
    styletex.end(run)
    assert run.outcomes[0].textured


def test_cancel_in_edit_mode_leaves_no_uv_map(bpy, bare, styletex):
    run = styletex.begin([bare])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.object.mode_set(mode="EDIT")
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    bpy.ops.object.mode_set(mode="OBJECT")
    assert uv_maps(bare) == [] and shown(bare) == ["Old"]
    assert styletex.module("scene.export").export_object(bare, bpy.context).uv_map == "StyleTex"


def test_uv_map_whose_filling_fails_is_taken_away(bpy, bare, styletex, monkeypatch):
    uv = styletex.module("scene.uv")
    uvs = np.zeros((len(bare.data.loops), 2), dtype=np.float32)

    def fail(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(uv, "np", SimpleNamespace(ascontiguousarray=fail, float32=np.float32))
    with pytest.raises(MemoryError):
        uv.add_uv_map(bare.data, "StyleTex", uvs)
    assert uv_maps(bare) == []


def test_uv_map_of_the_artist_with_our_name_is_not_taken_for_ours(bpy, bare, styletex):
    run = styletex.begin([bare])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("scene.preview").hide_previews()
    theirs = bare.data.uv_layers.new(name="StyleTex")
    theirs.uv.foreach_set("vector", np.full(len(bare.data.loops) * 2, 0.5, dtype=np.float32))
    styletex.end(run)
    assert run.outcomes[0].textured
    assert uv_maps(bare) == ["StyleTex", "StyleTex.001"]
    assert bare.material_slots[0].material.node_tree.nodes["StyleTex UV Map"].uv_map == "StyleTex.001"


@pytest.fixture
def going_on(bpy, styletex, monkeypatch):
    """Says that something is going on, as the window would: in the background there is none."""
    moment = styletex.module("landing.moment")
    operators, jobs = [], set()
    area = SimpleNamespace(type="VIEW_3D")
    window = SimpleNamespace(modal_operators=operators, screen=SimpleNamespace(areas=[area]))
    app = SimpleNamespace(is_job_running=lambda job: job in jobs)
    context = SimpleNamespace(window_manager=SimpleNamespace(windows=[window]))
    monkeypatch.setattr(moment, "bpy", SimpleNamespace(app=app, context=context, types=bpy.types))
    return SimpleNamespace(operators=operators, jobs=jobs, area=area)


def operator(name, *options, idname=""):
    return SimpleNamespace(name=name, bl_options=set(options), bl_idname=idname)


@pytest.mark.parametrize(
    "running", [operator("Move", "REGISTER", "UNDO"), operator("Sculpt", "BLOCKING"), operator("Knife", "UNDO_GROUPED")]
)
def test_texture_waits_for_the_end_of_an_operator(bpy, cube, styletex, going_on, running):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    going_on.operators.append(running)
    styletex.module("worker.runner").finish()
    styletex.until(lambda: run.waits_for)
    assert run.waits_for == f"{running.name} to end" and run.outcomes == []
    going_on.operators.clear()
    styletex.until(lambda: run.finished)
    assert shown(cube) == [STYLED]


def test_operator_that_watches_for_ever_keeps_nothing_waiting(bpy, cube, styletex, going_on):
    going_on.operators.append(operator("Screencast Keys", "REGISTER"))
    run = styletex.begin([cube])
    styletex.end(run)
    assert run.outcomes[0].textured


def test_cancel_while_the_texture_waits_keeps_it(bpy, cube, styletex, going_on):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    going_on.operators.append(operator("Move", "UNDO"))
    styletex.module("worker.runner").finish()
    styletex.until(lambda: run.waits_for)
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert run.outcomes[0].cancelled and (run.outcomes[0].kept / "base_color.png").is_file()
    assert shown(cube) == ["Old"]


@pytest.mark.parametrize("job", ["RENDER", "OBJECT_BAKE"])
def test_render_in_the_background_sees_no_preview_and_gets_no_undo_step(bpy, cube, styletex, going_on, job):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    going_on.jobs.add(job)
    styletex.until(lambda: shown(cube) == ["Old"])
    frames = run.frames_shown
    styletex.until(lambda: run.frames_shown > frames + 1)
    assert shown(cube) == ["Old"]
    styletex.module("worker.runner").finish()
    styletex.until(lambda: run.waits_for)
    going_on.jobs.clear()
    styletex.until(lambda: run.finished)
    assert shown(cube) == [STYLED]


def choose_a_file(going_on):
    going_on.area.type = "FILE_BROWSER"
    going_on.area.spaces = SimpleNamespace(active=SimpleNamespace(active_operator=operator("Export glTF")))


def film_the_view(going_on):
    going_on.operators.append(operator("Viewport Render", idname="RENDER_OT_opengl"))


@pytest.mark.parametrize("begin", [choose_a_file, film_the_view])
def test_preview_is_off_while_something_is_about_to_be_exported(bpy, cube, styletex, going_on, begin):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    begin(going_on)
    styletex.until(lambda: shown(cube) == ["Old"])
    going_on.area.type = "VIEW_3D"
    going_on.operators.clear()
    styletex.until(lambda: shown(cube) == ["StyleTex Preview"])
    styletex.end(run)


def test_render_shows_what_the_artist_left_and_the_preview_comes_back(bpy, cube, styletex, tmp_path):
    from PIL import Image

    old = bpy.data.materials["Old"]
    old.use_nodes = True
    bpy.data.objects["Suzanne"].hide_render = True
    principled = old.node_tree.nodes["Principled BSDF"]
    principled.inputs["Base Color"].default_value = (0.0, 0.0, 0.0, 1.0)
    principled.inputs["Emission Color"].default_value = (0.0, 1.0, 0.0, 1.0)
    principled.inputs["Emission Strength"].default_value = 1.0
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location.z = 4.0
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.view_settings.view_transform = "Raw"
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.render.filepath = str(tmp_path / "render.png")
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.render.render(write_still=True)
    with Image.open(tmp_path / "render.png") as picture:
        assert picture.convert("RGB").getpixel((8, 8)) == (0, 255, 0)
    assert shown(cube) == ["StyleTex Preview"]
    styletex.end(run)


def test_preview_is_no_unsaved_work(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 2)
    assert not [image.name for image in bpy.data.images if image.is_dirty]
    styletex.end(run)
    assert not [image.name for image in bpy.data.images if image.is_dirty]


def test_object_without_slots_has_none_again_after_a_cancel(bpy, cube, styletex):
    cube.data.materials.clear()
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert len(cube.material_slots) == 0


def test_preview_that_is_appended_from_an_autosave_is_taken_off(bpy, cube, styletex, tmp_path):
    if not hasattr(bpy.app.handlers, "blend_import_post"):
        pytest.skip("Blender says so from 4.3 on")
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    path = str(tmp_path / "autosave.blend")
    bpy.data.libraries.write(path, {cube}, fake_user=True)
    styletex.end(run)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.wm.append(directory=f"{path}/Object/", filename="Cube")
    assert shown(bpy.data.objects["Cube"]) == ["Old"]
    assert not [found.name for found in (*bpy.data.materials, *bpy.data.images) if "Preview" in found.name]


def test_preview_in_an_autosaved_file_is_taken_off_when_that_is_opened(bpy, cube, styletex, tmp_path):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    path = str(tmp_path / "autosave.blend")
    # Blender's autosave runs no handlers.
    before = {name: list(getattr(bpy.app.handlers, name)) for name in ("save_pre", "save_post")}
    try:
        for name in before:
            getattr(bpy.app.handlers, name).clear()
        bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    finally:
        for name, found in before.items():
            getattr(bpy.app.handlers, name).extend(found)
    with bpy.data.libraries.load(path) as (saved, _):
        assert "StyleTex Preview" in saved.materials
    bpy.ops.wm.open_mainfile(filepath=path)
    assert [(slot.link, slot.material.name) for slot in bpy.data.objects["Cube"].material_slots] == [("DATA", "Old")]
    assert not [found.name for found in (*bpy.data.materials, *bpy.data.images) if "Preview" in found.name]


def test_in_the_background_a_mesh_that_is_being_edited_keeps_nobody_waiting(bpy, bare, styletex):
    bpy.ops.object.mode_set(mode="EDIT")
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    run = styletex.module("api").stylize([bare], settings)
    (outcome,) = run.outcomes
    assert "being edited" in outcome.error.message and (outcome.kept / "base_color.png").is_file()
