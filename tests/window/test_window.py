# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist does: open the tab, click, watch, undo. In a real window, by real events, with the bundled model."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.processes import is_running, wait_until_gone

pytestmark = pytest.mark.slow
STYLED = "StyleTex · Suzanne"


def click_the_button(window, position=None):
    """Click Stylize Texture, where the eye finds it or where it was; returns where, and the state of the run."""
    window.until(lambda state: state["can_start"] and state["ticks"] > 3, "the tab")
    time.sleep(1.0)
    position = position or window.find_button()
    window.click(position)
    return position, window.until(lambda state: state["running"], "the run")


def test_click_watch_undo_midway_then_undo_and_redo_the_texture(open_blender):
    window = open_blender()
    click_the_button(window)
    first = window.until(lambda state: state["frames"] >= 1, "the first frame")
    assert first["materials"] == ["StyleTex Preview"]
    window.press("Home", over=first["viewport_centre"])
    window.until(lambda state: state["view_distance"] != first["view_distance"], "an answer to a key")
    second = window.until(lambda state: state["frames"] > first["frames"], "the second frame")
    assert second["running"]
    assert second["ticks"] > first["ticks"]
    window.photograph("running")
    window.press("ctrl+z", over=second["viewport_centre"])
    undone = window.until(lambda state: state["light_height"] < first["light_height"], "the undo midway")
    window.until(lambda state: state["frames"] > undone["frames"], "a frame after the undo")
    done = window.until(lambda state: not state["running"], "the end of the run", seconds=600)
    assert done["errors"] == []
    assert done["materials"] == [STYLED]
    time.sleep(1.0)
    window.photograph("done")
    window.press("ctrl+z", over=done["viewport_centre"])
    window.until(lambda state: state["materials"] == ["Old"], "the old material after one undo")
    window.photograph("undone")
    window.press("ctrl+shift+z", over=done["viewport_centre"])
    window.until(lambda state: state["materials"] == [STYLED], "the texture after redo")


def test_killed_worker_frees_the_button_and_killed_blender_takes_the_worker_with_it(open_blender):
    window = open_blender()
    button, _ = click_the_button(window)
    state = window.until(lambda state: state["frames"] >= 1, "the first frame")
    first_worker = state["worker_pid"]
    os.kill(first_worker, signal.SIGKILL)
    before = window.state()["ticks"]
    state = window.until(lambda state: state["errors"], "the error")
    # Blender's own clock, ten ticks a second: a loaded machine that draws slowly says nothing about the add-on.
    assert state["ticks"] - before <= 30
    assert state["can_start"]
    assert state["materials"] == ["Old"]
    time.sleep(1.0)
    window.photograph("failed")

    _, state = click_the_button(window, button)
    state = window.until(lambda state: state["frames"] >= 1, "a frame of the next worker")
    assert state["worker_pid"] != first_worker
    assert is_running(state["worker_pid"])
    os.kill(state["blender_pid"], signal.SIGKILL)
    wait_until_gone(state["worker_pid"], 5.0)
