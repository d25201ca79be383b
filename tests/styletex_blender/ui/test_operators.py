# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons: what they do is what the API does, and when they cannot be pressed they say why."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from styletex.core.job import JobError


def reason(styletex, bpy):
    return styletex.module("ui.availability").why_not(bpy.context)


def poll_message(bpy):
    """The reason that Blender itself shows."""
    with pytest.raises(RuntimeError) as raised:
        bpy.ops.styletex.stylize()
    return str(raised.value)


def no_selection(bpy):
    bpy.ops.object.select_all(action="DESELECT")


def only_a_light(bpy):
    bpy.ops.object.light_add()


def no_style_image(bpy):
    bpy.context.scene.styletex.style_image = None


def blank_prompt(bpy):
    bpy.context.scene.styletex.profile = "sd15"
    bpy.context.scene.styletex.prompt = "  "


def edit_mode(bpy):
    bpy.ops.object.mode_set(mode="EDIT")


def beside_an_unsaved_file(bpy):
    bpy.context.scene.styletex.destination = "beside"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_selection, "Select at least one mesh object"),
        (only_a_light, "Select at least one mesh object"),
        (no_style_image, "Choose a style image"),
        (blank_prompt, "Describe the object in a few words"),
        (edit_mode, "Switch to Object Mode"),
        (beside_an_unsaved_file, "Save the .blend file first"),
    ],
)
def test_button_that_cannot_be_pressed_says_why(bpy, scene, styletex, change, words):
    change(bpy)
    assert words in reason(styletex, bpy)
    assert words in poll_message(bpy)


def test_button_says_that_no_worker_is_installed(bpy, scene, styletex, monkeypatch):
    monkeypatch.delenv("STYLETEX_WORKER")
    monkeypatch.setattr(styletex.module("worker.environment"), "_environments", list)
    assert "PyTorch and what else StyleTex computes with are not installed" in poll_message(bpy)


def test_button_says_that_the_worker_variable_is_wrong(bpy, scene, styletex, monkeypatch):
    monkeypatch.setenv("STYLETEX_WORKER", "python -m core worker")
    assert "must be a JSON list" in poll_message(bpy)


def test_button_is_never_locked_and_what_ends_a_run_only_while_there_is_one(bpy, scene, styletex):
    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 1)
    assert bpy.ops.styletex.stylize.poll()
    assert bpy.ops.styletex.cancel.poll()
    for _ in range(2):
        bpy.ops.styletex.cancel()
    styletex.until(lambda: run.finished)
    assert reason(styletex, bpy) == ""
    with pytest.raises(RuntimeError, match="No texture is being made"):
        bpy.ops.styletex.finish()


def test_operator_does_what_the_api_does(bpy, scene, styletex):
    bpy.ops.styletex.stylize()
    by_operator = {name: list(bpy.data.images[f"StyleTex · {name}"].pixels) for name in ("Cube", "Suzanne")}
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    run = styletex.module("api").stylize([bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]], settings)
    assert [outcome.textured for outcome in run.outcomes] == [True, True]
    for name, pixels in by_operator.items():
        assert list(bpy.data.images[f"StyleTex · {name}"].pixels) == pixels


def test_a_run_in_the_background_draws_one_frame_an_object(bpy, scene, styletex):
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    run = styletex.module("api").stylize([bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]], settings)
    assert run.frames_shown == 2


def test_stop_and_keep_ends_with_the_texture(bpy, scene, styletex):
    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.styletex.finish()
    styletex.until(lambda: run.finished)
    assert run.outcomes[0].textured


def test_stop_and_keep_before_there_is_anything_stops_at_the_first_picture(bpy, scene, styletex):
    run = styletex.begin([bpy.data.objects["Cube"]], "--frame-every", "30")
    assert bpy.ops.styletex.finish() == {"FINISHED"}
    styletex.until(lambda: run.finished)
    assert run.outcomes[0].textured
    assert run.frames_shown == 1


def test_broken_object_is_reported_and_the_others_are_textured(bpy, scene, styletex):
    bpy.data.objects["Cube"].data.clear_geometry()
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    outcomes = {outcome.object_name: outcome for outcome in styletex.module("worker.runner").current_run().outcomes}
    assert "no faces" in outcomes["Cube"].error.message
    assert outcomes["Suzanne"].textured


def test_single_broken_object_starts_no_worker(bpy, scene, styletex):
    cube = bpy.data.objects["Cube"]
    cube.data.clear_geometry()
    bpy.data.objects["Suzanne"].select_set(False)
    with pytest.raises(RuntimeError, match="no faces"):
        bpy.ops.styletex.stylize()
    assert styletex.module("worker.warm_worker")._client is None
    assert not list(styletex.module("worker.environment").jobs_folder().iterdir())


def test_worker_killed_mid_job_frees_the_button(bpy, scene, styletex):
    run = styletex.begin([bpy.data.objects["Cube"]])
    styletex.until(lambda: run.frames_shown >= 1)
    pid = styletex.module("worker.warm_worker")._client.pid
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    styletex.until(lambda: run.finished, seconds=3.0)
    assert time.monotonic() - killed < 3.0
    assert run.outcomes[0].error.code == "worker_died"
    assert reason(styletex, bpy) == ""
    assert bpy.data.objects["Cube"].material_slots[0].material.name == "Old"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_next_object_gets_a_new_worker_after_one_died(bpy, scene, styletex, fake_worker):
    fake_worker("--error-at", "3")
    bpy.ops.styletex.stylize()
    run = styletex.module("worker.runner").current_run()
    assert [outcome.error.code for outcome in run.outcomes] == ["out_of_memory", "out_of_memory"]


def test_error_that_everything_would_meet_ends_the_run(bpy, scene, styletex):
    run = styletex.begin(list(bpy.context.selected_objects), "--error-at", "3", "--error-code", "model_missing")
    styletex.until(lambda: run.finished)
    assert [outcome.error.code for outcome in run.outcomes] == ["model_missing", "model_missing"]
    assert run.index == 0


def test_worker_stays_warm_between_jobs(bpy, scene, styletex):
    bpy.ops.styletex.stylize()
    first = styletex.module("worker.warm_worker")._client.pid
    bpy.ops.styletex.stylize()
    assert styletex.module("worker.warm_worker")._client.pid == first


def test_idle_worker_leaves(bpy, scene, styletex, monkeypatch):
    bpy.ops.styletex.stylize()
    warm_worker = styletex.module("worker.warm_worker")
    assert warm_worker._leave_when_idle() == 1.0
    monkeypatch.setattr(warm_worker, "preference", lambda name, default: 0)
    assert warm_worker._leave_when_idle() is None
    assert warm_worker._client is None


@pytest.mark.parametrize(("chosen", "passed"), [(0, "1"), (45, "45")])
def test_idle_minutes_of_the_preferences_reach_the_worker(bpy, styletex, monkeypatch, chosen, passed):
    environment = styletex.module("worker.environment")
    values = {"worker_python": sys.executable, "idle_minutes": chosen}
    monkeypatch.setattr(environment, "preference", lambda name, default: values.get(name, default))
    assert environment.worker_command().command[-2:] == ("--idle-minutes", passed)


def test_warnings_of_the_worker_reach_the_user(bpy, scene, styletex, fake_worker):
    fake_worker("--warning-at", "2")
    bpy.ops.styletex.stylize()
    assert any(warning.startswith("Cube: ") for warning in styletex.module("worker.runner").current_run().warnings)


def test_second_run_is_refused_while_one_is_going_on(bpy, scene, styletex):
    cube = bpy.data.objects["Cube"]
    run = styletex.begin([cube])
    with pytest.raises(JobError, match="Another texture is being made"):
        styletex.module("api").prepare([cube], styletex.module("settings").Settings.from_scene(bpy.context.scene))
    styletex.end(run)


def test_worker_of_the_environment_in_use_is_found(bpy, styletex, monkeypatch, tmp_path):
    environment = styletex.module("worker.environment")
    python = environment.python_of(tmp_path / "env-1a2b3c4d-2")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "current.txt").write_text("env-1a2b3c4d-2")
    monkeypatch.delenv("STYLETEX_WORKER", raising=False)
    monkeypatch.setattr(environment, "_environments", lambda: [(tmp_path, "a test")])
    assert environment.worker_command().command[0] == str(python)


def test_what_is_refused_leaves_nothing_of_edit_mode_and_what_begins_leaves_it(bpy, scene, styletex):
    """The faces that are meant are selected there; with none selected nothing is begun."""
    cube = bpy.data.objects["Cube"]
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.context.view_layer.objects.active = cube
    bpy.data.materials["Old"].use_nodes = True
    bpy.context.scene.styletex.region = "faces"
    bpy.ops.object.mode_set("EXEC_DEFAULT", True, mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    with pytest.raises(RuntimeError, match="No face of it is selected"):
        bpy.ops.styletex.stylize()
    assert bpy.context.mode == "EDIT_MESH"
    bpy.ops.mesh.select_all(action="SELECT")
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    assert bpy.context.mode == "OBJECT"
    assert cube.material_slots[0].material.node_tree.nodes["StyleTex Texture"].image is not None


def test_what_is_refused_for_the_queue_leaves_edit_mode_alone_too(bpy, scene, styletex):
    cube = bpy.data.objects["Cube"]
    run = styletex.begin([bpy.data.objects["Suzanne"]])
    bpy.context.scene.styletex.region = "faces"
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    with pytest.raises(RuntimeError, match="No face of it is selected"):
        bpy.ops.styletex.stylize()
    assert bpy.context.mode == "EDIT_MESH" and len(run.tasks) == 1
