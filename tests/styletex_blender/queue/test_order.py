# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures are added to a run that goes on, change places, are taken off, and are tried again."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from styletex.core.job import JobError, read_job

STYLED = "StyleTex · {}"


@pytest.fixture
def cube(bpy, scene):
    return bpy.data.objects["Cube"]


@pytest.fixture
def monkey(bpy, scene):
    return bpy.data.objects["Suzanne"]


@pytest.fixture
def settings(bpy, scene, styletex):
    return styletex.module("settings").Settings.from_scene(bpy.context.scene)


def add_cube(bpy, name):
    bpy.ops.mesh.primitive_cube_add(location=(0, 5, 0))
    bpy.context.object.name = name
    return bpy.context.object


def states(styletex, run):
    order = styletex.module("worker.queue.order")
    return {task.object_name: order.state_of(run, task).name for task in run.tasks}


def shown(target):
    return [slot.material.name for slot in target.material_slots]


def test_object_added_during_a_run_is_textured_after_it_with_the_settings_of_then(
    bpy, cube, monkey, settings, styletex
):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    assert styletex.module("api").stylize([monkey], replace(settings, prompt="a monkey", seed=7)) is run
    assert states(styletex, run) == {"Cube": "WORKING", "Suzanne": "WAITING"}
    assert shown(cube) == ["StyleTex Preview"], "the preview is back"
    bpy.context.scene.styletex.prompt = "something else"
    job = read_job(run.tasks[1].folder.path)
    assert (job.prompt, job.seed) == ("a monkey", 7)
    styletex.end(run)
    assert shown(cube) + shown(monkey) == [STYLED.format("Cube"), STYLED.format("Suzanne")]


def test_what_is_refused_is_said_when_it_is_added_and_the_others_are_added(bpy, cube, monkey, settings, styletex):
    run = styletex.begin([cube])
    empty, lamp = add_cube(bpy, "Empty"), bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    empty.data.clear_geometry()
    bpy.context.collection.objects.link(lamp)
    styletex.module("api").stylize([empty, lamp, monkey], settings)
    assert [(outcome.object_name, outcome.error.message) for outcome in run.refused] == [
        ("Empty", "The mesh has no faces"),
        ("Lamp", "Its type is Light, which has no surface"),
    ]
    assert states(styletex, run) == {"Cube": "WORKING", "Suzanne": "WAITING"}
    with pytest.raises(JobError, match="no faces"):
        styletex.module("api").stylize([empty], settings)
    styletex.end(run)


def test_the_same_again_is_refused_and_another_style_is_not(bpy, cube, settings, styletex):
    run = styletex.begin([cube])
    api = styletex.module("api")
    with pytest.raises(JobError, match="in the queue already"):
        api.stylize([cube], settings)
    api.stylize([cube], replace(settings, seed=1))
    assert len(run.tasks) == 2
    styletex.end(run)
    assert [outcome.textured for outcome in run.outcomes] == [True, True]


def test_objects_of_one_mesh_are_one_job_and_an_object_with_a_slot_of_its_own_is_another(bpy, cube, settings, styletex):
    copies = [bpy.data.objects.new(f"Copy {number}", cube.data) for number in range(3)]
    for copy in copies:
        bpy.context.collection.objects.link(copy)
    copies[2].material_slots[0].link = "OBJECT"
    bpy.ops.ed.undo_push(message="Copies")
    run = styletex.begin([cube, *copies])
    assert [(task.object_name, len(task.linked)) for task in run.tasks] == [("Cube", 2), ("Copy 2", 0)]
    with pytest.raises(JobError, match="in the queue already"):
        styletex.module("api").stylize([copies[0]], settings)
    styletex.end(run)
    assert shown(cube) == shown(copies[0]) == shown(copies[1]) == [STYLED.format("Cube")]
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    assert [shown(bpy.data.objects[name]) for name in ("Cube", "Copy 0", "Copy 1")] == [["Old"]] * 3


def test_hidden_object_of_a_mesh_leaves_the_job_to_one_that_can_be_seen(bpy, cube, styletex):
    copy = bpy.data.objects.new("Copy", cube.data)
    bpy.context.collection.objects.link(copy)
    cube.hide_set(True)
    run = styletex.begin([cube, copy])
    assert [task.object_name for task in run.tasks] == ["Copy"] and run.refused == []
    styletex.end(run)


def test_those_that_wait_change_places_and_the_one_being_made_does_not(bpy, cube, monkey, settings, styletex):
    run = styletex.begin([cube, monkey, add_cube(bpy, "Third")])
    styletex.until(lambda: run.frames_shown >= 1)
    order, keys = styletex.module("worker.queue.order"), [task.key for task in run.tasks]
    assert not order.move(run, keys[0], up=False)
    assert not order.move(run, keys[1], up=True)
    assert order.move(run, keys[2], up=True)
    assert [task.key for task in run.tasks] == [keys[0], keys[2], keys[1]]
    rows = bpy.context.window_manager.styletex_queue
    assert [row.name for row in rows] == [keys[0], keys[2], keys[1]]
    styletex.end(run)
    assert [outcome.object_name for outcome in run.done] == ["Cube", "Third", "Suzanne"]


def test_one_that_waits_and_the_one_being_made_are_cancelled_alone(bpy, cube, monkey, settings, styletex):
    run = styletex.begin([cube, monkey, add_cube(bpy, "Third")])
    styletex.until(lambda: run.frames_shown >= 1)
    waiting = run.tasks[1]
    bpy.ops.styletex.queue_cancel(key=waiting.key)
    assert not waiting.folder.path.exists()
    bpy.ops.styletex.queue_cancel(key=run.tasks[0].key)
    styletex.until(lambda: run.begun == run.tasks[2] and run.frame is not None)
    assert states(styletex, run) == {"Cube": "CANCELED", "Suzanne": "CANCELED", "Third": "WORKING"}
    assert shown(cube) == ["Old"]
    styletex.end(run)
    assert shown(bpy.data.objects["Third"]) == [STYLED.format("Third")]
    assert not run.wants_cancel


def test_cancelling_all_leaves_no_folder(bpy, cube, monkey, styletex):
    run = styletex.begin([cube, monkey])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.styletex.cancel()
    styletex.until(lambda: run.finished)
    assert states(styletex, run) == {"Cube": "CANCELED", "Suzanne": "CANCELED"}
    assert list(styletex.module("worker.environment").jobs_folder().iterdir()) == []


def test_failed_ones_are_tried_again_and_go_on_from_their_checkpoints(bpy, cube, monkey, styletex, fake_worker):
    run = styletex.begin([cube, monkey], "--checkpoint-at", "9", "--die-at", "12")
    styletex.until(lambda: run.finished)
    assert states(styletex, run) == {"Cube": "FAILED", "Suzanne": "FAILED"}
    assert run.saved[run.tasks[0].key] == (9, 100000)
    fake_worker("--steps", "100000")
    assert styletex.module("worker.queue.order").retry(run) == 2
    styletex.go_on(run)
    styletex.until(lambda: run.begun == run.tasks[0] and run.frame is not None)
    assert run.step >= 10
    styletex.end(run)
    assert states(styletex, run) == {"Cube": "DONE", "Suzanne": "DONE"}
    assert list(styletex.module("worker.environment").jobs_folder().iterdir()) == []


def test_retry_of_one_during_the_run_leaves_the_others_alone(bpy, cube, monkey, styletex, fake_worker, settings):
    run = styletex.begin([cube, monkey], "--die-at", "3")
    styletex.until(lambda: len(run.done) == 1, seconds=5)
    fake_worker("--steps", "100000")
    styletex.module("api").retry(keys=[run.tasks[0].key])
    assert states(styletex, run)["Cube"] == "WAITING"
    with pytest.raises(JobError, match="No texture has failed"):
        styletex.module("api").retry(keys=[run.tasks[1].key])
    styletex.end(run)
    assert states(styletex, run)["Cube"] == "DONE"


def test_object_that_is_deleted_while_it_waits_is_told_and_a_renamed_one_is_textured(bpy, cube, monkey, styletex):
    third = add_cube(bpy, "Third")
    run = styletex.begin([cube, monkey, third])
    styletex.until(lambda: run.frames_shown >= 1)
    third.name = "Renamed"
    bpy.data.objects.remove(monkey)
    add_cube(bpy, "Suzanne")
    styletex.end(run)
    assert states(styletex, run) == {"Cube": "DONE", "Suzanne": "FAILED", "Third": "DONE"}
    assert styletex.module("worker.queue.listing").chosen_key() == run.tasks[1].key, "its message is shown"
    assert "was deleted" in run.outcome_of(run.tasks[1]).error.message
    assert shown(bpy.data.objects["Renamed"]) == [STYLED.format("Renamed")]
    assert bpy.data.objects["Suzanne"].material_slots.values() == []


def test_undo_and_redo_do_not_lose_the_queue(bpy, cube, monkey, styletex):
    run = styletex.begin([cube, monkey])
    bpy.data.objects["Suzanne"].location.z = 1.0
    bpy.ops.ed.undo_push(message="Move")
    styletex.until(lambda: run.frames_shown >= 1)
    rows = [row.name for row in bpy.context.window_manager.styletex_queue]
    bpy.ops.ed.undo()
    bpy.ops.ed.redo()
    assert [row.name for row in bpy.context.window_manager.styletex_queue] == rows == [task.key for task in run.tasks]
    styletex.end(run)
    assert states(styletex, run) == {"Cube": "DONE", "Suzanne": "DONE"}


def test_error_of_some_settings_does_not_end_the_jobs_of_others(bpy, cube, monkey, styletex, settings, fake_worker):
    third = add_cube(bpy, "Third")
    run = styletex.begin([cube, third], "--error-at", "3", "--error-code", "model_missing")
    styletex.module("api").add(run, [monkey], replace(settings, seed=9))
    styletex.until(lambda: len(run.done) == 2)
    assert states(styletex, run) == {"Cube": "FAILED", "Third": "FAILED", "Suzanne": "WORKING"}
    styletex.until(lambda: run.finished)


def test_whole_time_left_counts_what_waits_by_what_was_measured(bpy, cube, monkey, styletex, settings):
    run = styletex.begin([cube, monkey])
    time_left = styletex.module("worker.queue.time_left")
    styletex.until(lambda: run.frames_shown >= 1)
    run.seconds_left, run.started = 30.0, run.started - 10.0
    assert time_left.seconds_left(run) == pytest.approx(30.0 + run.seconds + 30.0, abs=0.5)
    run.saved[run.tasks[1].key] = (3, 4)
    assert time_left.seconds_left(run) == pytest.approx(30.0 + (run.seconds + 30.0) / 4, abs=0.5)
    styletex.module("api").add(run, [add_cube(bpy, "Third")], replace(settings, preset="paper"))
    assert time_left.seconds_left(run) is None
    styletex.end(run)


def test_active_collection_is_textured_without_what_cannot_be_seen(bpy, cube, monkey, styletex):
    collection = bpy.data.collections.new("Props")
    bpy.context.scene.collection.children.link(collection)
    inner = bpy.data.collections.new("Inner")
    collection.children.link(inner)
    for target, place in ((cube, collection), (monkey, inner)):
        bpy.context.scene.collection.objects.unlink(target)
        place.objects.link(target)
    layers = bpy.context.view_layer.layer_collection.children
    bpy.context.view_layer.active_layer_collection = layers["Props"]
    assert bpy.ops.styletex.stylize_collection() == {"FINISHED"}
    run = styletex.module("worker.runner").current_run()
    assert sorted(outcome.object_name for outcome in run.outcomes) == ["Cube", "Suzanne"]
    bpy.context.view_layer.active_layer_collection = layers["Props"].children["Inner"]
    monkey.hide_set(True)
    assert not bpy.ops.styletex.stylize_collection.poll()


def test_settings_of_a_task_are_plain_values(bpy, cube, settings, styletex):
    run = styletex.begin([cube])
    assert type(settings)(**json.loads(json.dumps(run.tasks[0].settings))) == settings
    styletex.end(run)


def test_collection_beyond_a_handful_is_asked_about_and_its_button_says_how_many(bpy, scene, styletex, monkeypatch):
    operators = styletex.module("ui.queue.queue_operators")
    asked, begun = [], []

    def ask(_operator, _event, **words):
        asked.append(words["title"])
        return {"RUNNING_MODAL"}

    def click():
        context = SimpleNamespace(
            collection=bpy.context.collection,
            view_layer=bpy.context.view_layer,
            window_manager=SimpleNamespace(invoke_confirm=ask),
        )
        button = SimpleNamespace(execute=lambda _context: begun.append(1) or {"FINISHED"})
        return operators.STYLETEX_OT_stylize_collection.invoke(button, context, None)

    assert click() == {"FINISHED"} and begun == [1] and asked == []
    for number in range(3):
        add_cube(bpy, f"More {number}")
    assert click() == {"RUNNING_MODAL"} and begun == [1]
    assert asked == ["Texture 5 Objects?"]
