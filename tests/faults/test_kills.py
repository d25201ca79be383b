# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that is killed again and again ends as if nobody had touched it."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trimesh
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
QUICK = ROOT / "tests" / "core" / "commands" / "quick_stylize.py"
KILLS, STEPS, STEP_SECONDS = 10, 60, 0.15

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")


@pytest.fixture
def command(tmp_path):
    mesh, picture = tmp_path / "box.obj", tmp_path / "picture.png"
    trimesh.creation.box(extents=(1, 2, 3)).export(mesh)
    Image.effect_mandelbrot((64, 64), (-2.0, -1.5, 1.0, 1.5), 60).convert("RGB").save(picture)

    def make(output, seconds):
        words = [str(mesh), "--style", str(picture), "--prompt", "a box", "--size", "256", "--output", str(output)]
        return [sys.executable, str(QUICK), str(STEPS), str(seconds), "none", "stylize", *words]

    return make


def steps_done(output: Path) -> int:
    """Of the checkpoint in the output folder's work folder; 0 where there is none."""
    from safetensors import SafetensorError, safe_open

    for path in output.rglob("checkpoint*.safetensors"):
        try:
            with safe_open(path, framework="np") as file:
                return json.loads(file.metadata()["progress"])["steps_done"]
        except (FileNotFoundError, SafetensorError):
            return 0
    return 0


@pytest.mark.slow
def test_killed_ten_times_it_ends_with_the_same_bytes(command, tmp_path, record_property):
    left_alone, killed = tmp_path / "left_alone", tmp_path / "killed"
    subprocess.run(command(left_alone, 0), check=True, capture_output=True, timeout=300)
    lots, before = random.Random(1), 0
    for _ in range(KILLS):
        with subprocess.Popen(
            command(killed, STEP_SECONDS), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            # Counted in steps, since the first one takes as long as the machine likes; none may have begun.
            last_words = itertools.islice(
                (line for line in process.stderr if line.startswith(("stage optimise", "step "))), lots.randint(1, 6)
            )
            for _ in last_words:
                pass
            time.sleep(lots.uniform(0.0, STEP_SECONDS))
            process.kill()
            process.communicate()
        assert process.returncode == -9, "it ended before it was killed"
        done = steps_done(killed)
        assert done >= before, "steps that had been saved are gone"
        before = done
    assert 0 < before < STEPS
    last = subprocess.run(command(killed, 0), check=True, capture_output=True, timeout=300)
    assert last.returncode == 0
    report = json.loads((killed / "report.json").read_text(encoding="utf-8"))
    assert report["resumed_at"] == before
    assert (killed / "base_color.png").read_bytes() == (left_alone / "base_color.png").read_bytes()
    assert sorted(path.name for path in killed.iterdir()) == sorted(path.name for path in left_alone.iterdir())
    record_property("lost", f"at most the step under way, each of {KILLS} times (a checkpoint after each step here)")
