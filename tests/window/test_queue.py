# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue in a real window, by real clicks, with a worker without models."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.window.conftest import STYLE_IMAGE

pytestmark = pytest.mark.slow
FAKE_WORKER = Path(__file__).resolve().parents[1] / "fake_worker.py"
THREE_MORE = """
for number, name in enumerate(("Barrel", "Chest", "Door")):
    copy = bpy.data.objects.new(name, bpy.data.objects["Suzanne"].data.copy())
    copy.location.x = 3.0 * (number + 1)
    bpy.context.collection.objects.link(copy)
"""
FIFTY = """
bpy.data.objects.remove(bpy.data.objects["Suzanne"])
for number in range(50):
    bpy.ops.mesh.primitive_cube_add(size=0.3, location=(number % 10, number // 10, 0))
bpy.ops.object.select_all(action="SELECT")
"""
SELECT = """
for found in bpy.context.view_layer.objects:
    found.select_set(found.name in {names})
bpy.context.view_layer.objects.active = bpy.data.objects[{names}[0]]
"""
MEASURE = """
import gc, json
module("worker.runner").dismiss()
for image in bpy.data.images:
    # What the textures themselves take is theirs; they are packed.
    image.buffers_free()
    image.gl_free()
gc.collect()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
kinds = [name for name in dir(bpy.data) if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)]
handlers = {{name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}}
measured = {{
    "memory": int(status["VmRSS"].split()[0]),
    "handlers": {{name: len(found) for name, found in handlers.items() if isinstance(found, list)}},
    "classes": len(dir(bpy.types)),
    "datablocks": {{name: len(getattr(bpy.data, name)) for name in kinds}},
    "files": len(list(module("worker.environment").jobs_folder().iterdir())),
    "timer": bpy.app.timers.is_registered(module("worker.runner")._tick),
    "rows": len(bpy.context.window_manager.styletex_queue),
}}
open({path!r}, "w").write(json.dumps(measured))
"""
ICONS, LEFT_HALF = 234, 119
"""Pixels from the sidebar's left: the buttons beside the list, and the left one of two beside each other."""
ROW = 21
"""Pixels from one row of the list to the next."""


@pytest.fixture
def begin(open_blender, monkeypatch):
    """Opens a window whose worker behaves in a certain way, with a scene of its own or a file."""

    def start(*behaviour, scene=()):
        monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", str(FAKE_WORKER), *behaviour]))
        window = open_blender("watch.py", str(STYLE_IMAGE), *scene)
        window.until(lambda state: state["ticks"] > 3, "the tab")
        time.sleep(1.0)
        return window

    return start


def select(window, *names):
    window.do(SELECT.format(names=list(names)))
    time.sleep(0.5)


def below(button, buttons):
    """Those of ``buttons`` that lie below another one."""
    return [found for found in buttons if found[1] < button[1] - 10]


def choose(window, up, row):
    """Click a row of the list; ``up`` is the button beside its top."""
    window.click([up[0] - 120, up[1] - 6 - ROW * row])
    time.sleep(0.5)


def test_queue_of_four_with_one_added_during_the_run_one_cancelled_and_one_tried_again(begin):
    window = begin("--steps", "100", "--step-seconds", "0.1", "--frame-every", "10")
    window.do(THREE_MORE)
    select(window, "Suzanne", "Barrel", "Chest")
    button = window.find_button()
    window.click(button)
    window.until(lambda state: state["frames"] >= 1, "the first frame")

    window.write("a door", [button[0], button[1] + 78])
    select(window, "Door")
    window.click(button)
    window.until(lambda state: len(state["queue"]) == 4, "the one added")
    assert window.state()["prompt"] == "a door"
    window.do(
        "assert [t.settings['prompt'] for t in module('worker.runner').running().tasks][2:] == ['a monkey', 'a door']"
    )

    time.sleep(0.5)
    window.photograph("queue_running")
    _, _, up, _, retry, cancel = below(button, window.find_buttons(ICONS))[:6]
    choose(window, up, 2)
    window.click(cancel)
    window.until(lambda state: state["queue"]["Chest"] == "CANCELED", "the cancelled one")

    window.until(lambda state: state["queue"]["Barrel"] == "WORKING" and state["step"] > 10, "the second")
    os.kill(window.state()["worker_pid"], signal.SIGKILL)
    window.until(lambda state: state["queue"]["Barrel"] == "FAILED", "the failed one")
    choose(window, up, 1)
    time.sleep(0.5)
    window.photograph("queue_failed")
    window.click(retry)
    window.until(lambda state: state["queue"]["Barrel"] == "WAITING", "the one tried again", seconds=10)
    done = window.until(lambda state: not state["running"], "the end")
    assert done["queue"] == {"Suzanne": "DONE", "Barrel": "DONE", "Chest": "CANCELED", "Door": "DONE"}
    time.sleep(0.5)
    window.photograph("queue_done")


def test_pause_quit_open_again_resume(begin, tmp_path):
    scene = str(tmp_path / "scene.blend")
    window = begin("--steps", "150", "--step-seconds", "0.1", "--frame-every", "10")
    window.do(THREE_MORE)
    select(window, "Suzanne", "Barrel")
    window.do(f"bpy.ops.wm.save_as_mainfile(filepath={scene!r})")
    button = window.find_button()
    window.click(button)
    window.until(lambda state: state["step"] > 40, "progress")
    (pause,) = below(button, window.find_buttons(LEFT_HALF))
    window.click(pause)
    paused = window.until(lambda state: state["paused"], "the pause")
    assert paused["worker_pid"] is None and paused["materials"] == ["Old"]
    (saved,) = paused["saved"]
    time.sleep(0.5)
    window.photograph("queue_paused")
    window.press("ctrl+q", over=paused["viewport_centre"])
    end = time.monotonic() + 20.0
    while window.process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    window.photograph("queue_quit")
    assert window.process.poll() == 0

    window = begin("--steps", "150", "--step-seconds", "0.1", "--frame-every", "10", scene=[scene])
    again = window.state()
    assert again["paused"] and again["queue"] == {"Suzanne": "PAUSED", "Barrel": "WAITING"}
    assert again["saved"] == [saved]
    window.photograph("queue_reopened")
    window.click(below(button, window.find_buttons(LEFT_HALF))[0])
    window.until(lambda state: state["running"] and state["step"] > 0, "the way on")
    assert window.state()["step"] > saved[0]
    done = window.until(lambda state: not state["running"], "the end")
    assert done["queue"] == {"Suzanne": "DONE", "Barrel": "DONE"}


def test_queue_of_fifty_leaves_nothing_but_its_textures(begin, tmp_path):
    window = begin("--steps", "3", "--step-seconds", "0.01", "--frame-every", "1")
    window.do(FIFTY)
    time.sleep(0.5)
    button, measured = window.find_button(), []
    for turn in range(3):
        window.click(button)
        window.until(lambda state: len(state["queue"]) == 50 and not state["running"], "the end")
        assert set(window.state()["queue"].values()) == {"DONE"}
        path = tmp_path / f"measured_{turn}.json"
        window.do(MEASURE.format(path=str(path)))
        measured.append(json.loads(path.read_text()))
        time.sleep(0.5)
    _, before, after = measured
    print(before["memory"], after["memory"])
    assert after.pop("memory") <= before.pop("memory") * 1.05
    # The new textures; the ones before stay in the file.
    assert after["datablocks"].pop("images") == before["datablocks"].pop("images") + 50
    assert after == before
    assert (after["files"], after["timer"], after["rows"]) == (0, False, 0)
