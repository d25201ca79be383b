# SPDX-License-Identifier: GPL-3.0-or-later
"""Touch Up in a real window: one click into Texture Paint on what can be seen, and one undo out of it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tests.window.conftest import STYLE_IMAGE
from tests.window.screenshots import ALONE

pytestmark = pytest.mark.slow
FAKE_WORKER = Path(__file__).resolve().parents[1] / "fake_worker.py"
TWO = """
bpy.context.scene.styletex.variations, bpy.context.scene.styletex.seed = 2, 5
bpy.ops.ed.undo_push(message="Settings")
"""
TELL = """
import hashlib, json
import numpy as np
target = bpy.data.objects["Suzanne"]
shown, record = module("history.shown"), module("history.record")
image = shown.shown_image(target)
paint = bpy.context.tool_settings.image_paint
material = target.material_slots[0].material
canvas = paint.canvas if paint.mode == "IMAGE" else None
if paint.mode == "MATERIAL" and len(material.texture_paint_images):
    canvas = material.texture_paint_images[material.paint_active_slot]
pixels = np.empty(len(image.pixels), np.float32)
image.pixels.foreach_get(pixels)
told = dict(
    mode=target.mode,
    shown=record.read_record(image).seed,
    applied=record.read_record(shown.applied_image(target)).seed,
    canvas=canvas.name if canvas else "",
    image=image.name,
    pixels=hashlib.sha256(pixels.tobytes()).hexdigest(),
)
open({path!r}, "w").write(json.dumps(told))
"""
BUTTON_EDGE = 38
"""Pixels from the sidebar's left to where no letter of an image's name is."""
BUTTON = 236
"""Pixels from the sidebar's left to Touch Up, the last of the icons behind an image's name."""


def test_click_paints_on_the_variation_of_its_row_and_one_undo_leaves_texture_paint(
    open_blender, monkeypatch, tmp_path
):
    behaviour = ("--steps", "4", "--step-seconds", "0.02", "--frame-every", "2")
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", str(FAKE_WORKER), *behaviour]))
    window = open_blender("watch.py", str(STYLE_IMAGE))
    window.until(lambda state: state["ticks"] > 3, "the tab")

    def tell(mode):
        """What is so once the object is in that mode, or at the latest after half a minute."""
        path, end = tmp_path / "told.json", time.monotonic() + 30.0
        while True:
            time.sleep(1.0)
            window.do(TELL.format(path=str(path)))
            told = json.loads(path.read_text())
            if told["mode"] == mode or time.monotonic() > end:
                return told

    window.do(TWO)
    time.sleep(0.5)
    window.click(window.find_button())
    window.until(lambda state: not state["running"] and len(state["tasks"]) == 2, "the end")
    viewport = window.state()["viewport_centre"]
    window.do(ALONE.format(name="STYLETEX_PT_outcome"))
    before = tell("OBJECT")
    assert (before["mode"], before["shown"]) == ("OBJECT", 5)
    window.photograph("touch_up_before")
    rows = window.find_buttons(BUTTON_EDGE)
    window.click([window.state()["sidebar"][0] + BUTTON, rows[1][1]])
    painting = tell("TEXTURE_PAINT")
    assert (painting["mode"], painting["shown"], painting["applied"]) == ("TEXTURE_PAINT", 6, 5)
    assert painting["canvas"] == painting["image"]
    window.photograph("touch_up")
    window.press("ctrl+z", over=viewport)
    assert tell("OBJECT") == before, "one undo leaves Texture Paint"
    window.press("ctrl+shift+z", over=viewport)
    assert tell("TEXTURE_PAINT") == painting
