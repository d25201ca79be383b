# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new user does first: click a sample picture, click Stylize Texture, undo. In a real window, by real events."""

from __future__ import annotations

import time

import pytest

from tests.window.conftest import ROOT

pytestmark = pytest.mark.slow
WITHOUT_A_STYLE = """
settings = bpy.context.scene.styletex
settings.style_image, settings.content, settings.prompt = None, "", ""
for area in bpy.context.window_manager.windows[0].screen.areas:
    area.tag_redraw()
"""


def test_click_on_a_sample_then_on_stylize_textures_the_object_and_undo_takes_the_result_away(open_blender):
    window = open_blender()
    window.until(lambda state: state["ticks"] > 3, "the tab")
    window.do(WITHOUT_A_STYLE)
    state = window.until(lambda state: not state["style_image"] and not state["can_start"], "no style")
    time.sleep(1.0)
    left, bottom, width, height = state["sidebar"]
    window.click([left + 0.45 * width, bottom + height - 75])
    time.sleep(1.5)
    window.click(window.find_picture(ROOT / "core" / "samples" / "poppies.jpg", width=98))
    chosen = window.until(lambda state: state["style_image"], "the sample")
    assert chosen["style_image"] == "poppies.jpg"
    assert chosen["content"] == "flowers with leaves"
    window.photograph("style_chosen")
    assert chosen["can_start"], "the bundled model needs no prompt"
    window.rest(chosen["viewport_centre"])  # No tooltip before the button.
    time.sleep(1.5)
    window.click(window.find_button())
    window.until(lambda state: state["running"], "the run")
    done = window.until(lambda state: not state["running"], "the end of the run", seconds=600)
    assert done["errors"] == []
    assert done["materials"] == ["StyleTex · Suzanne"]
    time.sleep(1.0)
    window.photograph("style_done")
    assert window.until(lambda state: state["has_result"], "the result")
    window.press("ctrl+z", over=done["viewport_centre"])
    window.until(lambda state: state["materials"] == ["Old"] and not state["has_result"], "no result after the undo")
    window.press("ctrl+shift+z", over=done["viewport_centre"])
    window.until(lambda state: state["has_result"], "the result after the redo")
