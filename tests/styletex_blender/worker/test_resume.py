# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that was interrupted goes on from its checkpoint, whoever died; one that ended leaves nothing on disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from styletex.core.job import CHECKPOINT_FILE

ROOT = Path(__file__).resolve().parents[3]
FAKE = [sys.executable, "-u", str(ROOT / "tests" / "fake_worker.py"), "--step-seconds", "0.005"]
GOES_ON = "It then goes on from where it stopped"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")


@pytest.fixture
def jobs(bpy, styletex):
    """The folder of job folders, with nothing from other tests in it."""
    folder = styletex.module("worker.environment").jobs_folder()
    shutil.rmtree(folder)
    folder.mkdir()
    return folder


@pytest.fixture
def cube(bpy, scene):
    return bpy.data.objects["Cube"]


def interrupted(styletex, cube):
    """A run whose worker was killed just after it wrote a checkpoint."""
    run = styletex.begin([cube], "--checkpoint-at", "9")
    folder = run.tasks[0].folder.path
    styletex.until((folder / CHECKPOINT_FILE).exists)
    os.kill(styletex.module("worker.warm_worker")._client.pid, signal.SIGKILL)
    styletex.until(lambda: run.finished)
    assert run.outcomes[0].error.code == "worker_died"
    return run


def test_worker_killed_mid_job_loses_nothing(bpy, cube, styletex, jobs):
    first = interrupted(styletex, cube)
    folder = first.tasks[0].folder.path
    assert list(jobs.iterdir()) == [folder]
    assert first.outcomes[0].error.hint.endswith(GOES_ON)
    second = styletex.begin([cube], "--die-at", "9")  # It does not come to that: nine steps were done.
    assert second.tasks[0].folder.path == folder
    styletex.until(lambda: second.steps > 0)
    assert second.step > 9
    styletex.end(second)
    assert second.outcomes[0].textured
    assert list(jobs.iterdir()) == []


def test_cancel_forgets_what_was_interrupted(bpy, cube, styletex, jobs):
    interrupted(styletex, cube)
    run = styletex.begin([cube])
    styletex.until(lambda: run.steps > 0)
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
    assert list(jobs.iterdir()) == []


def test_loading_a_file_keeps_the_checkpoint(bpy, cube, styletex, jobs):
    run = styletex.begin([cube], "--checkpoint-at", "9")
    folder = run.tasks[0].folder.path
    styletex.until((folder / CHECKPOINT_FILE).exists)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert list(jobs.iterdir()) == [folder]


@pytest.mark.parametrize(
    "behaviour", [["--die-at", "9"], ["--checkpoint-at", "3", "--error-at", "9", "--error-code", "non_finite"]]
)
def test_failure_without_a_way_on_leaves_nothing(bpy, cube, styletex, jobs, behaviour):
    run = styletex.begin([cube], *behaviour)
    styletex.until(lambda: run.finished)
    assert GOES_ON not in run.outcomes[0].error.hint
    assert list(jobs.iterdir()) == []


def test_job_of_a_killed_blender_goes_on_in_the_next(bpy, cube, styletex, jobs, fake_worker, style_image, tmp_path):
    scene_file = tmp_path / "scene.blend"
    bpy.context.view_layer.objects.active = cube
    bpy.ops.wm.save_as_mainfile(filepath=str(scene_file), compress=False)
    arguments = ["--style", str(style_image), "--prompt", "a box", "--size", "256"]
    script = [str(ROOT / "tests" / "styletex_blender" / "as_blender.py"), str(scene_file)]
    headless = ["-P", str(ROOT / "styletex_blender" / "headless.py"), "--", *arguments]
    worker = json.dumps([*FAKE, "--steps", "100000", "--checkpoint-at", "9"])
    killed = subprocess.Popen(
        [sys.executable, *script, *headless], cwd=ROOT, env={**os.environ, "STYLETEX_WORKER": worker}
    )
    end = time.monotonic() + 240.0
    while not (kept := [path.parent for path in jobs.glob(f"*/{CHECKPOINT_FILE}")]):
        assert killed.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert (kept[0].with_suffix(".lock")).exists(), "it had no time to tidy up"
    fake_worker("--die-at", "9")
    assert styletex.module("headless").main(arguments) == 0
    assert list(jobs.iterdir()) == []
