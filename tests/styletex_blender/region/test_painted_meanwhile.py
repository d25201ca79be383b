# SPDX-License-Identifier: GPL-3.0-or-later
"""A part goes into the texture that was there when its job began: strokes that came since are not undone by it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.styletex_blender.scene.materials.node_trees import image_node, node_of


@pytest.fixture
def cube(bpy, scene):
    """The cube with a picture of the artist's on it, and its vertex group Top chosen as the part."""
    bpy.data.objects["Suzanne"].select_set(False)
    cube = bpy.data.objects["Cube"]
    bpy.context.view_layer.objects.active = cube
    cube.vertex_groups.new(name="Top").add([1, 3, 5, 7], 1.0, "REPLACE")
    tree = bpy.data.materials["Old"].node_tree if bpy.app.version >= (5, 0) else None
    if tree is None:
        bpy.data.materials["Old"].use_nodes = True
        tree = bpy.data.materials["Old"].node_tree
    image = bpy.data.images.new("Present", 32, 32)
    image.pixels.foreach_set(np.full(32 * 32 * 4, 0.5, np.float32))
    image.pack()
    tree.links.new(image_node(tree, image).outputs["Color"], node_of(tree, "BSDF_PRINCIPLED").inputs["Base Color"])
    settings = bpy.context.scene.styletex
    settings.region, settings.region_group, settings.texture_size = "group", "Top", "256"
    return cube


def on(target):
    tree = target.material_slots[0].material.node_tree
    return node_of(tree, "BSDF_PRINCIPLED").inputs["Base Color"].links[0].from_node.image


def paint(bpy, target):
    on(target).pixels[0:4] = (1.0, 0.0, 1.0, 1.0)
    on(target).update()


def paint_and_pack(bpy, target):
    paint(bpy, target)
    on(target).pack()


def exchange(bpy, target):
    tree = target.material_slots[0].material.node_tree
    node_of(tree, "TEX_IMAGE").image = bpy.data.images.new("Another", 8, 8)


def painted(image):
    return tuple(image.pixels[0:4]) == (1.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("change", [paint, paint_and_pack, exchange])
def test_it_is_told_and_the_texture_kept_and_apply_puts_it_there(bpy, cube, styletex, change):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("scene.preview").hide_previews()
    change(bpy, cube)
    now = on(cube)
    styletex.end(run)
    (outcome,) = run.outcomes
    assert outcome.error.message.startswith("While its texture was being made, its texture was changed")
    assert "Stylize again" in outcome.error.hint and on(cube) == now
    assert bpy.ops.styletex.apply_kept(folder=outcome.kept.name) == {"FINISHED"}
    assert on(cube) != now and now.users > 0
    if change is not exchange:
        assert painted(now)


def test_strokes_on_a_result_stay_in_the_history_after_apply(bpy, cube, styletex):
    bpy.ops.styletex.stylize()
    bpy.context.scene.styletex.history_limit = 1
    bpy.context.scene.styletex.seed = 1
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("scene.preview").hide_previews()
    paint(bpy, cube)
    strokes = on(cube)
    styletex.end(run)
    assert on(cube) == strokes and painted(strokes)
    bpy.ops.styletex.apply_kept(folder=run.outcomes[0].kept.name)
    assert strokes in styletex.module("history.entries").images_of(cube) and painted(strokes)


def test_what_is_not_touched_lands_and_so_does_one_that_was_renamed_or_moved(bpy, cube, styletex):
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    bpy.data.images["Present"].name = "Mine"
    cube.location.x += 1.0
    bpy.context.view_layer.update()
    styletex.end(run)
    assert run.outcomes[0].error is None and on(cube) == run.outcomes[0].finished_image()


def test_part_that_waits_in_the_queue_goes_into_what_was_painted_meanwhile(bpy, cube, styletex):
    monkey = bpy.data.objects["Suzanne"]
    monkey.data.materials[0] = None
    monkey.styletex.use_own = monkey.styletex.use_region = True
    run = styletex.begin([monkey, cube])
    styletex.until(lambda: run.task.object_name == "Suzanne" and run.frames_shown >= 1)
    before = run.tasks[1].state.texture
    paint(bpy, cube)
    styletex.end(run)
    assert run.tasks[1].state.texture != before
    assert run.outcomes[1].error is None and on(cube) == run.outcomes[1].finished_image()


def test_variations_of_a_part_join_the_history_alone_and_that_is_told(bpy, cube, styletex):
    bpy.context.scene.styletex.variations = 2
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("scene.preview").hide_previews()
    paint(bpy, cube)
    now = on(cube)
    styletex.end(run)
    assert [outcome.applied for outcome in run.outcomes] == [False, False] and on(cube) == now
    assert len(styletex.module("history.entries").images_of(cube)) == 2
    told = [text for text in run.warnings if "its texture was changed" in text]
    assert len(told) == 1 and "in its history alone" in told[0]


def test_variations_that_nobody_disturbed_are_told_nothing_of(bpy, cube, styletex):
    bpy.context.scene.styletex.variations = 2
    bpy.ops.styletex.stylize()
    run = styletex.module("worker.runner").current_run()
    assert [outcome.applied for outcome in run.outcomes] == [True, False] and run.warnings == []


def test_restyle_says_that_it_started_from_what_was_there_before(bpy, cube, styletex):
    settings = bpy.context.scene.styletex
    settings.region, settings.start_from_present = "all", True
    run = styletex.begin([cube])
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.module("scene.preview").hide_previews()
    paint(bpy, cube)
    styletex.end(run)
    assert run.outcomes[0].error is None
    assert any("its texture was changed; the texture is of how it was before" in text for text in run.warnings)
