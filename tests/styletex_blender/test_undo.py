# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo, redo, saving and loading, after a run and in the middle of one."""

from __future__ import annotations

import pytest

STYLED = "StyleTex · Cube"


@pytest.fixture
def cube(bpy, scene):
    """The scene with nothing but the cube selected."""
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.ops.ed.undo_push(message="Deselect")
    return bpy.data.objects["Cube"]


def shown(bpy, name="Cube"):
    return [slot.material.name for slot in bpy.data.objects[name].material_slots]


def previews(bpy):
    return [found.name for found in (*bpy.data.materials, *bpy.data.images) if "Preview" in found.name]


def test_one_undo_brings_the_old_material_back_and_redo_the_texture(bpy, cube, styletex):
    bpy.ops.styletex.stylize()
    assert shown(bpy) == [STYLED]
    pixels = list(bpy.data.images[STYLED].pixels)
    bpy.ops.ed.undo()
    assert shown(bpy) == ["Old"]
    assert STYLED not in bpy.data.materials
    bpy.ops.ed.redo()
    assert shown(bpy) == [STYLED]
    assert list(bpy.data.images[STYLED].pixels) == pixels
    assert previews(bpy) == []


def test_two_objects_are_two_undo_steps(bpy, scene):
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.styletex.stylize()
    bpy.ops.ed.undo()
    assert shown(bpy) + shown(bpy, "Suzanne") == [STYLED, "Old"]
    bpy.ops.ed.undo()
    assert shown(bpy) + shown(bpy, "Suzanne") == ["Old", "Old"]


def test_undo_in_the_middle_of_a_run_is_survived(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert shown(bpy) == ["StyleTex Preview"]
    bpy.ops.ed.undo()
    assert bpy.data.objects["Suzanne"].select_get()
    styletex.until(lambda: run.frames_shown >= 2)
    assert shown(bpy) == ["StyleTex Preview"]
    bpy.ops.ed.redo()
    styletex.end(run)
    assert [outcome.error for outcome in run.outcomes] == [None]
    assert shown(bpy) == [STYLED]
    bpy.ops.ed.undo()
    assert shown(bpy) == ["Old"]


def test_a_preview_that_got_into_the_history_is_taken_off(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.data.objects["Suzanne"].location.z = 1.0
    bpy.ops.ed.undo_push(message="Move 1")
    styletex.until(lambda: run.frames_shown >= 2)
    bpy.data.objects["Suzanne"].location.z = 2.0
    bpy.ops.ed.undo_push(message="Move 2")
    styletex.end(run)
    assert shown(bpy) == [STYLED]
    for height in (2.0, 1.0, 0.0):
        bpy.ops.ed.undo()
        assert bpy.data.objects["Suzanne"].location.z == height
        assert shown(bpy) == ["Old"]
        assert previews(bpy) == []
    for _ in range(3):
        bpy.ops.ed.redo()
    assert shown(bpy) == [STYLED]


def test_new_uv_map_goes_with_undo_and_comes_with_redo(bpy, cube, styletex):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    bpy.ops.ed.undo_push(message="No UVs")
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert [layer.name for layer in bpy.data.objects["Cube"].data.uv_layers] == ["StyleTex"]
    bpy.ops.ed.undo()
    bpy.ops.ed.redo()
    styletex.end(run)
    assert [layer.name for layer in bpy.data.objects["Cube"].data.uv_layers] == ["StyleTex"]
    bpy.ops.ed.undo()
    assert len(bpy.data.objects["Cube"].data.uv_layers) == 0
    bpy.ops.ed.redo()
    assert [layer.name for layer in bpy.data.objects["Cube"].data.uv_layers] == ["StyleTex"]


def test_saving_in_the_middle_of_a_run_saves_the_old_material(bpy, cube, styletex, tmp_path):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    path = str(tmp_path / "mid.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    assert shown(bpy) == ["StyleTex Preview"]
    styletex.end(run)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert shown(bpy) == ["Old"]
    assert previews(bpy) == []


def test_loading_a_file_in_the_middle_of_a_run_ends_it(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    folder = run.tasks[0].folder.path
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert run.finished
    assert not folder.exists()
    assert styletex.module("worker.runner").running() is None
    assert styletex.module("worker.warm_worker")._client is None


def test_cancel_leaves_everything_as_it_was(bpy, cube, styletex):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    cube.material_slots[0].link = "OBJECT"
    before = styletex.inventory()
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert run.outcomes[0].cancelled
    assert styletex.inventory() == before
    assert [(slot.link, slot.material) for slot in cube.material_slots] == [("OBJECT", None)]
    assert len(cube.data.uv_layers) == 0
    assert not run.tasks[0].folder.path.exists()


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT", "TEXTURE_PAINT"])
def test_a_job_that_ends_in_another_mode_keeps_the_mode_and_undoes(bpy, cube, styletex, mode):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode=mode)
    bpy.ops.ed.undo_push(message="Mode")
    styletex.end(run)
    assert [outcome.error for outcome in run.outcomes] == [None]
    assert shown(bpy) == [STYLED]
    assert bpy.context.mode.startswith(mode.split("_")[-1]) or bpy.context.mode in {"EDIT_MESH", "PAINT_TEXTURE"}
    bpy.ops.ed.undo()
    assert shown(bpy) == ["Old"]
