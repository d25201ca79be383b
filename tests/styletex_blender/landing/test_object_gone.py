# SPDX-License-Identifier: GPL-3.0-or-later
"""The object is undone or deleted while its texture is made: the job goes on, and its texture is not lost."""

from __future__ import annotations

import pytest


@pytest.fixture
def torus(bpy, scene):
    """An object that one undo takes away."""
    bpy.ops.mesh.primitive_torus_add()
    bpy.ops.ed.undo_push(message="Add Torus")
    return bpy.context.object


def material(bpy, name):
    (slot,) = bpy.data.objects[name].material_slots
    return slot.material.name


def further(styletex, run, frames=2):
    shown = run.frames_shown
    styletex.until(lambda: run.frames_shown >= shown + frames)


def test_one_undo_too_many_that_is_redone_costs_nothing(bpy, torus, styletex):
    run = styletex.begin([torus])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.ed.undo()
    assert "Torus" not in bpy.data.objects
    further(styletex, run)
    assert run.object_gone and not run.done
    text = styletex.module("ui.panel_text").changes_text(run)
    assert "Ctrl+Shift+Z" in text
    bpy.ops.ed.redo()
    further(styletex, run)
    assert not run.object_gone
    assert material(bpy, "Torus").startswith("StyleTex Preview")
    styletex.end(run)
    assert run.outcomes[0].error is None and run.outcomes[0].textured
    assert material(bpy, "Torus") == "StyleTex · Torus"


def test_texture_of_an_object_that_stays_gone_is_kept_and_applied_when_it_is_back(bpy, torus, styletex):
    run = styletex.begin([torus])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.ed.undo()
    styletex.end(run)
    (outcome,) = run.outcomes
    assert outcome.kept is not None and outcome.kept.is_dir()
    assert "deleted" in outcome.error.message and "undo or redo" in outcome.error.hint
    bpy.ops.ed.redo()
    assert bpy.ops.styletex.apply_kept(folder=outcome.kept.name) == {"FINISHED"}
    assert material(bpy, "Torus") == "StyleTex · Torus"


@pytest.mark.parametrize("remove", ["delete", "unlink"])
def test_object_that_the_artist_deletes_is_gone_too(bpy, scene, styletex, remove):
    cube, monkey = bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]
    run = styletex.begin([cube, monkey])
    styletex.until(lambda: run.frames_shown >= 1)
    if remove == "delete":
        bpy.data.objects.remove(cube)
    else:
        cube.use_fake_user = True
        scene.collection.objects.unlink(cube)
    further(styletex, run)
    assert run.object_gone
    styletex.end(run)
    assert [(outcome.kept is not None, outcome.textured) for outcome in run.done] == [(True, False), (False, True)]
    assert not [found for found in bpy.data.materials if "Preview" in found.name]


def test_object_that_is_gone_at_its_turn_is_done_last_and_can_be_tried_again(bpy, scene, torus, styletex):
    cube, monkey = bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]
    run = styletex.begin([cube, torus, monkey])
    styletex.until(lambda: run.frames_shown >= 1)
    torus.use_fake_user = True
    scene.collection.objects.unlink(torus)
    row = styletex.module("ui.queue.queue_list")
    state_of = styletex.module("worker.queue.order").state_of
    assert row._in_short(run, run.tasks[1], state_of(run, run.tasks[1])) == "Object gone"
    styletex.end(run)
    assert [outcome.object_name for outcome in run.done] == ["Cube", "Suzanne", "Torus"]
    assert "Retry Failed" in run.done[-1].error.hint
    scene.collection.objects.link(bpy.data.objects["Torus"])
    bpy.context.view_layer.update()
    styletex.module("worker.queue.order").retry(run)
    styletex.go_on(run)
    styletex.end(run)
    assert run.outcome_of(run.tasks[1]).textured


def test_pause_while_it_is_gone_keeps_the_checkpoint(bpy, torus, styletex):
    run = styletex.begin([torus])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.ops.ed.undo()
    further(styletex, run)
    styletex.module("worker.runner").pause()
    styletex.until(lambda: run.paused)
    assert run.tasks[0].key in run.saved
    bpy.ops.ed.redo()
    styletex.go_on(run)
    styletex.end(run)
    assert run.outcomes[0].textured
