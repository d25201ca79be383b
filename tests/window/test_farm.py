# SPDX-License-Identifier: GPL-3.0-or-later
"""A farm in a real window: it goes on while Blender is closed. It is the real batch command, with a stand-in for the
work on each texture.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tests.window.conftest import STYLE_IMAGE

pytestmark = pytest.mark.slow
STAND_IN = Path(__file__).resolve().parents[1] / "core" / "batch" / "stand_in.py"


def test_a_texture_comes_to_the_window_that_opens_the_file_again(open_blender, monkeypatch, tmp_path):
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, str(STAND_IN), "10", "1.5", "worker"]))
    window = open_blender("watch.py", str(STYLE_IMAGE))
    window.until(lambda state: state["ticks"] > 3, "the tab")
    scene = str(tmp_path / "scene.blend")
    window.do(f"bpy.ops.wm.save_as_mainfile(filepath={scene!r})")
    window.do("bpy.ops.styletex.send()")
    window.until(lambda state: state["farm"] == {"Suzanne": "WORKING"}, "the farm's beginning")
    time.sleep(0.5)
    window.photograph("farm_working")
    assert window.state()["materials"] == ["Old"] and window.state()["worker_pid"] is None
    window.process.kill()
    window.process.wait()

    window = open_blender("watch.py", str(STYLE_IMAGE), scene)
    window.until(lambda state: state["materials"] == ["StyleTex · Suzanne"], "the texture")
    done = window.until(lambda state: state["farm"] == {}, "the end")
    assert done["errors"] == [] and done["worker_pid"] is None
    time.sleep(0.5)
    window.photograph("farm_collected")
