# SPDX-License-Identifier: GPL-3.0-or-later
"""``core stylize`` as a real process, with few small steps, and what breaks in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from core.commands.interruptions import TERMINATED
from core.commands.output_folder import RESULTS, WORK_FOLDER
from core.job import CHECKPOINT_FILE, EXIT_STATUS

ROOT = Path(__file__).resolve().parents[3]
QUICK = [sys.executable, str(ROOT / "tests" / "core" / "commands" / "quick_stylize.py")]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send Ctrl-C to one process")
tmpfs = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount")


@pytest.fixture
def files(tmp_path, style_picture):
    trimesh.creation.box().export(tmp_path / "box.obj")
    style_picture.save(tmp_path / "picture.png")
    return tmp_path


def command(files, *more, steps=3, seconds=0.0, fault="none", mesh="box.obj", out="out"):
    given = ("stylize", files / mesh, "--style", files / "picture.png", "--prompt", "a box", "--preset", "draft")
    return [
        *(*QUICK, str(steps), str(seconds), fault, *map(os.fspath, given)),
        *("--size", "256", "--device", "cpu", "--output", str(files / out), *map(str, more)),
    ]


def run(files, *more, **how):
    return subprocess.run(
        command(files, *more, **how), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


class Started:
    """The command, running."""

    def __init__(self, files, ignoring=False, **how):
        ignore = (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignoring else None
        self.process = subprocess.Popen(
            command(files, **how), cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=ignore
        )
        self.said = ""

    def until(self, words):
        assert self.process.stderr is not None
        while words not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line

    def end(self, seconds):
        """Its exit status, when it ends in time."""
        assert self.process.stderr is not None
        begun = time.monotonic()
        status = self.process.wait(seconds + 60)
        self.took = time.monotonic() - begun
        self.said += self.process.stderr.read()
        self.process.stderr.close()
        assert self.took < seconds, (self.took, self.said)
        assert "Traceback" not in self.said
        return status


@posix
def test_the_first_control_c_stops_and_keeps(files):
    started = Started(files, steps=500, seconds=0.1)
    started.until("step 5")
    started.process.send_signal(signal.SIGINT)
    started.until("baking what there is")
    assert started.end(60) == 0
    assert {path.name for path in (files / "out").iterdir()} == set(RESULTS)
    report = json.loads((files / "out" / "report.json").read_text())
    assert report["finished_early"] and 0 < report["steps_done"] < 500


@posix
def test_started_in_the_background_it_stays_deaf_to_control_c(files):
    started = Started(files, ignoring=True, steps=20, seconds=0.05)
    started.until("stage optimise")
    for _ in range(2):
        started.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    assert started.end(60) == 0
    report = json.loads((files / "out" / "report.json").read_text())
    assert report["steps_done"] == 20 and not report["finished_early"]


@posix
@pytest.mark.slow
@pytest.mark.parametrize(("signals", "status"), [((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGTERM,), 143)])
def test_a_second_control_c_or_a_request_to_end_keeps_the_checkpoint_and_the_same_command_goes_on(
    files, signals, status
):
    started = Started(files, steps=60, seconds=0.3)
    started.until("step 3")
    for number in signals:
        started.process.send_signal(number)
        time.sleep(0.05)
    assert started.end(4) == status
    assert "the same command goes on from it" in started.said
    assert [path.name for path in (files / "out" / WORK_FOLDER / "job").iterdir()] == [CHECKPOINT_FILE]
    result = run(files, steps=60)
    assert result.returncode == 0, result.stderr
    report = json.loads((files / "out" / "report.json").read_text())
    assert report["resumed_at"] > 0 and report["steps_done"] == 60
    assert {path.name for path in (files / "out").iterdir()} == set(RESULTS)


@posix
@pytest.mark.parametrize("stage", ["imports", "mesh"])
def test_before_the_first_step_control_c_ends_it_at_once_even_inside_a_long_call(files, stage):
    started = Started(files, fault=f"hang:{stage}")
    started.until(f"stage {stage}")
    time.sleep(0.5)
    started.process.send_signal(signal.SIGINT)
    assert started.end(2.5) == EXIT_STATUS["cancelled"]
    assert "Cancelled before there was anything to keep" in started.said
    assert not (files / "out").exists()


@posix
@pytest.mark.parametrize("fault", ["last", "broken"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_also_where_python_drops_or_changes_what_is_raised(files, fault, number):
    started = Started(files, fault=f"{fault}:imports")
    started.until("stage imports")
    time.sleep(0.5)
    started.process.send_signal(number)
    assert started.end(3.0) == (EXIT_STATUS["cancelled"] if number == signal.SIGINT else TERMINATED)
    said = started.said.partition("stage imports")[2]
    assert "Cancelled before there was anything to keep" in said
    assert not any(words in said for words in ("ignored", "Traceback", "Error"))


@posix
@pytest.mark.parametrize("stage", ["coverage", "preview"])
def test_after_the_last_step_the_second_control_c_ends_it_at_once_even_inside_a_long_call(files, stage):
    started = Started(files, fault=f"hang:{stage}")
    started.until(f"stage {stage}")
    time.sleep(0.5)
    started.process.send_signal(signal.SIGINT)
    started.until("Almost there")
    started.process.send_signal(signal.SIGINT)
    assert started.end(2.5) == EXIT_STATUS["cancelled"]
    assert (files / "out" / WORK_FOLDER / "job" / CHECKPOINT_FILE).exists()


@pytest.mark.slow
def test_the_natural_second_command_keeps_the_first_texture(files):
    assert run(files).returncode == 0
    texture = files / "out" / "base_color.png"
    before = texture.read_bytes()
    refused = run(files, "--base-color", texture)
    assert refused.returncode == EXIT_STATUS["bad_request"]
    assert "the job starts from it" in refused.stderr and "--force" in refused.stderr
    assert texture.read_bytes() == before
    assert {path.name for path in (files / "out").iterdir()} == set(RESULTS)
    elsewhere = run(files, "--base-color", texture, mesh="out/textured.glb", out="restyled")
    assert elsewhere.returncode == 0 and texture.read_bytes() == before, elsewhere.stderr


@posix
@pytest.mark.slow
def test_two_runs_on_one_folder_get_a_clear_word(files):
    first = Started(files, steps=100, seconds=0.3)
    first.until("stage mesh")
    second = run(files)
    assert second.returncode == EXIT_STATUS["bad_request"] and "Another run is writing" in second.stderr
    first.process.send_signal(signal.SIGKILL)
    first.process.communicate()
    assert run(files).returncode == 0


@tmpfs
def test_on_a_small_disk_the_texture_is_there_and_what_is_not_is_said(files):
    disk = files / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], check=True)
    try:
        result = run(files, steps=12, out="disk/out")
        assert result.returncode == 0, result.stderr
        assert (disk / "out" / "base_color.png").stat().st_size > 1000
        assert "No space left on device" in result.stderr and "Traceback" not in result.stderr
        assert result.stderr.count("without a checkpoint") <= 1
        assert not (disk / "out" / WORK_FOLDER).exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_where_no_checkpoint_can_be_saved_one_warning_says_so(files):
    result = run(files, fault="no_checkpoint")
    assert result.returncode == 0 and result.stderr.count("without a checkpoint") == 1
    report = json.loads((files / "out" / "report.json").read_text())
    assert [warning["code"] for warning in report["warnings"]] == ["checkpoint"]


def test_an_output_folder_that_is_deleted_mid_run_gets_its_results(files):
    result = run(files, fault="lose_output")
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (files / "out").iterdir()} >= {"base_color.png", "report.json"}


@posix
def test_names_that_are_no_unicode_or_look_like_markup_work(files):
    mesh = os.fsdecode(b"che\xe9.glb")
    trimesh.creation.box().export(files / "box.glb")
    (files / "box.glb").rename(files / mesh)
    result = run(files, mesh=mesh, out="out [red]:smile:[/x]")
    assert result.returncode == 0, result.stderr
    assert "out [red]:smile:[/x]/base_color.png" in result.stderr
    report = json.loads((files / "out [red]:smile:[/x]" / "report.json").read_text(encoding="utf-8"))
    assert report["job"]["object_name"] == "che\N{REPLACEMENT CHARACTER}"


@posix
def test_a_prompt_that_is_no_unicode_is_refused_before_anything_is_computed(files):
    result = run(files, "--content", os.fsdecode(b"che\xe9"))
    assert result.returncode == EXIT_STATUS["bad_setting"] and "no Unicode" in result.stderr
    assert not (files / "out").exists()


def test_a_bad_picture_is_said_also_where_the_output_folder_is_the_current_one(files):
    (files / "picture.png").write_bytes(b"no picture")
    result = run(files, out=".")
    assert result.returncode == EXIT_STATUS["bad_image"] and "Traceback" not in result.stderr
    assert {path.name for path in files.iterdir()} >= {"box.obj", "picture.png"}
    assert not (files / WORK_FOLDER).exists()


def test_a_part_is_textured_by_a_mask_and_the_rest_is_the_picture_that_is_there(files):
    corners = "v 0 0 0\nv 2 0 0\nv 2 0 1\nv 0 0 1\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
    (files / "wall.obj").write_text(corners + "f 1/1 2/2 3/3 4/4\n")
    before = np.random.default_rng(0).integers(0, 256, (60, 100, 3), dtype=np.uint8)
    Image.fromarray(before).save(files / "present.png")
    mask = np.zeros((60, 100), dtype=np.uint8)
    mask[:, :50] = 255
    Image.fromarray(mask).save(files / "mask.png")
    more = ("--base-color", files / "present.png", "--only-mask", files / "mask.png")
    done = run(files, *more, mesh="wall.obj")
    assert done.returncode == 0, done.stderr
    after = np.asarray(Image.open(files / "out" / "base_color.png"))
    np.testing.assert_array_equal(after[:, 50:], before[:, 50:])
    assert (after[:, :40] != before[:, :40]).any(axis=-1).mean() > 0.8
    assert json.loads((files / "out" / "report.json").read_text())["region"]["texels"] == pytest.approx(0.5, abs=0.02)


def test_a_broken_mask_is_called_as_its_user_does(files):
    Image.new("RGB", (100, 60), (20, 80, 200)).save(files / "present.png")
    (files / "my mask.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    corners = "v 0 0 0\nv 2 0 0\nv 2 0 1\nv 0 0 1\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
    (files / "wall.obj").write_text(corners + "f 1/1 2/2 3/3 4/4\n")
    more = ("--base-color", files / "present.png", "--only-mask", files / "my mask.png")
    done = run(files, *more, mesh="wall.obj")
    assert done.returncode == 2 and "my mask.png cannot be read" in done.stderr, done.stderr
    assert "only.png" not in done.stderr


def test_an_empty_output_is_no_folder(files):
    done = run(files, "--output", "")
    assert done.returncode == 2 and "--output: it is empty" in done.stderr


def test_a_mask_without_the_texture_around_it_is_refused(files):
    done = run(files, "--only-mask", files / "picture.png")
    assert done.returncode == EXIT_STATUS["bad_request"]
    assert "--only-mask needs the texture that stays outside of it" in done.stderr


@posix
def test_where_files_cannot_be_locked_a_warning_says_so(files):
    result = run(files, fault="no_locks")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("has no locks: use that folder for one run at a time") == 1


@posix
def test_a_file_that_is_not_there_is_named_readably(files):
    result = run(files, mesh=os.fsdecode(b"che\xe9.obj"))
    assert result.returncode == EXIT_STATUS["bad_mesh"]
    assert "There is no file" in result.stderr and "Check the path" in result.stderr
    assert "che\N{REPLACEMENT CHARACTER}.obj" in result.stderr and "udce9" not in result.stderr
