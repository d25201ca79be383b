# SPDX-License-Identifier: GPL-3.0-or-later
"""A queue is paused and goes on from its place, in the same Blender or after its file was closed and opened again."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from styletex.core.job import CHECKPOINT_FILE, JobError

STYLED = "StyleTex · {}"


@pytest.fixture
def jobs(bpy, styletex):
    """The folder of job folders, with nothing from other tests in it."""
    folder = styletex.module("worker.environment").jobs_folder()
    shutil.rmtree(folder)
    folder.mkdir()
    return folder


@pytest.fixture
def saved_file(bpy, scene, jobs, tmp_path):
    """The scene in a file of its own."""
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


def objects(bpy):
    return [bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]]


def paused(styletex, run):
    """Pause ``run`` in the middle of its first object; returns at which step."""
    styletex.until(lambda: run.step >= 20)
    styletex.module("worker.runner").pause()
    styletex.until(lambda: run.paused)
    step, steps = run.saved[run.tasks[0].key]
    assert step >= 20 and steps == 100000
    return step


def shown(bpy, name):
    return [slot.material.name for slot in bpy.data.objects[name].material_slots]


def open_again(bpy, styletex, path):
    """Open a file as a window does, with what waits in its queue."""
    bpy.ops.wm.open_mainfile(filepath=path)
    assert styletex.module("worker.runner").current_run() is None
    return styletex.module("reopening").reopen_queue()


def test_pause_ends_the_process_and_takes_the_preview_off_and_resume_goes_on_from_there(bpy, scene, jobs, styletex):
    run = styletex.begin(objects(bpy))
    runner, client = styletex.module("worker.runner"), styletex.module("worker.warm_worker")
    step = paused(styletex, run)
    assert client._client is None
    assert runner.running() is None and runner.unfinished() is run and not run.finished
    assert shown(bpy, "Cube") == ["Old"]
    assert len([path for path in jobs.iterdir() if path.is_dir()]) == 2
    spent = run.spent[run.tasks[0].key]
    styletex.go_on(run)
    styletex.until(lambda: run.frame is not None)
    assert run.begun == run.tasks[0] and run.step > step and run.seconds > spent > 0.0
    styletex.end(run)
    assert shown(bpy, "Cube") + shown(bpy, "Suzanne") == [STYLED.format("Cube"), STYLED.format("Suzanne")]
    assert list(jobs.iterdir()) == []


def test_objects_can_be_added_and_cancelled_while_it_is_paused(bpy, scene, jobs, styletex):
    cube, monkey = objects(bpy)
    run = styletex.begin([cube])
    paused(styletex, run)
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    styletex.module("api").stylize([monkey], settings)
    assert run.paused and len(run.tasks) == 2
    bpy.ops.styletex.queue_cancel(key=run.tasks[0].key)
    assert [task.object_name for task in run.open_tasks] == ["Suzanne"]
    bpy.ops.styletex.cancel()
    assert run.finished and [outcome.cancelled for outcome in run.outcomes] == [True, True]
    assert list(jobs.iterdir()) == []


def test_resume_while_it_is_still_pausing_goes_on(bpy, scene, styletex):
    run = styletex.begin([objects(bpy)[0]])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("worker.runner").pause()
    styletex.until(lambda: run.stage == "Pausing")
    styletex.module("api").resume()
    styletex.end(run)
    assert shown(bpy, "Cube") == [STYLED.format("Cube")]


def test_pause_when_the_last_texture_is_just_done_ends_the_run(bpy, scene, styletex):
    run = styletex.begin([objects(bpy)[0]])
    styletex.until(lambda: run.frames_shown >= 1)
    runner = styletex.module("worker.runner")
    runner.finish()
    styletex.until(lambda: run.stage != "Optimizing" and run.wants_finish)
    runner.pause()
    styletex.until(lambda: run.finished or run.paused)
    if run.paused:
        styletex.go_on(run)
        styletex.end(run)
    assert shown(bpy, "Cube") == [STYLED.format("Cube")]


def test_queue_of_a_file_that_was_closed_waits_paused_and_goes_on_from_its_place(bpy, saved_file, jobs, styletex):
    run = styletex.begin(objects(bpy))
    step = paused(styletex, run)
    again = open_again(bpy, styletex, saved_file)
    assert again.paused and [task.object_name for task in again.tasks] == ["Cube", "Suzanne"]
    assert again.saved == {again.tasks[0].key: (step, 100000)}
    assert [row.name for row in bpy.context.window_manager.styletex_queue] == [task.key for task in again.tasks]
    styletex.go_on(again)
    styletex.until(lambda: again.frame is not None)
    assert again.begun == again.tasks[0] and again.step > step
    styletex.end(again)
    assert shown(bpy, "Cube") + shown(bpy, "Suzanne") == [STYLED.format("Cube"), STYLED.format("Suzanne")]
    assert list(jobs.iterdir()) == []
    assert open_again(bpy, styletex, saved_file) is None


def test_file_closed_in_the_middle_of_a_run_goes_on_from_the_last_checkpoint(bpy, saved_file, jobs, styletex):
    run = styletex.begin(objects(bpy), "--checkpoint-at", "9")
    styletex.until(lambda: run.saved)
    again = open_again(bpy, styletex, saved_file)
    assert run.finished
    assert list(again.saved.values()) == [(9, 100000)]
    assert sorted(path.name for path in jobs.glob(f"*/{CHECKPOINT_FILE}")) == [CHECKPOINT_FILE]
    bpy.ops.styletex.cancel()
    assert again.finished and list(jobs.iterdir()) == []


def test_another_file_and_a_file_never_saved_have_no_queue(bpy, saved_file, jobs, styletex, tmp_path):
    run = styletex.begin(objects(bpy))
    paused(styletex, run)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert styletex.module("reopening").reopen_queue() is None
    other = str(tmp_path / "other.blend")
    bpy.ops.wm.save_as_mainfile(filepath=other)
    assert open_again(bpy, styletex, other) is None
    assert len(open_again(bpy, styletex, saved_file).tasks) == 2


def test_queue_goes_with_the_file_that_it_is_saved_as_under_the_names_of_then(
    bpy, saved_file, jobs, styletex, tmp_path
):
    cube, _ = objects(bpy)
    copy = bpy.data.objects.new("Copy", cube.data)
    bpy.context.collection.objects.link(copy)
    run = styletex.begin([cube, copy])
    paused(styletex, run)
    cube.name, copy.name = "Crate", "Lid"
    renamed = str(tmp_path / "renamed.blend")
    bpy.ops.wm.save_as_mainfile(filepath=renamed)
    assert open_again(bpy, styletex, saved_file) is None
    again = open_again(bpy, styletex, renamed)
    assert [(task.object_name, [name for _, name in task.linked]) for task in again.tasks] == [("Crate", ["Lid"])]
    styletex.go_on(again)
    styletex.end(again)
    assert shown(bpy, "Crate") == shown(bpy, "Lid") == [STYLED.format("Crate")]


def test_object_that_is_not_in_the_file_is_told_and_the_rest_waits(bpy, saved_file, jobs, styletex):
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.name = "Unsaved"
    run = styletex.begin([bpy.context.object, *objects(bpy)])
    paused(styletex, run)
    again = open_again(bpy, styletex, saved_file)
    assert [task.object_name for task in again.tasks] == ["Cube", "Suzanne"]
    assert [(told.object_name, told.error.message) for told in again.refused] == [
        ("Unsaved", "The object is not in the file any more")
    ]


def test_settings_and_style_picture_are_those_of_when_it_was_added(bpy, saved_file, jobs, styletex):
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    passing = bpy.data.images.load(bpy.context.scene.styletex.style_image.filepath, check_existing=False)
    passing.name = "Passing"
    run = styletex.begin([objects(bpy)[0]])
    styletex.module("api").add(run, [objects(bpy)[1]], replace(settings, style_image="Passing", prompt="an ape"))
    paused(styletex, run)
    again = open_again(bpy, styletex, saved_file)
    assert "Passing" not in bpy.data.images
    bpy.context.scene.styletex.prompt = "something else"
    styletex.go_on(again)
    styletex.end(again)
    assert [outcome.textured for outcome in again.done] == [True, True]
    assert again.tasks[1].settings["prompt"] == "an ape"


def test_failed_one_can_be_tried_again_after_the_file_was_opened_again(bpy, saved_file, jobs, styletex, fake_worker):
    run = styletex.begin([objects(bpy)[0]], "--checkpoint-at", "9", "--die-at", "12")
    styletex.until(lambda: run.finished)
    again = open_again(bpy, styletex, saved_file)
    assert again.finished and again.done[0].error.code == "worker_died"
    fake_worker("--steps", "100000")
    styletex.module("worker.queue.order").retry(again)
    styletex.go_on(again)
    styletex.until(lambda: again.frame is not None)
    assert again.step >= 10
    styletex.end(again)
    assert shown(bpy, "Cube") == [STYLED.format("Cube")]


def test_changed_object_begins_anew_and_its_old_record_is_gone(bpy, saved_file, jobs, styletex):
    run = styletex.begin([objects(bpy)[0]])
    paused(styletex, run)
    again = open_again(bpy, styletex, saved_file)
    cube = bpy.data.objects["Cube"]
    cube.data.vertices[0].co.x -= 1.0
    cube.data.update()
    styletex.go_on(again)
    styletex.until(lambda: again.frame is not None)
    assert again.saved == {}
    assert len(list(jobs.glob("*/queued.json"))) == 1
    styletex.end(again)


def test_what_waits_outlives_tidying_and_dismissing_lets_it_go(bpy, saved_file, jobs, styletex, fake_worker):
    run = styletex.begin(objects(bpy))
    paused(styletex, run)
    styletex.module("worker.runner").abandon()
    styletex.module("folders.job_folder").prune(jobs)
    assert len(list(jobs.glob("*/queued.json"))) == 2
    failing = styletex.begin([objects(bpy)[0]], "--error-at", "30")
    styletex.until(lambda: failing.finished)
    styletex.module("worker.runner").dismiss()
    assert len(list(jobs.glob("*/queued.json"))) == 1, "the other object's"
    assert styletex.module("worker.runner").current_run() is None


def test_nothing_to_resume_is_said(bpy, scene, styletex):
    with pytest.raises(JobError, match="Nothing is paused"):
        styletex.module("api").resume()
    assert not bpy.ops.styletex.resume.poll() and not bpy.ops.styletex.pause.poll()
