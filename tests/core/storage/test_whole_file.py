# SPDX-License-Identifier: GPL-3.0-or-later
"""Files take their place whole or not at all, and never through a link."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.reporting import Cancelled, RememberedWarnings
from core.storage.optional import optional
from core.storage.whole_file import own_folder, whole_file

ROOT = Path(__file__).resolve().parents[3]
posix = pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows; RLIMIT_FSIZE")


def write(path: Path, data: bytes) -> None:
    with whole_file(path) as file:
        file.write(data)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_there_is_replaced_and_nothing_else_is_left(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new" and names(tmp_path) == {"a"}


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == {"a"}


@posix
@pytest.mark.parametrize("size", [5_000, 500_000])
def test_a_full_disk_leaves_what_was_there(tmp_path, size):
    import resource

    (tmp_path / "a").write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            write(tmp_path / "a", b"x" * size)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == {"a"}


@posix
def test_killed_while_writing_it_leaves_what_was_there_and_the_next_one_cleans_up(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    code = f"""
import os, pathlib, signal
from core.storage.whole_file import whole_file
with whole_file(pathlib.Path({str(tmp_path / "a")!r})) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == -9
    assert (tmp_path / "a").read_bytes() == b"old" and len(names(tmp_path)) == 2
    write(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new" and names(tmp_path) == {"a"}


@posix
@pytest.mark.parametrize("place", ["a", "a.partial"])
def test_nothing_is_written_through_a_planted_link(tmp_path, place):
    (tmp_path / "mine").write_bytes(b"precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / place).symlink_to(tmp_path / "mine")
    write(folder / "a", b"new")
    assert (tmp_path / "mine").read_bytes() == b"precious"
    assert (folder / "a").read_bytes() == b"new" and not (folder / "a").is_symlink() and names(folder) == {"a"}


@posix
def test_a_folder_of_ours_is_no_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        own_folder(tmp_path / "folder")
    own_folder(tmp_path / "new")
    own_folder(tmp_path / "new")
    assert (tmp_path / "new").is_dir()


def test_optional_work_that_fails_is_a_warning_told_once(new_reporter):
    inner = new_reporter()
    reporter = RememberedWarnings(inner)
    for _ in range(3):
        with optional(reporter, "preview", "The preview was not written"):
            raise OSError(errno.ENOSPC, "No space left on device", "preview.png")
    assert inner.warnings == reporter.told == [("preview", "The preview was not written: No space left on device")]
    with pytest.raises(Cancelled), optional(reporter, "preview", "The preview was not written"):
        raise Cancelled
