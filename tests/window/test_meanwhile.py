# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist works on while a texture is made. In a real window, by real events, with a worker without models."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
FAKE_WORKER = Path(__file__).resolve().parents[1] / "fake_worker.py"
STYLED = "StyleTex · Suzanne"
LEFT_OF_ITS_WORDS = 44
"""Where Stop and Keep is, in pixels from the sidebar's left: right of the icon for Pause."""

IN_VIEWPORT = """
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=view_3d()[0]):
    bpy.context.view_layer.objects.active = bpy.data.objects["Suzanne"]
    {}
"""
RENDER = """
import importlib
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 32, False
scene.render.resolution_x = scene.render.resolution_y = 150
seen = bpy.app.driver_namespace["seen"] = []
bpy.app.handlers.render_pre.append(lambda *_: seen.append([found.name for found in bpy.data.materials]))
"""


@pytest.fixture
def window(open_blender, monkeypatch):
    """A window whose jobs take half a minute; the first frame comes after five seconds."""
    behaviour = ["--steps", "120", "--step-seconds", "0.25", "--frame-every", "20"]
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", str(FAKE_WORKER), *behaviour]))
    opened = open_blender()
    opened.until(lambda state: state["can_start"] and state["ticks"] > 3, "the tab")
    time.sleep(1.0)
    return opened


def begin(window, button=None):
    """Click Stylize Texture; returns where it is."""
    button = button or window.find_button()
    window.click(button)
    window.until(lambda state: state["running"], "the run")
    return button


def in_runner(window, call):
    window.do(f"import importlib\nimportlib.import_module('styletex.styletex_blender.worker.runner').{call}()")


def viewport(window, name):
    from PIL import Image

    with Image.open(window.photograph(name)) as screen:
        return np.asarray(screen.convert("RGB"), dtype=int)[150:700, 100:600]


def test_pointer_that_rests_on_stop_and_keep_can_click_it(window):
    start = begin(window)
    window.until(lambda state: state["frames"] >= 1, "the first frame")
    time.sleep(0.5)
    stop_and_keep = next(found for found in window.find_buttons(LEFT_OF_ITS_WORDS) if found[1] < start[1] - 10)
    in_runner(window, "cancel")
    window.until(lambda state: not state["running"], "the end")
    time.sleep(0.5)

    begin(window, start)
    time.sleep(0.5)
    window.rest(stop_and_keep)
    assert window.state()["frames"] == 0, "there is nothing to keep yet"
    time.sleep(1.0)
    window.photograph("nothing_to_keep")
    window.until(lambda state: state["frames"] >= 1, "the first frame")
    time.sleep(1.0)
    window.press_button()
    window.until(lambda state: state["materials"] == [STYLED], "the texture", seconds=10)


def test_edit_mode_shows_each_frame_and_a_change_is_said(window):
    begin(window)
    window.until(lambda state: state["frames"] >= 1, "the first frame")
    window.do(IN_VIEWPORT.format("bpy.ops.object.mode_set(mode='EDIT'); bpy.ops.mesh.select_all(action='DESELECT')"))
    time.sleep(1.5)
    before, frames = viewport(window, "edit_mode_before"), window.state()["frames"]
    window.until(lambda state: state["frames"] > frames + 1, "more frames")
    time.sleep(1.0)
    assert (abs(viewport(window, "edit_mode_after") - before).max(-1) > 6).sum() > 1000
    window.do(IN_VIEWPORT.format("bpy.ops.mesh.select_all(action='SELECT'); bpy.ops.uv.cube_project()"))
    window.until(lambda state: "was changed" in state["changes"], "the word on it", seconds=10)
    time.sleep(1.0)
    window.photograph("changed")
    in_runner(window, "finish")
    done = window.until(lambda state: not state["running"], "the end")
    assert done["materials"] == ["Old"]
    assert "is kept in" in done["errors"][0]
    time.sleep(1.0)
    window.photograph("kept")


def test_render_sees_no_preview(window):
    begin(window)
    first = window.until(lambda state: state["frames"] >= 1, "the first frame")
    assert first["dirty_images"] == []
    window.do(RENDER + IN_VIEWPORT.format("bpy.ops.render.render('INVOKE_DEFAULT')"))
    window.until(lambda state: state["materials"] == ["Old"], "the old material", seconds=20)
    window.until(lambda state: state["materials"] == ["StyleTex Preview"], "the preview after the render", seconds=60)
    window.do("(names,) = bpy.app.driver_namespace['seen']; assert 'Old' in names and 'StyleTex Preview' not in names")


def test_texture_waits_for_the_end_of_a_move(window):
    begin(window)
    first = window.until(lambda state: state["frames"] >= 1, "the first frame")
    window.press("g", over=first["viewport_centre"])
    time.sleep(0.5)
    in_runner(window, "finish")
    window.until(lambda state: state["waits_for"] == "Move to end", "the wait", seconds=20)
    time.sleep(1.0)
    window.photograph("waits")
    assert STYLED not in window.state()["materials"]
    window.press("Return", over=first["viewport_centre"])
    window.until(lambda state: state["materials"] == [STYLED], "the texture", seconds=10)


def test_one_undo_too_many_is_redone_and_the_job_of_its_object_goes_on(window):
    window.do(IN_VIEWPORT.format("bpy.ops.mesh.primitive_torus_add('EXEC_DEFAULT', True, location=(0, 0, 2))"))
    time.sleep(0.5)
    begin(window)
    first = window.until(lambda state: state["frames"] >= 1, "the first frame")
    window.press("ctrl+z", over=first["viewport_centre"])
    gone = window.until(lambda state: state["frames"] > first["frames"], "a frame after the undo")
    assert gone["running"]
    window.do("assert 'Torus' not in bpy.data.objects")
    window.photograph("object_gone")
    window.press("ctrl+shift+z", over=gone["viewport_centre"])
    time.sleep(0.5)
    window.do("assert bpy.data.objects['Torus'].material_slots[0].material.name == 'StyleTex Preview'")
    in_runner(window, "finish")
    done = window.until(lambda state: not state["running"], "the end of the run")
    assert done["errors"] == []
    window.do("assert bpy.data.objects['Torus'].material_slots[0].material.name == 'StyleTex · Torus'")
