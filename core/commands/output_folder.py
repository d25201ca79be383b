# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that a command writes its results to: made, tried and locked before the job, and left consistent after it.

While a job runs, everything of it is in a folder of its own inside (``.styletex``), on the same disk, so that results
take their place by renaming: all of them or none. What somebody else made is never written to, nor removed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..failure import as_job_error
from ..job import CHECKPOINT_FILE, PREVIEW_FILE, REPORT_FILE, TEXTURE_FILE, JobError, tile_file
from ..reporting import Reporter
from ..storage.json_file import write_json
from ..storage.optional import cause, optional
from ..storage.whole_file import own_folder, whole_file

WORK_FOLDER = ".styletex"
"""Inside the output folder; an interrupted run leaves its checkpoint there."""
MODEL_FILE = "textured.glb"
"""The mesh with its texture."""
KEPT_FOLDER = "styletex-kept"
"""Inside the output folder: a finished set that could not take its place."""
DIGESTS = "files"
"""Entry of the report: SHA-256 of every other file of its set. What still has it is ours, and may be replaced."""
RESULTS = (TEXTURE_FILE, MODEL_FILE, PREVIEW_FILE, REPORT_FILE)
"""Names of the results, but for those of UDIM tiles."""
_LOCK, _JOB = "lock", "job"
_STAGED, _FINISHED, _PLACING, _REPLACED = "staged", "finished", "placing", "replaced"
"""A set in the making; a whole set that waits for its place; the same when the old set is out of the way; that old set.
Where a process was killed, one of them tells the next how far it came."""
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}
"""A file system that cannot lock says one of these."""
_LARGEST_REPORT = 64 << 20


class OutputFolder:
    """An output folder that this process alone writes to until ``leave``."""

    def __init__(self, path: Path, force: bool, inputs: Sequence[Path]) -> None:
        """Make the folder, try whether it can be written to, and lock it.

        What an earlier run left when it was killed is put in order: a finished set takes its place.

        Args:
            path: the folder, which may not exist.
            force: whether results may take the place of files that are not ours.
            inputs: files that are given to the job, and are none of its results.

        Raises:
            JobError: ``bad_request``, naming what stands in the way; nothing is left then that was not there.
        """
        self.path = path.absolute()
        self._force, self._inputs = force, inputs
        self._work = self.path / WORK_FOLDER
        self._made = [folder for folder in (self.path, *self.path.parents) if not os.path.lexists(folder)]
        self._lock = FileLock(self._work / _LOCK, timeout=1, thread_local=False, fallback_to_soft=False)
        self._owned = False
        self.locked = True
        """Whether another run is kept out: a network's file system may have no locks."""
        try:
            self._take()
            self._put_in_order()
        except OSError as error:
            self.leave()
            where = "" if error.filename is None else f" ({os.fsdecode(error.filename)})"
            raise JobError(
                "bad_request",
                f"The folder {path} cannot be used for results: {cause(error)}{where}",
                "Name another folder with --output, or remove what stands in the way.",
            ) from error
        except BaseException:
            self.leave()
            raise

    @property
    def job(self) -> Path:
        """The job folder, empty but for a checkpoint at first."""
        return self._work / _JOB

    @property
    def resumable(self) -> bool:
        """Whether a checkpoint is there."""
        return (self.job / CHECKPOINT_FILE).is_file()

    def require_room(self, names: Iterable[str]) -> None:
        """Make sure that results called ``names`` may take their place.

        Raises:
            JobError: ``bad_request``: one of the names is that of a folder, of an input, or of somebody else's file.
        """
        ours = self._ours()
        for path in (self.path / name for name in names):
            if not os.path.lexists(path):
                continue
            if path.is_dir():
                raise JobError(
                    "bad_request",
                    f"{path} is a folder, but a result has that name",
                    "Rename it, or name another folder with --output.",
                )
            mine = path.name in ours
            given = any(_same(path, file) for file in self._inputs)
            if (given and not mine) or (not self._force and (given or not mine)):
                why = "the job starts from it" if given else "it is no result of StyleTex, or was changed since"
                way = "" if given and not mine else ", or add --force to replace it"
                raise JobError(
                    "bad_request",
                    f"A result would take the place of {path}, but {why}",
                    f"Name another folder with --output{way}.",
                )

    def put(
        self, textures: Sequence[Path], others: Sequence[Path], report: dict[str, Any], reporter: Reporter
    ) -> list[Path]:
        """Let a set of results take the place of the set before, all of them or none; then the job folder is emptied.

        Args:
            textures: files of the job, wherever they are; they are moved.
            others: likewise, those that could be made.
            report: written beside them, with their digests.
            reporter: warned when the report cannot be written, and asked for nothing.

        Returns:
            The textures in their place.

        Raises:
            JobError: they could not be put there; the message names the folder in which they are kept.
        """
        names = [path.name for path in (*textures, *others)]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            own_folder(self._work)
            staged = self._stage([*textures, *others])
            # The copies of the inputs have done their work, and their room may be what the report lacks.
            self._empty_job()
            with optional(reporter, "report", f"There is no {REPORT_FILE}, since it could not be written"):
                digests = {name: _digest(staged / name) for name in names}
                write_json({**report, DIGESTS: digests}, staged / REPORT_FILE)
                names.append(REPORT_FILE)
            self._require_all_of_the_old(names)
            self.require_room(names)
            remove(self._work / _REPLACED)
            staged.rename(self._work / _FINISHED)
            self._place()
        except (OSError, JobError) as error:
            kept = self._keep(textures)
            words = error.message if isinstance(error, JobError) else cause(error)
            raise JobError(
                "disk_full" if as_job_error(error).code == "disk_full" else "bad_request",
                f"The results could not be put into {self.path}: {words}",
                f"What was there is as it was. The finished texture is safe: {kept}",
            ) from error
        remove(self.job)
        return [self.path / path.name for path in textures]

    def leave(self) -> None:
        """Let go of the folder. A checkpoint and a finished set stay; else nothing of the job does.

        What cannot be removed stays too: it must not hide why the job ended.
        """
        if self._owned:
            self._owned = False
            with contextlib.suppress(OSError):
                kept = self.resumable or any((self._work / name).exists() for name in (_FINISHED, _PLACING))
                self._empty_job()
                if not kept:
                    for name in (_JOB, _STAGED):
                        remove(self._work / name)
                    if sys.platform != "win32":
                        # While it is held: who opens it now finds out that it is gone.
                        (self._work / _LOCK).unlink()
                self._lock.release()
                if not kept:
                    (self._work / _LOCK).unlink(missing_ok=True)
                    self._work.rmdir()
            self._lock.release()
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _take(self) -> None:
        if any(self._work in file.absolute().parents for file in self._inputs):
            raise JobError(
                "bad_request",
                f"A given file is in {self._work}, where StyleTex removes what it does not need",
                "Copy it elsewhere.",
            )
        self.path.mkdir(parents=True, exist_ok=True)
        if self._work.is_dir() and any(self._work.iterdir()) and not (self._work / _LOCK).is_file():
            raise JobError(
                "bad_request",
                f"The folder {self._work} is not of StyleTex's making, but its name is needed",
                "Rename it, or name another folder with --output.",
            )
        own_folder(self._work)
        for name in (_JOB, _STAGED, _FINISHED, _PLACING, _REPLACED):
            if (self._work / name).is_symlink():
                raise NotADirectoryError(
                    errno.ENOTDIR, "A link stands in the place of a folder", str(self._work / name)
                )
        try:
            self._lock.acquire()
        except Timeout as error:
            raise JobError(
                "bad_request",
                f"Another run is writing to {self.path}",
                "Wait for its end, or name another folder with --output.",
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self.locked = False
        self._owned = True

    def _put_in_order(self) -> None:
        """What a killed run may have left."""
        if (self._work / _FINISHED).is_dir():
            self.require_room(path.name for path in (self._work / _FINISHED).iterdir())
        self._place()
        own_folder(self.job)
        # Textures that were baked, but have not become a set: from a checkpoint they are soon made again.
        staged = self._work / _STAGED
        if not self.resumable:
            names = [path.name for path in self.job.iterdir() if is_texture(path.name)]
            if names or staged.is_dir():
                own_folder(staged)
                _rename_all(names, self.job, staged)
                self._keep([])
        remove(staged)
        self._empty_job()

    def _empty_job(self) -> None:
        checkpoint = self.job / CHECKPOINT_FILE
        for path in self.job.iterdir() if self.job.is_dir() else ():
            if path != checkpoint or path.is_symlink() or not path.is_file():
                remove(path)

    def _stage(self, files: Sequence[Path]) -> Path:
        """A folder with all of ``files``; when one cannot be moved, all are where they were."""
        staged = self._work / _STAGED
        remove(staged)
        staged.mkdir()
        moved: list[Path] = []
        try:
            for path in files:
                try:
                    path.rename(staged / path.name)
                    moved.append(path)
                except OSError as error:
                    if error.errno != errno.EXDEV:
                        raise
                    # From another disk; it stays there until the copy has its place.
                    with path.open("rb") as source, whole_file(staged / path.name, lasting=True) as copy:
                        shutil.copyfileobj(source, copy)
        except OSError:
            for path in moved:
                (staged / path.name).rename(path)
            remove(staged)
            raise
        return staged

    def _require_all_of_the_old(self, names: Sequence[str]) -> None:
        """A set that lacks what the old one has would leave less than there was.

        Raises:
            JobError: it does.
        """
        lacking = sorted({name for name in self._ours() if name in RESULTS and not is_texture(name)} - set(names))
        if lacking:
            raise JobError(
                "disk_full",
                f"there is no new {' and no new '.join(lacking)}, and the earlier results are not torn apart",
            )

    def _place(self) -> None:
        """Put the finished set into its place, or all that is left of it to put there.

        Raises:
            OSError: it could not be done, and everything is as before.
        """
        finished, placing, replaced = (self._work / name for name in (_FINISHED, _PLACING, _REPLACED))
        if finished.is_dir():
            own_folder(replaced)
            names = {path.name for path in finished.iterdir()} | self._ours()
            # The report says which of the others are ours, so it goes last.
            in_order = sorted(names, key=lambda name: (name == REPORT_FILE, name))
            out = [name for name in in_order if os.path.lexists(self.path / name)]
            _rename_all(out, self.path, replaced)
            try:
                finished.rename(placing)
            except OSError:
                _rename_all(out, replaced, self.path)
                raise
        if placing.is_dir():
            try:
                _rename_all(sorted(path.name for path in placing.iterdir()), placing, self.path)
            except OSError:
                placing.rename(finished)
                _rename_all(sorted(path.name for path in replaced.iterdir()), replaced, self.path)
                raise
            placing.rmdir()
        # All is in its place; on Windows somebody may hold one of the old files open.
        with contextlib.suppress(OSError):
            remove(replaced)

    def _keep(self, textures: Sequence[Path]) -> Path:
        """Bring a finished set, or textures that have not become one, to where no run removes them; returns where."""
        for kept in (self._work / _FINISHED, self._work / _PLACING, self._work / _STAGED):
            if kept.is_dir():
                break
        else:
            kept = textures[0].parent
            if kept != self.job:
                return kept
        with contextlib.suppress(OSError):
            place = next(
                place
                for number in itertools.count(1)
                if not os.path.lexists(place := self.path / (KEPT_FOLDER if number == 1 else f"{KEPT_FOLDER}-{number}"))
            )
            if kept != self.job:
                kept.rename(place)
            else:
                place.mkdir()
                _rename_all([path.name for path in textures], kept, place)
            return place
        return kept

    def _ours(self) -> set[str]:
        """Names of the results here that are as an earlier run wrote them."""
        path = self.path / REPORT_FILE
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_REPORT:
            return set()
        try:
            digests = json.loads(path.read_text(encoding="utf-8"))[DIGESTS]
            known = {name: digest for name, digest in digests.items() if name in RESULTS or is_texture(name)}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return set()
        places = {name: self.path / name for name in known}
        ours = {name for name, place in places.items() if place.is_file() and not place.is_symlink()}
        return {REPORT_FILE} | {name for name in ours if _digest(places[name]) == known[name]}


def is_texture(name: str) -> bool:
    """Whether a result of this name is a texture, of one tile or of all."""
    return name == TEXTURE_FILE or fnmatchcase(name, tile_file("[0-9][0-9][0-9][0-9]"))


def remove(path: Path) -> None:
    """Remove a file, a link (not what it leads to) or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _rename_all(names: Sequence[str], source: Path, target: Path) -> None:
    """Rename files from folder to folder: all, or none."""
    done: list[str] = []
    try:
        for name in names:
            if os.path.lexists(target / name):
                raise FileExistsError(errno.EEXIST, "A file of that name is there", str(target / name))
            (source / name).rename(target / name)
            done.append(name)
    except OSError:
        for name in done:
            (target / name).rename(source / name)
        raise


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
