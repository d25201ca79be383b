# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a batch: which items are finished, which failed, and which another command is at.

A result is made in a folder of its own below ``.styletex-batch`` and takes its place by one renaming, so that a folder
with an item's name is a whole result. Each item has a lock: commands on one folder, of one machine or of several that
share the disk, work side by side on different items.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..commands.output_folder import DIGESTS, is_texture, remove
from ..job import REPORT_FILE, JobError
from ..protocol import BATCH_FAILED, BATCH_ITEMS, BATCH_TURN
from ..storage.json_file import write_json
from ..storage.optional import cause
from ..storage.whole_file import own_folder

INPUTS_FILE = "inputs.json"
"""Inside a result: what it was made from; see ``core.batch.inputs``."""
WORK_FOLDER = ".styletex-batch"
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}


class BatchFolder:
    """An output folder that may have been worked in before, and that others may be working in."""

    def __init__(self, path: Path) -> None:
        """Make it, and try whether it can be written to.

        Raises:
            JobError: ``bad_request`` or ``disk_full``: it cannot.
        """
        self.path = path.absolute()
        self.can_lock = True
        """Whether the file system can lock; without, only one command may work here."""
        self._work = self.path / WORK_FOLDER
        self._items, self._failed = self.path / BATCH_ITEMS, self.path / BATCH_FAILED
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for folder in (
                self._work,
                self._items,
                self._failed,
                *(self._work / part for part in ("locks", "replaced")),
            ):
                own_folder(folder)
            begun = self._work / "begun"
            # The file system's own clock, which is the same for all that share it.
            begun.write_bytes(b"\n")
            self._begun = begun.stat().st_mtime_ns
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            raise JobError(
                "disk_full" if full else "bad_request",
                f"The folder {path} cannot be used for results: {cause(error)}",
                "Free some space, or name another folder with --output." if full else "Name another with --output.",
            ) from error

    @contextmanager
    def claim(self, name: str) -> Iterator[bool]:
        """Whether the item ``name`` is this command's alone while the block lasts."""
        lock = FileLock(self._work / "locks" / f"{name}.lock", timeout=0, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self.can_lock = False
        try:
            yield True
        finally:
            lock.release()

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Waits until no other command is in here. Whoever finds this file locked knows that one is at work."""
        lock = FileLock(self.path / BATCH_TURN, thread_local=False, fallback_to_soft=False, poll_interval=0.5)
        try:
            lock.acquire()
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def summarising(self) -> Iterator[None]:
        """Waits until no other command writes the table and the contact sheet.

        Raises:
            OSError: it takes too long.
        """
        lock = FileLock(self._work / "summary.lock", timeout=60, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire()
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        try:
            yield
        finally:
            lock.release()

    def result(self, name: str) -> Path:
        """Where the result of an item is, or will be."""
        return self.path / name

    def is_finished(self, name: str, inputs: dict[str, Any]) -> bool:
        """Whether the result made from exactly these inputs is there, with all its files."""
        folder = self.result(name)
        if _read(folder / INPUTS_FILE) != inputs:
            return False
        names = (_read(folder / REPORT_FILE) or {}).get(DIGESTS)
        if not isinstance(names, dict):
            # Where the disk was nearly full, a texture may have no report.
            return any(is_texture(path.name) for path in folder.iterdir())
        return all((folder / name).is_file() for name in names)

    def require_place(self, name: str) -> None:
        """Make sure that the result of an item may take its place.

        Raises:
            JobError: ``bad_request``: somebody else's folder is there, or a result that was changed since.
        """
        place = self.result(name)
        if not place.exists() and not place.is_symlink():
            return
        if place.is_symlink() or not place.is_dir() or not _is_untouched(place):
            raise JobError(
                "bad_request",
                f"{place} is in the way: it is no result of a batch, or was changed since",
                "Rename it, or give the item another name.",
            )

    def unfinished(self, name: str, inputs: dict[str, Any], anew: bool = False) -> Path:
        """The folder to make a result in; what is there was left by an earlier command with the same inputs.

        Args:
            name: of the item.
            inputs: what it is made from.
            anew: remove what is there.

        Raises:
            OSError: it cannot be made.
            JobError: ``bad_request``: something else has the place of the result.
        """
        self.require_place(name)
        folder = self._items / name
        if anew or _read(folder / INPUTS_FILE) != inputs:
            remove(folder)
            folder.mkdir()
            write_json(inputs, folder / INPUTS_FILE)
        return folder

    def finish(self, name: str) -> Path:
        """Let what ``unfinished`` gave take its place; returns that.

        Raises:
            OSError: it cannot; what was there is there still, or below ``.styletex-batch/replaced``.
            JobError: ``bad_request``: something else has the place of the result by now.
        """
        self.require_place(name)
        place, replaced = self.result(name), self._work / "replaced" / name
        if place.exists():
            remove(replaced)
            place.rename(replaced)
        (self._items / name).rename(place)
        remove(replaced)
        (self._failed / f"{name}.json").unlink(missing_ok=True)
        return place

    def drop(self, name: str) -> None:
        """Keep nothing of an item that is not finished."""
        remove(self._items / name)
        (self._failed / f"{name}.json").unlink(missing_ok=True)

    def record_failure(self, name: str, error: JobError) -> None:
        """Keep why an item failed, for the summary of every command.

        Raises:
            OSError: it cannot be written.
        """
        write_json(error.to_dict(), self._failed / f"{name}.json")

    def failure(self, name: str) -> JobError | None:
        """Why the item failed the last time that it was tried."""
        values = _read(self._failed / f"{name}.json")
        return None if values is None else JobError.from_dict(values)

    def has_failed_meanwhile(self, name: str) -> bool:
        """Whether it has failed since this command began, in its own hands or another's."""
        try:
            return (self._failed / f"{name}.json").stat().st_mtime_ns >= self._begun
        except FileNotFoundError:
            return False


def _is_untouched(folder: Path) -> bool:
    """Whether ``folder`` holds what a batch put there, and nothing else."""
    digests = (_read(folder / REPORT_FILE) or {}).get(DIGESTS)
    if not isinstance(digests, dict) or not (folder / INPUTS_FILE).is_file():
        return False
    if {path.name for path in folder.iterdir()} - {INPUTS_FILE, REPORT_FILE} - set(digests):
        return False
    return all(not (folder / name).exists() or _digest(folder / name) == digest for name, digest in digests.items())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    """A file of ours, or ``None`` where it is not there or is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
