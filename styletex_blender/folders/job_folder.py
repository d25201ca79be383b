# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's folder on disk, named by what it holds, so that the same job finds the checkpoint of an interrupted one.

Beside each folder lies a lock file while the folder is in use. The process that uses the folder holds the lock, and the
operating system lets go of it when that process dies, however it dies; so two Blenders never share a folder, and what a
killed one left is free for the next. No ``bpy`` here.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from ...core.job import CHECKPOINT_FILE, MESH_FILE, Job, style_files
from .age import count_today
from .kept import is_finished, keep, kept_place
from .queued import QUEUED_DAYS, is_queued

KEPT_DAYS = 7
"""How long the checkpoint of an interrupted job waits for somebody to go on from it; see ``age``."""


NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK})
"""A file system that cannot lock, as a network's may be, says one of these."""
unlocked: set[Path] = set()
"""Folders of jobs that are on such a one: two Blenders may share what is in them."""


class JobFolder:
    """A folder that nobody else uses until ``leave``."""

    def __init__(self, path: Path, lock: BinaryIO | None) -> None:
        """Take over a folder, which may not exist, and its lock; ``None`` for one that only waits."""
        self.path = path
        self._lock = lock
        self._left = False

    @classmethod
    def waiting(cls, path: Path) -> JobFolder | None:
        """A folder that waits to be used again, not held until then; ``None`` while another process uses it."""
        if (lock := _take_lock(path)) is None:
            return None
        _release_lock(lock, path)
        return cls(path, None)

    @classmethod
    def new(cls, jobs: Path) -> JobFolder:
        """An empty folder inside ``jobs``, with a name of its own until ``settle`` gives it a better one."""
        while True:
            path = jobs / uuid.uuid4().hex
            # Somebody's ``prune`` may try the lock between its making and its taking.
            if (lock := _take_lock(path)) is not None:
                path.mkdir()
                return cls(path, lock)

    def settle(self, job: Job) -> None:
        """Take the name that the contents give, with the checkpoint of an interrupted job of the same contents.

        While the folder of that name is in use, or holds a finished texture, this one stays what it is.

        Args:
            job: of this folder, which already holds all that belongs to the job.
        """
        path = self.path.with_name(_digest(job, self.path))
        lock = _take_lock(path)
        if lock is None:
            return
        if path.is_dir() and is_finished(path):
            _release_lock(lock, path)
            return
        if _has_checkpoint(path):
            (path / CHECKPOINT_FILE).replace(self.path / CHECKPOINT_FILE)
        if path.exists():
            shutil.rmtree(path)
        self.path.rename(path)
        if self._lock is not None:
            _release_lock(self._lock, self.path)
        self.path, self._lock = path, lock

    @property
    def held(self) -> bool:
        """Whether it is kept from others, and from being tidied away."""
        return self._lock is not None and not self._left

    @property
    def resumable(self) -> bool:
        """Whether the same job would go on from a checkpoint."""
        return _has_checkpoint(self.path)

    def leave(self, keep_checkpoint: bool) -> None:
        """Let go of the folder and remove it, unless what it holds is wanted and there. Once left it stays as it is.

        Args:
            keep_checkpoint: whether to keep a checkpoint, what waits in a queue, and a finished texture that nobody
                took.
        """
        if self._left:
            return
        self._left = True
        kept = self.resumable or is_queued(self.path) or (self.path.is_dir() and is_finished(self.path))
        if not (keep_checkpoint and kept):
            # On Windows a virus scanner may hold a file for a moment; then ``prune`` removes the rest.
            shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            _release_lock(self._lock, self.path)


def prune(jobs: Path) -> None:
    """Tidy the folders inside ``jobs`` that nobody uses.

    A finished texture, left by a Blender that ended before it could take it, goes to where such are kept. Folders
    without a checkpoint that wait in no queue, and those that are too old, are removed.
    """
    for path in {entry.with_suffix("") for entry in jobs.iterdir()}:
        if (lock := _take_lock(path)) is None:
            continue
        if jobs in unlocked:
            # Nobody can tell whether another Blender uses it.
            _release_lock(lock, path)
            continue
        if path.is_dir() and is_finished(path):
            # What cannot be moved now is tried again the next time.
            with contextlib.suppress(OSError, ValueError):
                keep(path, kept_place(jobs))
            wanted = True
        else:
            wanted = path.is_dir() and count_today(path) <= (QUEUED_DAYS if is_queued(path) else KEPT_DAYS)
        JobFolder(path, lock).leave(keep_checkpoint=wanted)


def is_locked(path: Path) -> bool:
    """Whether another process holds a lock file, or nobody can tell, as on a file system without locks.

    Raises:
        OSError: it cannot be opened.
    """
    if not path.is_file():
        return False
    with path.open("ab") as lock:
        try:
            _lock_file(lock)
        except OSError:
            return True
    return False


def _has_checkpoint(folder: Path) -> bool:
    return (folder / CHECKPOINT_FILE).is_file()


def _digest(job: Job, folder: Path) -> str:
    """Of everything that decides the optimised texture; the object's name and the texture's size do not."""
    decisive = {**asdict(job), "object_name": "", "texture_size": 0}
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode())
    for name in (MESH_FILE, *style_files(job), *(name for name in (job.base_color, job.region) if name)):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def _lock_path(folder: Path) -> Path:
    # Beside the folder, so that the folder can be removed and renamed while its lock is held.
    return folder.with_suffix(".lock")


def _take_lock(folder: Path) -> BinaryIO | None:
    """The lock of a folder, or ``None`` while another holds it."""
    path = _lock_path(folder)
    while True:
        lock = path.open("ab")
        try:
            _lock_file(lock)
        except (BlockingIOError, PermissionError):
            lock.close()
            return None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                lock.close()
                raise
            unlocked.add(folder.parent)
        if _is_at(lock, path):
            return lock
        # Its holder removed it just before it was taken.
        lock.close()


if sys.platform == "win32":
    import msvcrt

    def _lock_file(lock: BinaryIO) -> None:
        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_file(lock: BinaryIO) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_at(lock: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _release_lock(lock: BinaryIO, folder: Path) -> None:
    path = _lock_path(folder)
    if sys.platform != "win32":
        path.unlink(missing_ok=True)
        lock.close()
        return
    # Windows removes no open file; one that another process opened meanwhile is that one's.
    lock.close()
    with contextlib.suppress(PermissionError):
        path.unlink(missing_ok=True)
