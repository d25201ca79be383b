# SPDX-License-Identifier: GPL-3.0-or-later
"""An output folder loses nothing: of ours, of other people, of an earlier run."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.commands.output_folder import KEPT_FOLDER, MODEL_FILE, RESULTS, WORK_FOLDER, OutputFolder
from core.job import CHECKPOINT_FILE, PREVIEW_FILE, REPORT_FILE, TEXTURE_FILE, JobError
from tests.core.commands.output_runs import ALL, contents, finish, make_files, put

ROOT = Path(__file__).resolve().parents[3]
posix = pytest.mark.skipif(os.name == "nt", reason="links, signals")
tmpfs = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount")


def test_results_are_all_that_is_left(out, new_reporter):
    placed = finish(out, "first", new_reporter())
    assert placed == [out / TEXTURE_FILE] and {path.name for path in out.iterdir()} == set(RESULTS)
    assert contents(out) == (ALL, {"first"})


def test_an_earlier_set_is_replaced_with_its_tiles(out, new_reporter):
    finish(out, "first", new_reporter(), textures=("base_color.1001.png", "base_color.1002.png"))
    (out / "base_color.1003.png").write_text("somebody's")
    finish(out, "second", new_reporter())
    assert {path.name for path in out.iterdir()} == {*RESULTS, "base_color.1003.png"}
    assert (out / TEXTURE_FILE).read_text().startswith("second")


@pytest.mark.parametrize("name", RESULTS)
def test_files_of_others_are_only_replaced_by_force(out, new_reporter, name):
    out.mkdir()
    (out / name).write_text("precious")
    output = OutputFolder(out, False, [])
    with pytest.raises(JobError, match=name) as caught:
        output.require_room(RESULTS)
    with pytest.raises(JobError, match="could not be put"):
        put(output, "new", new_reporter())
    output.leave()
    assert "--force" in caught.value.hint and (out / name).read_text() == "precious"
    finish(out, "new", new_reporter(), force=True)
    assert contents(out) == (ALL, {"new"})


def test_a_result_that_was_painted_over_is_not_ours_any_more(out, new_reporter):
    finish(out, "first", new_reporter())
    (out / TEXTURE_FILE).write_text("painted over")
    output = OutputFolder(out, False, [])
    with pytest.raises(JobError, match="changed since"):
        output.require_room(RESULTS)
    output.leave()
    assert (out / TEXTURE_FILE).read_text() == "painted over"


def test_an_input_is_never_an_output(out, new_reporter):
    out.mkdir()
    (out / TEXTURE_FILE).write_text("precious")
    for force in (False, True):
        output = OutputFolder(out, force, [out / ".." / "out" / TEXTURE_FILE])
        with pytest.raises(JobError, match="the job starts from it"):
            output.require_room(RESULTS)
        output.leave()
    assert (out / TEXTURE_FILE).read_text() == "precious"


def test_an_earlier_result_that_is_the_input_is_only_replaced_by_force(out, new_reporter):
    finish(out, "first", new_reporter())
    output = OutputFolder(out, False, [out / TEXTURE_FILE])
    with pytest.raises(JobError, match="the job starts from it") as caught:
        output.require_room(RESULTS)
    output.leave()
    assert "--force" in caught.value.hint and contents(out) == (ALL, {"first"})
    output = OutputFolder(out, True, [out / TEXTURE_FILE])
    output.require_room(RESULTS)
    put(output, "second", new_reporter())
    output.leave()
    assert contents(out) == (ALL, {"second"})


def test_an_input_in_the_work_folder_is_refused_before_anything_is_removed(out):
    given = out / WORK_FOLDER / "job" / "style.png"
    given.parent.mkdir(parents=True)
    (out / WORK_FOLDER / "lock").touch()
    given.write_text("precious")
    with pytest.raises(JobError, match="removes what it does not need"):
        OutputFolder(out, True, [given])
    assert given.read_text() == "precious"


def test_a_folder_with_the_name_of_a_result_is_refused_at_once(out):
    (out / MODEL_FILE).mkdir(parents=True)
    output = OutputFolder(out, True, [])
    with pytest.raises(JobError, match="is a folder"):
        output.require_room(RESULTS)
    output.leave()
    assert [path.name for path in out.iterdir()] == [MODEL_FILE]


HOLD = """
import pathlib, sys
from core.commands.output_folder import OutputFolder
output = OutputFolder(pathlib.Path(sys.argv[1]), False, [])
print("held", flush=True)
sys.stdin.read()
"""


@posix
def test_two_runs_never_share_a_folder_and_the_lock_dies_with_its_run(out):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None and holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(JobError, match="Another run") as caught:
        OutputFolder(out, True, [])
    assert "Wait" in caught.value.hint and (out / WORK_FOLDER / "job").is_dir(), "nothing of the other's is removed"
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    OutputFolder(out, False, []).leave()
    assert not out.exists() or list(out.iterdir()) == []


KILLED = """
import os, pathlib, signal, sys
sys.path.insert(0, sys.argv[3])
from core.commands.output_folder import OutputFolder
from tests.core.commands.test_output_folder import make_files
from tests.core.conftest import RecordingReporter

output = OutputFolder(pathlib.Path(sys.argv[1]), False, [])
files = make_files(output.job, "second")
left = int(sys.argv[2])
def deadly(real):
    def act(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return act
for name in ("rename", "replace", "rmdir", "mkdir", "unlink"):
    setattr(pathlib.Path, name, deadly(getattr(pathlib.Path, name)))
output.put(*files, {"run": "second"}, RecordingReporter())
output.leave()
print(left)
"""


@posix
@pytest.mark.parametrize("at", [3, 5, 6, 7, 9, 11, 13, 14, 15, 16, 17, 18, 20, 24])
def test_killed_at_any_moment_of_the_replacement_one_whole_set_is_there(out, new_reporter, at):
    finish(out, "first", new_reporter())
    script = [sys.executable, "-c", KILLED, str(out), str(at), str(ROOT)]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    output = OutputFolder(out, False, [])
    names, runs = contents(out)
    assert names == ALL and len(runs) == 1, "after it was put in order"
    kept = [path.read_text() for path in out.glob(f"{KEPT_FOLDER}*/{TEXTURE_FILE}")]
    assert runs == {"second"} or kept == [f"second {TEXTURE_FILE}"], "and the new texture is somewhere"
    output.require_room(RESULTS)
    output.leave()


def test_where_one_file_cannot_be_placed_the_old_set_stays_and_the_new_one_is_kept(out, new_reporter, monkeypatch):
    finish(out, "first", new_reporter())
    real = Path.rename
    for fails_at in range(1, 13):
        output = OutputFolder(out, False, [])
        textures, others = make_files(output.job, "second")
        (output.job / CHECKPOINT_FILE).write_text("state")
        count = 0

        def rename(self, target, fails_at=fails_at):
            nonlocal count
            count += 1
            if count == fails_at:
                raise PermissionError(errno.EACCES, "Permission denied", str(target))
            return real(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", rename)
            with pytest.raises(JobError, match="Permission denied") as caught:
                output.put(textures, others, {"run": "second"}, new_reporter())
        assert contents(out) == (ALL, {"first"}), fails_at
        kept = Path(caught.value.hint.partition("safe: ")[2])
        assert (kept / TEXTURE_FILE).read_text() == f"second {TEXTURE_FILE}", fails_at
        assert output.resumable
        output.leave()
        assert (kept / TEXTURE_FILE).exists() and (output.job / CHECKPOINT_FILE).exists()
        (output.job / CHECKPOINT_FILE).unlink()


def test_a_set_that_lacks_what_the_old_one_has_is_kept_beside_it(out, new_reporter):
    finish(out, "first", new_reporter())
    with pytest.raises(JobError, match=MODEL_FILE) as caught:
        finish(out, "second", new_reporter(), others=(PREVIEW_FILE,))
    assert contents(out) == (ALL, {"first"})
    assert str(out / KEPT_FOLDER) in caught.value.hint and (out / KEPT_FOLDER / TEXTURE_FILE).exists()


def test_where_there_was_no_set_a_lacking_one_is_better_than_none(out, new_reporter):
    finish(out, "first", new_reporter(), others=())
    assert {path.name for path in out.iterdir()} == {TEXTURE_FILE, REPORT_FILE}


def test_textures_from_another_disk_are_copied(out, tmp_path, new_reporter, monkeypatch):
    real = Path.rename

    def rename(self, target):
        if self.parent == tmp_path / "elsewhere":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    output = OutputFolder(out, False, [])
    textures, _ = make_files(tmp_path / "elsewhere", "only", others=())
    output.put(textures, [], {"run": "only"}, new_reporter())
    output.leave()
    assert contents(out) == ({TEXTURE_FILE}, {"only"})


def test_an_output_folder_that_was_deleted_meanwhile_is_made_again(out, tmp_path, new_reporter):
    import shutil

    output = OutputFolder(out, False, [])
    shutil.rmtree(out)
    textures, _ = make_files(tmp_path / "elsewhere", "only", others=())
    output.put(textures, [], {"run": "only"}, new_reporter())
    output.leave()
    assert contents(out) == ({TEXTURE_FILE}, {"only"})


@tmpfs
@pytest.mark.parametrize("earlier", [False, True])
def test_on_a_full_disk_nothing_is_lost(tmp_path, new_reporter, earlier):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=True)
    try:
        out = disk / "out"
        if earlier:
            finish(out, "first", new_reporter())
        output = OutputFolder(out, False, [])
        files = make_files(output.job, "second")
        with pytest.raises(OSError), (disk / "filler").open("wb") as filler:
            while True:
                filler.write(bytes(4096))
                filler.flush()
        reporter = new_reporter()
        if earlier:
            with pytest.raises(JobError) as caught:
                output.put(*files, {"run": "second"}, reporter)
            kept = Path(caught.value.hint.partition("safe: ")[2])
            assert contents(out) == (ALL, {"first"}) and (kept / TEXTURE_FILE).read_text() == f"second {TEXTURE_FILE}"
            assert caught.value.code == "disk_full"
        else:
            output.put(*files, {"run": "second"}, reporter)
            assert contents(out)[0] == ALL
        assert [code for code, _ in reporter.warnings] == ["report"]
        output.leave()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_textures_that_a_killed_run_baked_without_a_checkpoint_are_kept(out):
    output = OutputFolder(out, False, [])
    make_files(output.job, "only", others=())
    output._lock.release()
    OutputFolder(out, False, []).leave()
    assert [path.name for path in out.iterdir()] == [KEPT_FOLDER]
    assert (out / KEPT_FOLDER / TEXTURE_FILE).read_text() == f"only {TEXTURE_FILE}"


def test_only_what_the_run_made_is_removed(tmp_path, monkeypatch):
    OutputFolder(tmp_path / "new" / "deep" / "out", False, []).leave()
    assert list(tmp_path.iterdir()) == []
    empty = tmp_path / "empty"
    empty.mkdir()
    OutputFolder(empty, False, []).leave()
    assert list(empty.iterdir()) == []
    monkeypatch.chdir(empty)
    OutputFolder(Path(), False, []).leave()
    assert empty.is_dir()
