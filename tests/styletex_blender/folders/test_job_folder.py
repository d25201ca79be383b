# SPDX-License-Identifier: GPL-3.0-or-later
"""Job folders: kept for the job that goes on, never shared, and gone when there is nothing to go on from."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from styletex.core.job import CHECKPOINT_FILE, MESH_FILE, REPORT_FILE, TEXTURE_FILE, Job
from styletex.styletex_blender.folders import job_folder
from styletex.styletex_blender.folders.job_folder import KEPT_DAYS, JobFolder, prune
from styletex.styletex_blender.folders.kept import Landing, kept_folders, kept_place, read

ROOT = Path(__file__).resolve().parents[3]
JOB = Job("Suzanne", "a monkey", "style.png")

HOLD = """
import pathlib, sys, types
for name, path in (("styletex", sys.argv[1]), ("styletex.styletex_blender", sys.argv[1] + "/styletex_blender")):
    sys.modules[name] = package = types.ModuleType(name)
    package.__path__ = [path]
from styletex.core.job import CHECKPOINT_FILE, MESH_FILE, Job
from styletex.styletex_blender.folders.job_folder import JobFolder
folder = JobFolder.new(pathlib.Path(sys.argv[2]))
(folder.path / MESH_FILE).write_bytes(b"mesh")
(folder.path / "style.png").write_bytes(b"style")
folder.settle(Job("Suzanne", "a monkey", "style.png"))
(folder.path / CHECKPOINT_FILE).write_bytes(b"half")
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def jobs(tmp_path):
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder


def make(jobs, job=JOB, mesh=b"mesh", style=b"style"):
    folder = JobFolder.new(jobs)
    (folder.path / MESH_FILE).write_bytes(mesh)
    (folder.path / job.style_image).write_bytes(style)
    folder.settle(job)
    return folder


def interrupt(folder):
    """What a failed run leaves."""
    (folder.path / CHECKPOINT_FILE).write_bytes(b"half")
    folder.leave(keep_checkpoint=True)
    return folder.path


def test_same_job_finds_its_checkpoint_and_nothing_else_of_before(jobs):
    folder = make(jobs)
    (folder.path / "frames").mkdir()
    path = interrupt(folder)
    assert list(jobs.iterdir()) == [path]
    again = make(jobs)
    assert again.path == path
    assert again.resumable
    assert sorted(found.name for found in path.iterdir()) == sorted([CHECKPOINT_FILE, MESH_FILE, "style.png"])
    again.leave(keep_checkpoint=False)
    assert list(jobs.iterdir()) == []


@pytest.mark.parametrize(
    "other",
    [
        {"mesh": b"another mesh"},
        {"style": b"another picture"},
        {"job": replace(JOB, seed=1)},
        {"job": replace(JOB, prompt="a chest")},
    ],
)
def test_another_job_gets_another_folder(jobs, other):
    path = interrupt(make(jobs))
    folder = make(jobs, **other)
    assert folder.path != path
    assert not folder.resumable


def test_another_present_colour_gets_another_folder(jobs):
    def made(pixels):
        folder = JobFolder.new(jobs)
        for name, content in ((MESH_FILE, b"mesh"), (JOB.style_image, b"style"), ("present.png", pixels)):
            (folder.path / name).write_bytes(content)
        folder.settle(replace(JOB, base_color="present.png"))
        return folder

    first = interrupt(made(b"wood"))
    assert made(b"stone").path != first
    assert made(b"wood").resumable


def test_a_smaller_texture_under_another_name_goes_on(jobs):
    path = interrupt(make(jobs))
    assert make(jobs, replace(JOB, object_name="Monkey", texture_size=512)).path == path


def test_without_a_checkpoint_nothing_stays(jobs):
    make(jobs).leave(keep_checkpoint=True)
    assert list(jobs.iterdir()) == []


def test_folder_in_use_is_not_shared_not_pruned_and_not_touched(jobs):
    first = make(jobs)
    (first.path / CHECKPOINT_FILE).write_bytes(b"half")
    prune(jobs)
    second = make(jobs)
    assert second.path != first.path
    assert not second.resumable
    second.leave(keep_checkpoint=False)
    assert (first.path / CHECKPOINT_FILE).read_bytes() == b"half"
    first.leave(keep_checkpoint=False)
    assert list(jobs.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_folder_of_another_process_is_free_when_that_was_killed(jobs):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(ROOT), str(jobs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        meanwhile = make(jobs)
        prune(jobs)
        assert meanwhile.path != held
        meanwhile.leave(keep_checkpoint=True)
        os.kill(holder.pid, signal.SIGKILL)
    prune(jobs)
    after = make(jobs)
    assert after.path == held
    assert after.resumable


def test_prune_takes_what_cannot_be_resumed(jobs):
    path = interrupt(make(jobs))
    (jobs / "nothing to resume").mkdir()
    (jobs / "folder never made.lock").touch()
    prune(jobs)
    assert list(jobs.iterdir()) == [path]


def on_day(monkeypatch, day):
    monkeypatch.setattr("time.strftime", lambda *_arguments: f"2026-11-{day:02d}")


def test_interrupted_job_waits_for_as_many_days_of_use_as_are_promised(jobs, monkeypatch):
    path = interrupt(make(jobs))
    for day in range(1, KEPT_DAYS + 1):
        on_day(monkeypatch, day)
        prune(jobs)
        prune(jobs)
        assert path.exists()
    on_day(monkeypatch, KEPT_DAYS + 1)
    prune(jobs)
    assert not path.exists()


def test_clock_that_is_set_forward_takes_no_interrupted_job(jobs, monkeypatch):
    path = interrupt(make(jobs))
    past = time.time() - 10.0 * 365.0 * 86400.0
    os.utime(path, (past, past))
    prune(jobs)
    assert (path / CHECKPOINT_FILE).exists()


def finish(folder):
    """What a worker leaves when Blender ends before it could take the texture."""
    Landing("che\u00e9", "", "packed", {}).write(folder.path)
    (folder.path / TEXTURE_FILE).write_bytes(b"picture")
    (folder.path / REPORT_FILE).write_text("{}")


def test_finished_texture_that_nobody_took_goes_where_such_are_kept(jobs):
    folder = make(jobs)
    finish(folder)
    folder.leave(keep_checkpoint=True)
    prune(jobs)
    assert list(jobs.iterdir()) == []
    (kept,) = kept_folders(kept_place(jobs))
    found = read(kept)
    assert found.picture.read_bytes() == b"picture"
    assert found.landing.object_name == "che\u00e9"
    assert not (kept / MESH_FILE).exists()


def test_finished_texture_in_the_way_of_the_same_job_stays(jobs):
    first = make(jobs)
    finish(first)
    first.leave(keep_checkpoint=True)
    assert make(jobs).path != first.path
    assert (first.path / TEXTURE_FILE).read_bytes() == b"picture"


@pytest.mark.skipif(sys.platform == "win32", reason="flock is POSIX's")
def test_where_files_cannot_be_locked_jobs_go_on_and_nothing_of_others_is_tidied_away(jobs, monkeypatch):
    def no_lock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(job_folder.fcntl, "flock", no_lock)
    monkeypatch.setattr(job_folder, "unlocked", set())
    other = make(jobs)
    assert job_folder.unlocked == {jobs}, "for a warning"
    prune(jobs)
    assert (other.path / MESH_FILE).is_file()
    other.leave(keep_checkpoint=False)
    assert list(jobs.iterdir()) == []
