# SPDX-License-Identifier: GPL-3.0-or-later
"""Job folders that Blender exported, as the manifest of a batch."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.job import MESH_FILE, THUMBNAIL_FILE, Job, write_job
from tests.core.batch.test_batch_command import QUICK, ROOT, STAND_IN, logged, posix, table, until

WALL = {
    "positions": np.array([[0, 0, 0], [2, 0, 0], [2, 0, 1], [0, 0, 1]], dtype=np.float32),
    "corner_normals": np.tile(np.array([0, -1, 0], dtype=np.float32), (2, 3, 1)),
    "corner_uvs": np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], dtype=np.float32),
    "triangles": np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
}
JOB = Job(object_name="Wall", prompt="a wall", style_image="style.png", texture_size=256, device="cpu")


@pytest.fixture
def jobs(tmp_path, style_picture):
    """Jobs of three objects."""
    for name in ("Roof", "Tower", "Wall"):
        folder = tmp_path / "jobs" / name
        folder.mkdir(parents=True)
        np.savez(folder / MESH_FILE, **WALL)
        style_picture.save(folder / "style.png")
        write_job(replace(JOB, object_name=name, seed=len(name)), folder)
    return tmp_path / "jobs"


def command(jobs, *more, steps=3, seconds=0.0, program=STAND_IN):
    given = ("batch", jobs, "--output", jobs.parent / "out", *more)
    return [*program, str(steps), str(seconds), *(["none"] if program is QUICK else []), *map(str, given)]


def run(jobs, *more, **how):
    return subprocess.run(command(jobs, *more, **how), cwd=ROOT, capture_output=True, text=True, check=False)


def start(jobs, *more, **how):
    return subprocess.Popen(command(jobs, *more, **how), cwd=ROOT, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_job_of_blenders_gets_a_real_texture(jobs):
    shutil.rmtree(jobs / "Roof")
    shutil.rmtree(jobs / "Tower")
    done = run(jobs, program=QUICK)
    assert done.returncode == 0, done.stderr
    made = jobs.parent / "out" / "Wall"
    assert Image.open(made / "base_color.png").size == (256, 256)
    assert {path.name for path in made.iterdir()} == {
        "base_color.png", "preview.png", THUMBNAIL_FILE, "report.json", "inputs.json",
    }  # fmt: skip
    assert json.loads((made / "report.json").read_text())["steps_done"] == 3


def test_a_folder_of_jobs_is_a_manifest_and_a_broken_one_fails_alone(jobs):
    (jobs / "Tower" / "job.json").write_text("{")
    (jobs / "Roof" / "style.png").unlink()
    shutil.copytree(jobs / "Wall", jobs / ".Wall.part")
    assert run(jobs).returncode == 12
    rows = table(jobs.parent)
    assert {name: row["state"] for name, row in rows.items()} == {"Roof": "failed", "Tower": "failed", "Wall": "done"}
    assert "lacks its file style.png" in rows["Roof"]["message"] and "cannot be read" in rows["Tower"]["message"]


def test_a_job_is_not_called_like_what_else_is_in_the_output(jobs):
    (jobs / "Roof").rename(jobs / "logs")
    done = run(jobs)
    assert done.returncode == 2 and "No result can have the name of the job" in done.stderr


def test_jobs_say_themselves_how_they_are_made(jobs):
    done = run(jobs, "--preset", "paper")
    assert done.returncode == 2 and "not --preset" in done.stderr


@posix
def test_a_job_that_is_taken_back_is_made_no_further_and_the_others_are(jobs):
    process = start(jobs, steps=100, seconds=0.05)
    until(process, "stage optimise of Roof")
    shutil.rmtree(jobs / "Roof")
    shutil.rmtree(jobs / "Wall")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "1 items: 1 done, 0 failed" in said, said
    assert logged(jobs.parent, "withdrawn") == ["Roof", "Wall"] and logged(jobs.parent, "made") == ["Tower"]
    assert list((jobs.parent / "out" / ".styletex-batch" / "items").iterdir()) == []


@posix
def test_commands_in_turn_work_one_after_the_other_on_what_there_is_then(jobs):
    shutil.move(jobs / "Wall", jobs.parent)
    first = start(jobs, "--in-turn", steps=20, seconds=0.05)
    until(first, "stage optimise of Roof")
    second = start(jobs, "--in-turn")
    time.sleep(1.5)
    assert second.poll() is None
    shutil.move(jobs.parent / "Wall", jobs)
    _, said = second.communicate(timeout=60)
    assert first.poll() == 0 and "3 items: 3 done" in said, said
    first.communicate()
    assert logged(jobs.parent, "finished before") == ["Roof", "Tower"]
    assert sorted(logged(jobs.parent, "made")) == ["Roof", "Tower", "Wall"]
