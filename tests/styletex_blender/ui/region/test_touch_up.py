# SPDX-License-Identifier: GPL-3.0-or-later
"""Touch Up: one click from a finished texture to painting on it."""

from __future__ import annotations

import pytest


@pytest.fixture
def textured(bpy, styletex, scene):
    """The cube with its texture, made by the button."""
    cube = bpy.data.objects["Cube"]
    bpy.data.objects["Suzanne"].select_set(False)
    bpy.context.view_layer.objects.active = cube
    assert bpy.ops.styletex.stylize() == {"FINISHED"}
    outcome = styletex.module("worker.runner").current_run().outcomes[0]
    bpy.context.view_layer.objects.active = bpy.data.objects["Suzanne"]
    return cube, bpy.data.images[outcome.image]


def canvas(context, target):
    paint = context.tool_settings.image_paint
    if paint.mode == "IMAGE":
        return paint.canvas
    material = target.active_material
    return material.texture_paint_images[material.paint_active_slot]


def test_the_brush_paints_on_the_finished_image(bpy, textured):
    cube, image = textured
    bpy.ops.object.mode_set(mode="EDIT")
    assert bpy.ops.styletex.touch_up(image_uid=image.session_uid, object_uid=cube.session_uid) == {"FINISHED"}
    assert bpy.context.object == cube and cube.mode == "TEXTURE_PAINT"
    assert bpy.data.objects["Suzanne"].mode == "OBJECT"
    assert canvas(bpy.context, cube) == image
    assert len([node for node in cube.active_material.node_tree.nodes if node.type == "TEX_IMAGE"]) == 1
    assert bpy.context.tool_settings.image_paint.brush is not None


def test_image_that_the_material_does_not_show_any_more_becomes_the_canvas(bpy, textured):
    cube, image = textured
    cube.active_material.node_tree.nodes.clear()
    assert bpy.ops.styletex.touch_up(image_uid=image.session_uid, object_uid=cube.session_uid) == {"FINISHED"}
    assert cube.mode == "TEXTURE_PAINT" and canvas(bpy.context, cube) == image


def test_what_is_gone_or_hidden_is_said(bpy, textured):
    cube, image = textured
    with pytest.raises(RuntimeError, match="The image is not there any more"):
        bpy.ops.styletex.touch_up(image_uid=1, object_uid=cube.session_uid)
    cube.hide_set(True)
    with pytest.raises(RuntimeError, match="The object is hidden"):
        bpy.ops.styletex.touch_up(image_uid=image.session_uid, object_uid=cube.session_uid)
    with pytest.raises(RuntimeError, match="not in the view layer"):
        bpy.ops.styletex.touch_up(image_uid=image.session_uid, object_uid=1)


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT"])
def test_variation_that_is_not_shown_is_shown_before_it_is_painted_on_and_one_undo_leaves_again(
    bpy, styletex, textured, mode
):
    cube, first = textured
    name = first.name
    bpy.context.view_layer.objects.active = cube
    cube.select_set(True)
    bpy.context.scene.styletex.variations = 2
    bpy.context.scene.styletex.seed = 7
    bpy.ops.styletex.stylize()
    second = styletex.module("worker.runner").current_run().outcomes[1].finished_image()
    shown = styletex.module("history.shown")
    assert shown.shown_image(cube) not in (first, second)
    before = shown.shown_image(cube).name
    bpy.ops.object.mode_set("EXEC_DEFAULT", True, mode=mode)
    uids = {"image_uid": second.session_uid, "object_uid": cube.session_uid}
    assert bpy.ops.styletex.touch_up("EXEC_DEFAULT", True, **uids) == {"FINISHED"}
    assert shown.shown_image(cube) == second == canvas(bpy.context, cube)
    bpy.ops.ed.undo()
    cube = bpy.data.objects["Cube"]
    assert cube.mode == mode and shown.shown_image(cube).name == before and name in bpy.data.images
    assert bpy.context.mode == ("OBJECT" if mode == "OBJECT" else "EDIT_MESH")
