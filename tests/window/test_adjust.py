# SPDX-License-Identifier: GPL-3.0-or-later
"""Adjust Last Operation (F9) on a finished texture, in a real window with a worker without models."""

from __future__ import annotations

import json
import sys
import time

import pytest

from tests.window.test_queue import FAKE_WORKER

pytestmark = pytest.mark.slow
LAST = """
import json
last = bpy.context.window_manager.operators[-1]
known = {{"name": last.bl_idname, "count": len(bpy.context.window_manager.operators)}}
known |= {{name: getattr(last.properties, name) for name in ("seed", "prompt", "use_tone", "texture_size")}}
open({path!r}, "w").write(json.dumps(known))
"""
MAKE_ANEW = [540.0, 27.0]
"""Where the last button of the panel stands, which is as low as it can be."""
BESIDE = [150.0, 600.0]
"""A place of the viewport that the panel leaves free."""


@pytest.fixture
def window(open_blender, monkeypatch):
    worker = [sys.executable, "-u", str(FAKE_WORKER), "--steps", "10", "--step-seconds", "0.05"]
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps(worker))
    opened = open_blender()
    opened.until(lambda state: state["can_start"] and state["ticks"] > 3, "the tab")
    time.sleep(1.0)
    opened.click(opened.find_button())
    opened.until(lambda state: state["has_result"], "the texture")
    return opened


def last_operation(window, tmp_path):
    path = tmp_path / "last.json"
    window.do(LAST.format(path=str(path)))
    return json.loads(path.read_text())


def seeds(window, tmp_path):
    path = tmp_path / "seeds.json"
    code = f"import json; open({str(path)!r}, 'w').write(json.dumps([t.settings['seed'] for t in run.tasks]))"
    window.do(f"run = module('worker.runner').current_run()\n{code}")
    return json.loads(path.read_text())


def test_finished_texture_is_made_anew_by_f9_and_one_undo_takes_it_back(window, tmp_path):
    done = window.state()
    last = last_operation(window, tmp_path)
    assert last["name"] == "STYLETEX_OT_adjust"
    assert (last["seed"], last["prompt"], last["use_tone"], last["texture_size"]) == (0, "a monkey", False, "256")

    window.do("bpy.context.window_manager.operators[-1].properties.seed = 7")
    window.press("F9", over=done["viewport_centre"])
    time.sleep(5.0)
    window.photograph("adjust")
    assert window.state()["materials"] == done["materials"] and not window.state()["running"]
    window.click(MAKE_ANEW)
    window.until(lambda state: not state["has_result"], "the texture taken back")
    window.until(lambda state: not state["running"] and state["has_result"], "the texture made anew")
    assert seeds(window, tmp_path) == [7]
    assert last_operation(window, tmp_path)["seed"] == 7
    assert window.state()["materials"] == done["materials"]
    # The panel closes when the pointer leaves it.
    window.rest(BESIDE)
    time.sleep(3.0)
    window.press("ctrl+z", over=BESIDE)
    window.until(lambda state: state["materials"] == ["Old"], "the old material after one undo")


def test_make_anew_goes_before_the_objects_own_settings(open_blender, monkeypatch, tmp_path):
    worker = [sys.executable, "-u", str(FAKE_WORKER), "--steps", "10", "--step-seconds", "0.05"]
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps(worker))
    window = open_blender()
    window.until(lambda state: state["can_start"] and state["ticks"] > 3, "the tab")
    own = "own = bpy.data.objects['Suzanne'].styletex\nown.use_own = own.use_seed = True\n"
    window.do(own + "own.seed, own.prompt = 3, 'an ape'\nbpy.ops.ed.undo_push(message='Own')")
    time.sleep(1.0)
    window.click(window.find_button())
    done = window.until(lambda state: state["has_result"], "the texture")
    last = last_operation(window, tmp_path)
    assert (last["seed"], last["prompt"]) == (3, "an ape")
    window.do("bpy.context.window_manager.operators[-1].properties.seed = 7")
    window.press("F9", over=done["viewport_centre"])
    time.sleep(1.0)
    window.click(MAKE_ANEW)
    window.until(lambda state: state["running"] or not state["has_result"], "the beginning")
    window.rest(BESIDE)
    window.until(lambda state: state["has_result"] and not state["running"], "the texture made anew")
    assert seeds(window, tmp_path) == [7]
