# SPDX-License-Identifier: GPL-3.0-or-later
"""Disabling and enabling the installed extension fifty times leaves Blender as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "styletex_blender" / "enable_often.py"
MOST_GROWTH = 1.05


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_enabling_and_disabling_fifty_times_leaves_blender_as_it_was(package, style_image, tmp_path):
    output = tmp_path / "figures.json"
    if program := os.environ.get("BLENDER"):
        start = [program, "-b", "--factory-startup", "--python-exit-code", "1", "-P", str(SCRIPT), "--"]
    else:
        start = [sys.executable, str(SCRIPT), "--"]
    # Blender's allocator (jemalloc) starts threads of its own whenever it likes; they can be switched off.
    own = {"BLENDER_USER_RESOURCES": str(tmp_path / "user"), "MALLOC_CONF": "background_thread:false"}
    done = subprocess.run(
        [*start, str(package), str(style_image), str(output)],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    before, after, disabled = json.loads(output.read_text(encoding="utf-8"))
    for name in ("memory", "objects"):
        assert after[name] <= before[name] * MOST_GROWTH, name
        del before[name], after[name]
    assert after == before
    assert disabled["classes"] == disabled["operators"] == []
    assert not any(disabled["properties"].values())
