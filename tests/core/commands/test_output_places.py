# SPDX-License-Identifier: GPL-3.0-or-later
"""Where results may go: around folders, links and disks that are not ours."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from core.commands.output_folder import MODEL_FILE, WORK_FOLDER, OutputFolder
from core.job import CHECKPOINT_FILE, JobError
from tests.core.commands.output_runs import ALL, contents, finish, put

posix = pytest.mark.skipif(os.name == "nt", reason="links, signals")
tmpfs = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount")


@pytest.mark.parametrize("name", [".job", WORK_FOLDER])
def test_a_folder_of_the_users_own_is_not_touched(out, name):
    (out / name).mkdir(parents=True)
    (out / name / "notes.txt").write_text("precious")
    if name == WORK_FOLDER:
        with pytest.raises(JobError, match="not of StyleTex's making"):
            OutputFolder(out, True, [])
    else:
        OutputFolder(out, True, []).leave()
    assert (out / name / "notes.txt").read_text() == "precious" and len(list(out.iterdir())) == 1


@posix
def test_planted_links_are_not_followed(out, tmp_path, new_reporter):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("precious")
    (out / WORK_FOLDER / "job").mkdir(parents=True)
    (out / WORK_FOLDER / "lock").touch()
    for name in ("style.png", CHECKPOINT_FILE, "mesh.npz"):
        (out / WORK_FOLDER / "job" / name).symlink_to(tmp_path / "mine")
    (out / WORK_FOLDER / "job" / "frames").symlink_to(tmp_path / "folder")
    (out / MODEL_FILE).symlink_to(tmp_path / "mine")
    output = OutputFolder(out, True, [])
    assert list(output.job.iterdir()) == []
    put(output, "new", new_reporter())
    output.leave()
    assert not (out / MODEL_FILE).is_symlink() and contents(out) == (ALL, {"new"})
    assert (tmp_path / "mine").read_text() == (tmp_path / "folder" / "file").read_text() == "precious"


@posix
@pytest.mark.parametrize("name", ["", "job", "lock"])
def test_a_link_in_the_place_of_our_folder_or_lock_is_refused(out, tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "lock").write_text("precious")
    if name:
        (out / WORK_FOLDER).mkdir(parents=True)
        (out / WORK_FOLDER / "lock").touch()
        (out / WORK_FOLDER / name).unlink(missing_ok=True)
    else:
        out.mkdir()
    target = tmp_path / "folder" / "lock" if name == "lock" else tmp_path / "folder"
    (out / WORK_FOLDER / name).symlink_to(target)
    with pytest.raises(JobError):
        OutputFolder(out, True, [])
    assert (tmp_path / "folder" / "lock").read_text() == "precious"


def test_what_cannot_be_made_is_said_with_its_cause(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(JobError, match="cannot be used for results") as caught:
            OutputFolder(path, False, [])
        assert "--output" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@tmpfs
def test_a_read_only_disk_is_noticed_at_once(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)], check=True)
    try:
        with pytest.raises(JobError, match="Read-only file system"):
            OutputFolder(disk, False, [])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@posix
def test_a_folder_whose_name_is_no_unicode_works(tmp_path, new_reporter):
    out = tmp_path / os.fsdecode(b"che\xe9")
    finish(out, "first", new_reporter())
    finish(out, "second", new_reporter())
    assert contents(out) == (ALL, {"second"})
