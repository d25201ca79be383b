# SPDX-License-Identifier: GPL-3.0-or-later
"""Images are deleted, by whatever script, while the window draws thumbnails of them: Blender lives on."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tests.window.conftest import STYLE_IMAGE

pytestmark = pytest.mark.slow
FAKE_WORKER = Path(__file__).resolve().parents[1] / "fake_worker.py"
SEVEN_MORE = """
for number in range(7):
    copy = bpy.data.objects.new(f"Copy {number}", bpy.data.objects["Suzanne"].data.copy())
    bpy.context.collection.objects.link(copy)
    copy.select_set(True)
bpy.context.scene.styletex.texture_size = "1024"
bpy.ops.ed.undo_push(message="Set up")
"""
STYLIZE = """
with bpy.context.temp_override(area=view_3d()[0], region=view_3d()[1]):
    bpy.ops.styletex.stylize()
"""
DELETE_AND_UNDO = """
import random
dice = random.Random(0)
turns = 0

def again():
    global turns
    turns += 1
    made = [image for image in bpy.data.images if image.name.startswith("StyleTex ·")]
    if made and turns % 9:
        bpy.data.images.remove(dice.choice(made))
    else:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.ed.undo()
            bpy.ops.ed.redo()
    view_3d()[1].tag_redraw()
    if turns >= 150:
        bpy.context.scene.styletex.prompt = "survived"
        return None
    return 0.03 if turns % 2 else 0.0

bpy.app.timers.register(again)
"""


def test_deleting_results_while_they_are_drawn_ends_nothing(open_blender, monkeypatch):
    behaviour = ("--steps", "2", "--step-seconds", "0.01", "--frame-every", "1")
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", str(FAKE_WORKER), *behaviour]))
    window = open_blender("watch.py", str(STYLE_IMAGE))
    window.until(lambda state: state["ticks"] > 3, "the tab")
    window.do(SEVEN_MORE)
    window.do(STYLIZE)
    window.until(lambda state: set(state["queue"].values()) == {"DONE"} and not state["running"], "the end")
    window.do(DELETE_AND_UNDO)
    window.until(lambda state: state["prompt"] == "survived", "the last deletion")
    before = window.state()["ticks"]
    window.until(lambda state: state["ticks"] > before + 5, "more")
    time.sleep(0.5)
    window.photograph("deleting")
