# SPDX-License-Identifier: GPL-3.0-or-later
"""The history in a real window, by real clicks."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tests.window.conftest import STYLE_IMAGE
from tests.window.screenshots import ALONE, WHOLE

pytestmark = pytest.mark.slow
TESTS = Path(__file__).resolve().parents[1]
FAKE_WORKER = TESTS / "fake_worker.py"
SMALL_WORKER = [
    sys.executable,
    "-u",
    str(TESTS / "core" / "commands" / "quick_stylize.py"),
    "12",
    "0",
    "none",
    "worker",
]
"""The real worker, with a few small steps."""
SEED_AND_VARIATIONS = """
settings = bpy.context.scene.styletex
settings.seed, settings.variations, settings.history_limit = {seed}, {variations}, {limit}
bpy.ops.ed.undo_push(message="Settings")
"""
TELL = """
import hashlib, json
entries, shown, record = (module("history." + name) for name in ("entries", "shown", "record"))
target = bpy.data.objects["Suzanne"]

def seed(image):
    return record.read_record(image).seed if image is not None else None

images = entries.images_of(target)
told = dict(
    seeds=[seed(image) for image in images],
    shown=seed(shown.shown_image(target)),
    applied=seed(shown.applied_image(target)),
    digests=[hashlib.sha256(image.packed_file.data).hexdigest() for image in images],
    images=len(bpy.data.images),
)
open({path!r}, "w").write(json.dumps(told))
"""


@pytest.fixture
def tell(tmp_path):
    """What the history of Suzanne is in a window."""

    def ask(window):
        path = tmp_path / "told.json"
        window.do(TELL.format(path=str(path)))
        return json.loads(path.read_text())

    return ask


def stylize(window, seed=5, variations=3, limit=10):
    window.do(SEED_AND_VARIATIONS.format(seed=seed, variations=variations, limit=limit))
    time.sleep(0.5)
    before = window.state()["tasks"]
    window.click(window.find_button())
    done = window.until(lambda state: not state["running"] and state["tasks"] not in ([], before), "the end")
    assert done["errors"] == []


def show_history(window):
    window.do(ALONE.format(name="STYLETEX_PT_history"))
    time.sleep(1.0)


THUMBNAILS = (20, 110, 190)
"""Pixels from the sidebar's left: the buttons below the thumbnails of a row, from the newest on."""
RIGHT_HALF, TRASH = 150, 242
LINE = 26
"""Pixels from one line of buttons to the next."""


def thumbnail(window, number):
    """The button of a result, 0 for the newest; with at most three there is one row of them."""
    left, _, _, _ = window.state()["sidebar"]
    rows = [found for across in THUMBNAILS for found in window.find_buttons(across)[:1]]
    return [left + THUMBNAILS[number], max(row[1] for row in rows)]


def buttons(window, across):
    """The buttons below the thumbnails, from top to bottom, in a column."""
    top = thumbnail(window, 0)[1]
    return [found for found in window.find_buttons(across) if found[1] < top - 10]


def test_variations_are_looked_at_compared_applied_and_deleted(open_blender, monkeypatch, tell, tmp_path):
    behaviour = ("--steps", "4", "--step-seconds", "0.02", "--frame-every", "2")
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", str(FAKE_WORKER), *behaviour]))
    window = open_blender("watch.py", str(STYLE_IMAGE))
    window.until(lambda state: state["ticks"] > 3, "the tab")
    time.sleep(1.0)
    viewport = window.state()["viewport_centre"]

    def told(*names):
        time.sleep(0.5)
        return [tell(window)[name] for name in names]

    stylize(window)
    assert told("seeds", "shown", "applied") == [[7, 6, 5], 5, 5]
    images = told("images")
    show_history(window)

    window.click(thumbnail(window, 1))
    assert told("shown", "applied") == [6, 5]
    window.photograph("history_looked_at")
    apply = buttons(window, RIGHT_HALF)[0]
    compare = [window.state()["sidebar"][0] + 60.0, apply[1]]
    window.click(compare)
    assert told("shown", "applied") == [5, 5]
    for seen in (6, 5, 6):
        window.press_button()
        assert told("shown", "applied") == [seen, 5]

    window.rest(viewport)
    time.sleep(0.5)
    window.click(apply)
    assert told("shown", "applied") == [6, 6]
    window.photograph("history_applied")
    window.press("ctrl+z", over=viewport)
    assert told("shown", "applied", "seeds") == [6, 5, [7, 6, 5]]
    window.press("ctrl+shift+z", over=viewport)
    assert told("shown", "applied", "seeds") == [6, 6, [7, 6, 5]]

    window.click(thumbnail(window, 0))
    assert told("shown", "applied") == [7, 6]
    line = buttons(window, RIGHT_HALF)[1][1] - LINE
    window.click([window.state()["sidebar"][0] + TRASH, line])
    assert told("shown", "applied", "seeds") == [6, 6, [6, 5]] and told("images") == [images[0] - 1]
    window.press("ctrl+z", over=viewport)
    assert told("shown", "applied", "seeds") == [7, 6, [7, 6, 5]] and told("images") == images
    window.press("ctrl+shift+z", over=viewport)
    assert told("shown", "applied", "seeds") == [6, 6, [6, 5]]

    window.do(WHOLE)
    time.sleep(1.0)
    stylize(window, seed=9, variations=1, limit=2)
    assert told("seeds", "applied", "images") == [[9, 6], 9, images[0] - 1]
    window.press("ctrl+z", over=viewport)
    assert told("seeds", "applied") == [[6, 5], 6]
    window.press("ctrl+shift+z", over=viewport)
    assert told("seeds", "applied") == [[9, 6], 9]
    window.photograph("history_limit")


def test_result_is_made_again_byte_for_byte_after_the_file_was_opened_again(open_blender, monkeypatch, tell, tmp_path):
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps(SMALL_WORKER))
    scene = str(tmp_path / "scene.blend")
    window = open_blender()
    window.until(lambda state: state["ticks"] > 3, "the tab")
    time.sleep(1.0)
    stylize(window, seed=3, variations=2)
    other, before = tell(window)["digests"]
    assert other != before, "another seed is another texture"
    window.do(f"bpy.context.scene.styletex.style_image = None\nbpy.ops.wm.save_as_mainfile(filepath={scene!r})")
    window.close()

    window = open_blender("watch.py", str(STYLE_IMAGE), scene)
    window.until(lambda state: state["ticks"] > 3, "the file")
    show_history(window)
    again = buttons(window, RIGHT_HALF)[0]  # What is applied is chosen.
    window.click([window.state()["sidebar"][0] + 60.0, again[1]])
    window.until(lambda state: state["running"], "the beginning", seconds=30)
    window.until(lambda state: not state["running"], "the end")
    told = tell(window)
    assert told["seeds"] == [3, 4, 3] and told["digests"] == [before, other, before]
    time.sleep(0.5)
    window.photograph("history_again")
