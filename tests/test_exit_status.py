# SPDX-License-Identifier: GPL-3.0-or-later
"""Leaving without Blender's farewell keeps pytest's own exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_a_failing_test_that_uses_bpy_fails_the_run(tmp_path):
    pytest.importorskip("bpy", reason="needs Blender as a Python module (the bpy wheel)")
    (tmp_path / "test_it.py").write_text("def test_it(bpy):\n    assert not bpy.data.filepath and False\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, f"--rootdir={tmp_path}", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
