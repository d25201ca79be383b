# SPDX-License-Identifier: GPL-3.0-or-later
"""Job folders that Blender exported, on a Ray cluster of this machine; a stand-in does the work."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import time

import pytest

from tests.core.batch.test_batch_command import ROOT, logged
from tests.core.batch.test_exported import command, jobs, run

__all__ = ["jobs"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray (pip install ray)"),
    pytest.mark.skipif(os.name == "nt", reason="Ray's stand-in for a cluster needs POSIX"),
]


def results(folder):
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/base_color.png")}


def test_jobs_of_blenders_travel_with_their_files_and_one_that_is_taken_back_is_made_no_further(jobs):
    assert run(jobs).returncode == 0
    out = jobs.parent / "out"
    expected = results(out)
    shutil.rmtree(out)
    job = json.loads((jobs / "Roof" / "job.json").read_text())
    (jobs / "Barn").mkdir()
    for path in (jobs / "Roof").iterdir():
        shutil.copy2(path, jobs / "Barn")
    # A slow one, which goes first.
    (jobs / "Barn" / "job.json").write_text(json.dumps({**job, "object_name": "Barn", "preset": "paper"}))
    process = subprocess.Popen(
        command(jobs, "--ray", "local", "--workers", 2, "--in-turn", steps=10, seconds=0.3),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 120
    while not (list(out.glob("logs/*.jsonl")) and "Barn" in logged(jobs.parent, "item")):
        assert time.monotonic() < end and process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    shutil.rmtree(jobs / "Barn")
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0 and "3 items: 3 done, 0 failed" in said, said
    assert logged(jobs.parent, "withdrawn") == ["Barn"]
    assert results(out) == expected
