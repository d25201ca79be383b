# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on costs Blender's main thread during a job: ``python -m core bench blender``.

In a real window, with a worker that only pretends: what it computes is not Blender's, and frames of 1024 x 1024 pixels
come only from UDIM layouts.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.styles import sample_paths
from ..job import JobError

_ROOT = Path(__file__).parents[2]
_SCRIPT = _ROOT / "tests" / "window" / "main_thread.py"
_EXPORT_SCRIPT = _ROOT / "tests" / "window" / "large_export.py"
_WORKER = _ROOT / "tests" / "fake_worker.py"
_STEPS = 1200
"""Of each texture; they take a minute on a computer that has nothing else to do."""
FRAME_SIDES = (256, 1024)
"""Pixels: of a usual frame, and of a large one."""
MOST_A_TICK = 8.0
"""Milliseconds, of the 99th percentile of all ticks of a usual job."""
MOST_A_FRAME = 30.0
"""Milliseconds, of the tick that shows the most expensive large frame."""
TRIANGLES = 1_000_000
"""Of the mesh whose export is timed, roughly."""
MOST_AN_EXPORT = 2.0
"""Seconds, of that."""


_INTRODUCTION = f"""\
# What the add-on costs Blender

Made by `BLENDER=… python -m core bench blender --output docs/performance.md`, which textures two objects in a window of
a real Blender with the sidebar open, and times what the add-on does in Blender's main thread from one tick of its timer
to the next: the timer itself, the drawing of all its panels, and its handlers. There are 20 ticks a second, or as many
as Blender's own drawing leaves time for; the window is small, so that it leaves more. The worker only pretends to
compute; a frame comes every 1.5 seconds, as in a real job. The most expensive ticks are the two that put a
finished texture on its object, where Blender decodes it: they end a job, and only the column "of all" counts them.

The bounds: the 99th percentile of a job's ticks at most {MOST_A_TICK:.0f} ms with usual frames, and a tick with a frame
of 1024 x 1024 pixels at most {MOST_A_FRAME:.0f} ms. Times are the main thread's own processor time; in brackets is what
the clock said, which counts the share of other programs too.

Before a job comes the export of its object, with all files that the job begins with. At {TRIANGLES:,} triangles it may
take at most {MOST_AN_EXPORT:.0f} s; it is timed in the background (`-b`).
"""
_HEADINGS = """\
| frames | ticks | median, ms | 99th percentile, ms | with a frame, at most, ms | of all, at most, ms | panels drawn |
|---|---:|---:|---:|---:|---:|---:|"""


@dataclass(frozen=True)
class MainThread:
    """Of one run, in milliseconds; arrays with an element for each tick of the add-on's timer."""

    blender: str
    """Blender's version."""
    side: int
    """Of the frames, in pixels."""
    cpu: np.ndarray
    """Processor time of the main thread that the add-on took: float64 [ticks]."""
    wall: np.ndarray
    """The same by the clock, which counts what other programs took meanwhile: float64 [ticks]."""
    frames: np.ndarray
    """Whether a frame was shown: bool [ticks]."""
    landed: np.ndarray
    """Whether a finished texture was put on its object: bool [ticks]."""
    drawn: int
    """How often a panel was drawn."""

    @property
    def tick(self) -> float:
        """The 99th percentile of all ticks of a job, which ends before its texture is put on its object."""
        return float(np.percentile(self.cpu[~self.landed], 99))

    @property
    def frame(self) -> float:
        """The most expensive tick with a frame and without a finished texture."""
        return float(self.cpu[self.frames & ~self.landed].max())


def measure(program: str, side: int) -> MainThread:
    """Texture two objects in a window of Blender and time the add-on.

    Args:
        program: Blender's path.
        side: of the frames, in pixels.

    Raises:
        JobError: ``dependencies``: there is no window to be had; ``internal``: Blender failed.
    """
    worker = [
        sys.executable,
        "-u",
        str(_WORKER),
        "--steps",
        str(_STEPS),
        "--step-seconds",
        "0.05",
        "--frame-every",
        "30",
    ]
    worker += ["--frame-side", str(side)]
    with tempfile.TemporaryDirectory() as name:
        window = [*_screen(), program, "--factory-startup", "--window-geometry", "0", "0", "640", "480"]
        found = _run(window, _SCRIPT, Path(name), json.dumps(worker))
    if not all(found["textured"]):
        raise JobError("internal", "Blender made no textures while it was measured")
    columns = {key: np.array([tick[key] for tick in found["ticks"]]) for key in ("cpu", "wall", "frame", "landed")}
    frames, landed = columns["frame"].astype(bool), columns["landed"].astype(bool)
    return MainThread(found["blender"], side, columns["cpu"], columns["wall"], frames, landed, found["drawn"])


def export_seconds(program: str, triangles: int = TRIANGLES) -> float:
    """Seconds that the export of a waving grid of about so many ``triangles`` takes in Blender: the least of some.

    Raises:
        JobError: ``internal``: Blender failed.
    """
    with tempfile.TemporaryDirectory() as name:
        found = _run([program, "-b", "--factory-startup"], _EXPORT_SCRIPT, Path(name), str(triangles))
    return min(found["seconds"])


def _run(blender: Sequence[str], script: Path, folder: Path, what: str) -> Any:
    """What ``script`` writes when ``blender`` runs it, told a style image and ``what``."""
    output = folder / "found.json"
    command = [*blender, "--python-exit-code", "1", "-P", str(script), "--"]
    command += [str(output), str(sample_paths()[0]), what]
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(folder)}
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not output.is_file():
        raise JobError("internal", f"Blender ended with exit status {done.returncode}", done.stderr[-2000:])
    return json.loads(output.read_text(encoding="utf-8"))


def _screen() -> list[str]:
    """What stands before a program that needs a window, where there is no screen."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return []
    if shutil.which("xvfb-run") is None:
        raise JobError("dependencies", "There is no screen to open Blender's window on", "Install Xvfb")
    return ["xvfb-run", "-a", "-s", "-screen 0 1280x800x24"]


def misses(runs: Sequence[MainThread], export: float) -> list[str]:
    """Which bounds are missed, in words."""
    found = []
    usual, large = runs[0], runs[-1]
    if usual.tick > MOST_A_TICK:
        found.append(f"The 99th percentile of a tick is {usual.tick:.1f} ms; at most {MOST_A_TICK:.0f} ms are allowed")
    if large.frame > MOST_A_FRAME:
        found.append(f"A large frame takes {large.frame:.1f} ms; at most {MOST_A_FRAME:.0f} ms are allowed")
    if export > MOST_AN_EXPORT:
        found.append(f"The export takes {export:.1f} s; at most {MOST_AN_EXPORT:.0f} s are allowed")
    return found


def as_page(runs: Sequence[MainThread], export: float) -> str:
    """The page ``docs/performance.md``."""
    lines = [_INTRODUCTION, _HEADINGS]
    for run in runs:
        wall = run.wall
        cells = [
            f"{run.side} x {run.side}",
            str(len(run.cpu)),
            f"{np.median(run.cpu):.2f} ({np.median(wall):.2f})",
            f"{run.tick:.2f} ({np.percentile(wall[~run.landed], 99):.2f})",
            f"{run.frame:.2f} ({wall[run.frames & ~run.landed].max():.2f})",
            f"{run.cpu.max():.2f} ({wall.max():.2f})",
            str(run.drawn),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"Export of a grid of {TRIANGLES:,} triangles, with a modifier: {export:.2f} s.",
        "",
        f"Blender {runs[0].blender}, {platform.machine()}, {os.cpu_count()} processor cores, no graphics card.",
    ]
    return "\n".join(lines) + "\n"
