# SPDX-License-Identifier: GPL-3.0-or-later
"""``core batch`` as a real process, and what breaks in it; but for two tests a stand-in does the work on each item."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trimesh
from PIL import Image

from core.commands.output_folder import RESULTS
from core.job import CHECKPOINT_FILE, EXIT_STATUS

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = [sys.executable, str(ROOT / "tests" / "core" / "batch" / "stand_in.py")]
QUICK = [sys.executable, str(ROOT / "tests" / "core" / "commands" / "quick_stylize.py")]
ALL = ("high", "low", "wide")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send Ctrl-C to one process")
tmpfs = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount")


@pytest.fixture
def files(tmp_path, style_picture):
    """Three boxes of different heights, and a picture."""
    (tmp_path / "meshes").mkdir()
    for number, name in enumerate(ALL):
        trimesh.creation.box((1.0, 1.0, 1.0 + number)).export(tmp_path / "meshes" / f"{name}.obj")
    style_picture.save(tmp_path / "picture.png")
    return tmp_path


def command(files, *more, manifest="meshes", steps=3, seconds=0.0, out="out", real=False):
    given = ("batch", files / manifest, "--style", files / "picture.png", "--size", "256", "--device", "cpu")
    program = [*QUICK, str(steps), str(seconds), "none"] if real else [*STAND_IN, str(steps), str(seconds)]
    return [*program, *map(str, given), "--output", str(files / out), *map(str, more)]


def run(files, *more, **how):
    return subprocess.run(
        command(files, *more, **how), cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )


def start(files, **how):
    return subprocess.Popen(command(files, **how), cwd=ROOT, stderr=subprocess.PIPE, text=True)


def until(process, words, said=""):
    while words not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def table(files, out="out"):
    with (files / out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return {row["item"]: row for row in csv.DictReader(file)}


def logged(files, event, out="out"):
    lines = [line for path in sorted((files / out / "logs").iterdir()) for line in path.read_text().splitlines()]
    return [entry["item"] for entry in map(json.loads, lines) if entry["event"] == event]


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_meshes_is_textured_and_nothing_is_made_twice(files):
    result = run(files)
    assert result.returncode == 0, result.stderr
    for name in ALL:
        assert {path.name for path in (files / "out" / name).iterdir()} == {*RESULTS, "inputs.json"}
    assert [row["state"] for row in table(files).values()] == ["done"] * 3
    assert Image.open(files / "out" / "contact_sheet.jpg").width > 1000
    assert "3 items: 3 done, 0 failed" in result.stderr
    before = times(files / "out" / "low")
    trimesh.creation.box((1.0, 3.0, 1.0)).export(files / "meshes" / "wide.obj")
    again = run(files)
    assert again.returncode == 0 and times(files / "out" / "low") == before
    assert logged(files, "made") == ["high", "low", "wide", "wide"]
    assert logged(files, "finished before") == ["high", "low"]


def test_what_is_broken_is_named_and_the_rest_is_done_and_the_next_command_tries_it_again(files):
    (files / "meshes" / "cut.glb").write_bytes(b"glTF\2\0\0\0")
    lines = [
        {"defaults": {"mesh": "meshes/low.obj", "prompt": "a box"}},
        {"name": "before"},
        {"name": "broken mesh", "mesh": "meshes/cut.glb"},
        {"name": "no style", "style": "nowhere.png"},
        {"name": "seed", "seed": -1},
        {"name": "after", "seed": 7},
    ]
    (files / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = run(files, manifest="all.jsonl")
    assert result.returncode == 13 and "5 items: 2 done, 3 failed" in result.stderr and "Traceback" not in result.stderr
    rows = table(files)
    assert {name: (row["state"], row["error"]) for name, row in rows.items()} == {
        "before": ("done", ""),
        "broken mesh": ("failed", "bad_mesh"),
        "no style": ("failed", "bad_image"),
        "seed": ("failed", "bad_setting"),
        "after": ("done", ""),
    }
    assert "cut.glb" in rows["broken mesh"]["message"] and "nowhere.png" in rows["no style"]["message"]
    Image.open(files / "picture.png").save(files / "nowhere.png")
    again = run(files, manifest="all.jsonl")
    assert again.returncode == 12 and table(files)["no style"]["state"] == "done"
    assert logged(files, "made") == ["before", "after", "no style"]


@pytest.mark.slow
def test_real_textures_are_made_with_one_model_and_go_on_from_a_real_checkpoint(files):
    (files / "meshes" / "wide.obj").unlink()
    killed = start(files, steps=12, seconds=2.0, real=True)
    until(killed, "stage optimise")
    deadline = time.monotonic() + 120
    while not list((files / "out").rglob(CHECKPOINT_FILE)) and time.monotonic() < deadline:
        time.sleep(0.2)
    killed.kill()
    killed.communicate()
    result = run(files, steps=12, real=True)
    assert result.returncode == 0, result.stderr
    reports = [json.loads((files / "out" / name / "report.json").read_text()) for name in ALL[:2]]
    assert [bool(report["resumed_at"]) for report in reports] == [True, False]
    assert [report["steps_done"] for report in reports] == [12, 12]
    assert {path.name for path in (files / "out" / "low").iterdir()} == {*RESULTS, "inputs.json"}


@posix
def test_control_c_keeps_what_is_finished_and_the_same_command_goes_on_from_the_checkpoint(files):
    process = start(files, steps=25, seconds=0.1)
    until(process, "high: textured")
    until(process, "stage optimise of low")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - begun < 4.0
    assert process.returncode == EXIT_STATUS["cancelled"] and "goes on with the rest" in said, said
    assert (files / "out" / "high" / "report.json").is_file() and not (files / "out" / "low").exists()
    assert [path.parents[2].name for path in (files / "out").rglob(CHECKPOINT_FILE)] == ["low"]
    again = run(files, steps=25)
    assert again.returncode == 0, again.stderr
    resumed = {name: json.loads((files / "out" / name / "report.json").read_text())["resumed_at"] for name in ALL}
    assert resumed["low"] > 0 and not resumed["high"] and not resumed["wide"]


@posix
def test_two_commands_share_the_work_and_a_killed_one_leaves_its_item_to_the_other(files):
    first = start(files, steps=100, seconds=0.1)
    until(first, "stage optimise")
    second = start(files, steps=15, seconds=0.1)
    said = until(second, "low: textured")
    assert "high" not in said
    first.send_signal(signal.SIGKILL)
    first.communicate()
    _, said = second.communicate(timeout=120)
    assert second.returncode == 0 and "3 items: 3 done" in said, said
    assert sorted(logged(files, "made")) == ["high", "low", "wide"]


@posix
def test_a_command_leaves_alone_what_another_is_at(files):
    first = start(files, steps=100, seconds=0.2)
    try:
        until(first, "stage optimise")
        result = run(files)
        assert result.returncode == 0 and "3 items: 2 done, 0 failed, 1 being made" in result.stderr
        assert table(files)["high"]["state"] == "being made"
    finally:
        first.kill()
        first.communicate()


def test_somebody_elses_folder_is_not_replaced(files):
    (files / "out" / "low").mkdir(parents=True)
    (files / "out" / "low" / "base_color.png").write_text("mine")
    result = run(files)
    assert result.returncode == 11 and table(files)["low"]["error"] == "bad_request"
    assert (files / "out" / "low" / "base_color.png").read_text() == "mine"
    assert (files / "out" / "wide" / "report.json").is_file()


def test_a_painted_texture_is_not_replaced_when_the_style_changes(files):
    assert run(files).returncode == 0
    painted = files / "out" / "low" / "base_color.png"
    painted.write_bytes(painted.read_bytes() + b" ")
    content = painted.read_bytes()
    Image.new("RGB", (40, 40), (9, 80, 60)).save(files / "picture.png")
    result = run(files)
    assert result.returncode == 11 and "was changed since" in table(files)["low"]["message"]
    assert painted.read_bytes() == content
    assert logged(files, "made") == ["high", "low", "wide", "high", "wide"]


@tmpfs
def test_a_folder_that_cannot_be_written_to_is_named_before_any_work(files):
    (files / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(files / "disk")], check=True)
    try:
        result = run(files, out="disk/out")
    finally:
        subprocess.run(["umount", str(files / "disk")], check=True)
    assert result.returncode == EXIT_STATUS["bad_request"]
    assert "Read-only file system" in result.stderr and "Traceback" not in result.stderr


@tmpfs
def test_on_a_full_disk_each_is_named_and_what_has_room_is_done(files):
    (files / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(files / "disk")], check=True)
    lines = [
        {"mesh": f"meshes/{name}.obj", "size": size} for name, size in (("high", 256), ("low", 1024), ("wide", 256))
    ]
    (files / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    try:
        # The sizes are the items' own, and come before the command line's.
        result = run(files, manifest="all.jsonl", out="disk")
        rows = table(files, "disk")
    finally:
        subprocess.run(["umount", str(files / "disk")], check=True)
    assert result.returncode == 11 and "Traceback" not in result.stderr, result.stderr
    assert {name: row["error"] or row["state"] for name, row in rows.items()} == {
        "high": "done", "low": "disk_full", "wide": "done",
    }  # fmt: skip


def test_the_exit_status_says_how_many_failed_and_is_no_other_errors():
    from core.batch.command import MOST_TOLD, ONE_FAILED

    told = range(ONE_FAILED, ONE_FAILED + MOST_TOLD)
    assert not set(told) & {*EXIT_STATUS.values(), 128 + signal.SIGTERM} and max(told) == 100


def test_a_folder_without_a_name_is_refused(files):
    result = run(files, "--output", "")
    assert result.returncode == 2 and "--output" in result.stderr and "it is empty" in result.stderr


def test_a_blend_of_styles_is_taken_from_a_list_and_a_missing_one_is_named(files):
    Image.new("RGB", (64, 64), (9, 80, 60)).save(files / "second.png")
    lines = [
        {"name": "blend", "mesh": "meshes/low.obj", "style": ["picture.png:2", "second.png"]},
        {"name": "gone", "mesh": "meshes/low.obj", "style": ["picture.png", "nowhere.png:0.5"]},
    ]
    (files / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert run(files, manifest="all.jsonl").returncode == 11
    rows = table(files)
    assert rows["blend"]["state"] == "done" and "nowhere.png" in rows["gone"]["message"]
    inputs = json.loads((files / "out" / "blend" / "inputs.json").read_text())
    assert inputs["settings"]["style_weight"] == 2.0 and inputs["settings"]["more_styles"] == [1.0]
    assert "more_styles/0" in inputs["files"]
