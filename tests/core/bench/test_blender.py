# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on costs Blender's main thread: bounds, table, and a real window."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.bench import blender
from core.command_line import main
from core.job import EXIT_STATUS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "performance.md"


def run(side: int, ticks: float, frame: float, landing: float = 0.0) -> blender.MainThread:
    """A hundred ticks, then one with a frame and, if asked for, one with a finished texture."""
    cpu = np.array([ticks] * 100 + [frame, landing])
    frames, landed = np.arange(102) >= 100, np.arange(102) == 101
    return blender.MainThread("4.3.2", side, cpu, cpu * 2, frames, landed, 12)


def test_bounds_are_those_of_a_usual_tick_and_of_a_large_frame():
    assert blender.misses([run(256, 2.0, 5.0), run(1024, 2.0, 20.0, landing=90.0)], 1.0) == []
    assert run(256, 2.0, 5.0, landing=500.0).tick < 5.0
    (slow,) = blender.misses([run(256, 9.0, 5.0), run(1024, 2.0, 20.0)], 1.0)
    assert "99th percentile" in slow and "9.0 ms" in slow
    (large,) = blender.misses([run(256, 2.0, 5.0), run(1024, 2.0, 31.0)], 1.0)
    assert "31.0 ms" in large
    (export,) = blender.misses([run(256, 2.0, 5.0), run(1024, 2.0, 20.0)], 2.5)
    assert "2.5 s" in export


def test_page_has_a_row_for_each_kind_of_frame_and_is_the_one_in_the_docs():
    page = blender.as_page([run(256, 2.0, 5.0), run(1024, 2.5, 20.0, landing=90.0)], 1.25)
    assert "| 1024 x 1024 | 102 | 2.50 (5.00) |" in page and "| 20.00 (40.00) | 90.00 (180.00) | 12 |" in page
    assert "1,000,000 triangles, with a modifier: 1.25 s" in page
    kept = PAGE.read_text(encoding="utf-8")
    assert kept.splitlines()[:18] == page.splitlines()[:18]
    assert len(kept.splitlines()) == len(page.splitlines())


def test_without_a_blender_it_says_so(capsys, monkeypatch):
    monkeypatch.delenv("BLENDER", raising=False)
    assert main(["bench", "blender"]) == EXIT_STATUS["bad_request"]
    assert "BLENDER" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("BLENDER"), reason="BLENDER names no Blender")
def test_a_real_window_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(blender, "_STEPS", 300)
    runs = [blender.measure(os.environ["BLENDER"], side) for side in blender.FRAME_SIDES]
    assert all(found.frames.any() and found.landed.sum() == 2 and found.drawn > 10 for found in runs)
    assert all(found.tick > 0.0 for found in runs)
    assert 0.0 < blender.export_seconds(os.environ["BLENDER"], triangles=2_000) < 2.0
