# SPDX-License-Identifier: GPL-3.0-or-later
"""How a job on a farm stands, by the files that the batch command leaves. No ``bpy`` here."""

from __future__ import annotations

import contextlib
import enum
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ...core.job import JobError
from ...core.protocol import BATCH_FAILED, BATCH_ITEMS
from .place import Farm
from .sent import Sent


class JobState(enum.Enum):
    """How a job on a farm stands, each with a word for people."""

    WAITING = "Waiting"
    WORKING = "In progress"
    STOPPED = "Stopped"
    FINISHED = "Finished"
    FAILED = "Failed"


@dataclass(frozen=True)
class FarmJob:
    """A job on a farm."""

    farm: Farm
    folder: Path
    """With what the job needs; who removes it takes the job back."""
    sent: Sent
    """What it is for."""

    @property
    def key(self) -> str:
        """Tells it from all others on its farm; the object's tag."""
        return self.folder.name

    @property
    def result(self) -> Path:
        """The folder of its texture, whole when it is there."""
        return self.farm.results / self.key

    def state(self, at_work: bool) -> JobState:
        """How it stands.

        Args:
            at_work: whether a command works on its farm; of somebody else's that need not be known.
        """
        if self.result.is_dir():
            return JobState.FINISHED
        if self._failed.is_file():
            return JobState.FAILED
        if not (at_work or self.farm.is_shared):
            return JobState.STOPPED
        return JobState.WORKING if (self.farm.results / BATCH_ITEMS / self.key).is_dir() else JobState.WAITING

    @property
    def error(self) -> JobError | None:
        """Why it failed."""
        try:
            return JobError.from_dict(json.loads(self._failed.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def wait_again(self) -> None:
        """Have it wait again after it failed.

        Raises:
            OSError: the farm's folder cannot be written.
        """
        self._failed.unlink(missing_ok=True)

    def remove(self) -> None:
        """Take it back, or what is left of it when its texture was collected.

        Raises:
            OSError: it cannot be removed; then it is there still.
        """
        # The name goes first, so that no command takes up what is half removed.
        gone = self.folder.with_name(f".{self.key}.removed")
        shutil.rmtree(gone, ignore_errors=True)
        if self.folder.is_dir():
            self.folder.rename(gone)
        with contextlib.suppress(OSError):
            self._failed.unlink(missing_ok=True)
        for folder in (gone, self.result):
            # What another program holds at the moment is garbage from now on.
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _failed(self) -> Path:
        return self.farm.results / BATCH_FAILED / f"{self.key}.json"
