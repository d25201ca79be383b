# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new user does first: click a sample picture, click Stylize Texture, undo. In a real window, by real events."""

from __future__ import annotations

import shutil
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


def test_own_picture_has_its_thumbnail_at_once_and_after_save_as_and_is_opened_beside_a_packed_sample(
    open_blender, tmp_path
):
    folder = tmp_path / "full folder"
    own = folder / "own.jpg"
    folder.mkdir()
    shutil.copyfile(ROOT / "core" / "samples" / "poppies.jpg", own)
    window = open_blender()
    window.until(lambda state: state["ticks"] > 3, "the tab")
    window.do(WITHOUT_A_STYLE + f"settings.style_image = bpy.data.images.load({str(own)!r})")
    shown = window.until(lambda state: state["style_image"] == "own.jpg", "the picture")
    assert shown["content"] == ""
    window.rest(shown["viewport_centre"])
    time.sleep(2.0)
    window.find_picture(own, width=78)
    window.do(
        f"bpy.ops.wm.save_as_mainfile(filepath={str(folder / 'a.blend')!r})\n"
        f"bpy.context.scene.styletex.style_choice = {str(ROOT / 'core' / 'samples' / 'great_wave.jpg')!r}\n"
        "image = bpy.context.scene.styletex.style_image\nimage.filepath = bpy.path.relpath(image.filepath)"
    )
    assert window.until(lambda state: state["content"], "the words")["content"] == "a great wave with boats"
    time.sleep(2.0)
    window.find_picture(ROOT / "core" / "samples" / "great_wave.jpg", width=78)
    left, bottom, width, height = shown["sidebar"]
    window.click([left + width - 66, bottom + height - 128])
    time.sleep(2.0)
    window.photograph("style_open")
    window.find_picture(own, width=96)
    window.do(
        "windows = bpy.context.window_manager.windows\n"
        "bpy.context.scene.styletex.prompt = ' '.join(area.type for found in windows for area in found.screen.areas)"
    )
    window.until(lambda state: "FILE_BROWSER" in state["prompt"], "the file browser", seconds=20)


def test_click_beside_the_field_offers_words_and_a_click_on_one_keeps_it_out(open_blender):
    window = open_blender()
    state = window.until(lambda state: state["ticks"] > 3, "the tab")
    window.do("bpy.context.scene.styletex.content = ''\nbpy.ops.ed.undo_push(message='Clear')")
    left, bottom, width, height = state["sidebar"]
    right, top = left + width, bottom + height
    time.sleep(1.0)
    window.click([right - 49, top - 178])
    time.sleep(2.0)
    window.photograph("words_asked")
    window.until(lambda state: state["words"], "the words")
    time.sleep(1.0)
    window.photograph("words_offered")
    window.click([right - 64, top - 200])
    chosen = window.until(lambda state: state["content"], "the word")
    assert chosen["content"] == f"a {chosen['words'][2]}"
    window.press("ctrl+z", over=chosen["viewport_centre"])
    window.until(lambda state: not state["content"], "no word after the undo")
