# SPDX-License-Identifier: GPL-3.0-or-later
"""One object's trouble is that object's: it is reported, the log says more, and the others are textured."""

from __future__ import annotations

import pytest

STYLED = "StyleTex · Cube"


@pytest.fixture
def cube(bpy, scene):
    return bpy.data.objects["Cube"]


def shown(target):
    return [slot.material.name for slot in target.material_slots]


def log(styletex):
    return styletex.module("worker.environment").log_path().read_text()


def outcomes(styletex):
    return {outcome.object_name: outcome for outcome in styletex.module("worker.runner").current_run().outcomes}


def test_mesh_without_uvs_with_an_attribute_of_our_name_is_textured(bpy, cube):
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    cube.data.attributes.new("StyleTex", "FLOAT", "POINT")
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    assert shown(cube) == [STYLED]
    (layer,) = cube.data.uv_layers
    assert cube.material_slots[0].material.node_tree.nodes["StyleTex UV Map"].uv_map == layer.name


def test_exception_that_nobody_foresaw_is_one_objects_and_stands_in_the_log(bpy, cube, styletex, monkeypatch):
    exporting = styletex.module("exporting")
    export = exporting.export_object

    def fail_for_the_cube(target, *others):
        if target == cube:
            raise KeyError("injected while exporting")
        return export(target, *others)

    monkeypatch.setattr(exporting, "export_object", fail_for_the_cube)
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    found = outcomes(styletex)
    assert found["Suzanne"].textured
    assert found["Cube"].error.code == "internal" and "injected while exporting" in found["Cube"].error.message
    assert "Traceback" in found["Cube"].error.detail
    assert shown(cube) == ["Old"]
    folder = styletex.module("worker.environment").log_path().parent
    assert any("KeyError: 'injected while exporting'" in path.read_text() for path in folder.glob("worker.log*"))


def test_exception_in_the_middle_of_a_job_is_one_objects_too(bpy, cube, styletex, monkeypatch):
    runner = styletex.module("worker.runner")
    keep_up = runner.showing.keep_up
    broken = []

    def fail_once(run):
        if not broken and run.frame is not None:
            broken.append(run.task.object_name)
            raise ZeroDivisionError("injected while running")
        keep_up(run)

    monkeypatch.setattr(runner.showing, "keep_up", fail_once)
    run = styletex.begin(list(bpy.context.selected_objects))
    styletex.until(lambda: run.index == 1 and run.frame is not None)
    styletex.end(run)
    first, second = run.outcomes
    assert first.error.code == "internal" and second.textured
    assert "ZeroDivisionError" in first.error.detail


def test_damaged_frames_are_a_warning(bpy, cube, styletex, fake_worker):
    fake_worker("--damaged-frames")
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    assert all(outcome.textured for outcome in outcomes(styletex).values())
    warnings = styletex.module("worker.runner").current_run().warnings
    assert [warning for warning in warnings if "could not be read" in warning and warning.startswith("Cube")]
    assert len(warnings) == 2, "one an object"


def test_preview_that_cannot_be_shown_is_a_warning(bpy, cube, styletex, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(styletex.module("scene.preview"), "_show_frame", full)
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 2)
    assert ["could not be shown" in warning for warning in run.warnings] == [True]
    styletex.end(run)
    assert run.outcomes[0].textured


@pytest.fixture
def latin_file(bpy, scene, tmp_path):
    """The scene, whose objects a program wrote in Latin-1."""
    bpy.data.objects["Cube"].name = "chaise_Q"
    path = tmp_path / "latin.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    data = path.read_bytes()
    assert b"OBchaise_Q" in data
    path.write_bytes(data.replace(b"OBchaise_Q", b"OBchaise_\xe9"))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return path


def test_name_that_is_no_unicode_is_textured_and_told(bpy, latin_file, styletex):
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    (told,) = set(outcomes(styletex)) - {"Suzanne"}
    assert told.startswith("chaise_") and told.encode("utf-8")
    assert all(outcome.textured for outcome in outcomes(styletex).values())


def test_warning_is_there_when_it_comes(bpy, cube, styletex):
    run = styletex.begin([cube], "--warning-at", "2")
    styletex.until(lambda: run.step >= 3)
    assert run.warnings == ["Cube: A fake warning"]
    styletex.end(run)


def test_full_disk_while_exporting_is_named(bpy, cube, styletex, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(styletex.module("exporting"), "write_job", full)
    with pytest.raises(RuntimeError, match="There is no room for a job's folder"):
        bpy.ops.styletex.stylize()
    assert list(styletex.module("worker.environment").jobs_folder().iterdir()) == []


def test_log_that_cannot_be_written_ends_nothing(bpy, cube, styletex, monkeypatch):
    warm_worker = styletex.module("worker.warm_worker")

    def refuse():
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(warm_worker, "log_path", refuse)
    monkeypatch.setattr(warm_worker, "_client", None)
    warm_worker.note("che\udce9")


def test_exception_between_two_objects_is_told_for_those_that_are_left(bpy, cube, styletex, monkeypatch):
    runner = styletex.module("worker.runner")
    run = styletex.begin(list(bpy.context.selected_objects))
    styletex.until(lambda: run.frames_shown >= 1)

    def fail():
        raise ReferenceError("injected between two")

    monkeypatch.setattr(runner, "hide_previews", lambda: run.done and not run.finished and fail())
    runner.finish()
    styletex.until(lambda: run.finished)
    first, second = run.outcomes
    assert first.textured
    assert second.error.code == "internal" and "injected between two" in second.error.message
    assert styletex.module("worker.runner").running() is None
