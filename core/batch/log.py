# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch says while it works: JSON lines in a file of this command's own, lines and bars in the terminal."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from ..commands.interruptions import InterruptibleReporter
from ..job import JobError
from ..storage.optional import cause

LOGS_FOLDER = "logs"


class BatchLog:
    """Tells of a batch; nothing of it may fail for the log's sake."""

    def __init__(self, folder: Path, console: Console, progress: Progress, total: int) -> None:
        """Begin a log in ``folder / "logs"``."""
        self._console, self._progress, self._total = console, progress, total
        self._bar = progress.add_task("All", total=total, left="")
        self._settled = self._made = self._failed = 0
        self._begun = time.monotonic()
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{_plain(platform.node())}-{os.getpid()}.jsonl"
        self._path = folder / LOGS_FOLDER / name
        self._broken = False
        self.write("begin", items=total)

    def write(self, event: str, **values: Any) -> None:
        """Add a line; it is in the file when this returns."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **values})
        try:
            self._path.parent.mkdir(exist_ok=True)
            with self._path.open("ab") as file:
                file.write(line.encode("ascii") + b"\n")
        except OSError as error:
            if not self._broken:
                self._broken = True
                self.say(f"Warning: the log {self._path} cannot be written: {cause(error)}")

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(text)

    def finished_before(self, name: str) -> None:
        """An item was found finished."""
        self.write("finished before", item=name)
        self._settle()

    def failed_elsewhere(self, name: str) -> None:
        """Another command has just tried an item, and it failed."""
        self.write("failed in another command", item=name)
        self._failed += 1
        self._settle()

    def withdrawn(self, name: str) -> None:
        """Nobody wants an item any more."""
        self.write("withdrawn", item=name)
        self._settle()

    def made(self, name: str, seconds: float, **more: Any) -> None:
        """An item was finished."""
        self.write("made", item=name, seconds=round(seconds, 3), **more)
        self._made += 1
        self._settle()
        self.say(f"{self._count()} {name}: textured in {seconds:.0f} s")

    def failed(self, name: str, error: JobError) -> None:
        """An item failed."""
        self.write("failed", item=name, **error.to_dict())
        self._failed += 1
        self._settle()
        self.say(f"{self._count()} {name}: failed. {error.message}")

    def _count(self) -> str:
        return f"[{self._settled}/{self._total}]"

    def _settle(self) -> None:
        self._settled += 1
        failed = f", {self._failed} failed" if self._failed else ""
        left = ""
        if self._made:
            seconds = (time.monotonic() - self._begun) / (self._made + self._failed) * (self._total - self._settled)
            left = f"about {seconds / 60.0:.0f} min left"
        self._progress.update(self._bar, description=f"All{failed}", completed=self._settled, left=left)


class ItemReporter(InterruptibleReporter):
    """The ear of one item after the other.

    Ctrl-C ends the command after the step that is being done, with a checkpoint: a texture that was baked before its
    time would count as finished.
    """

    def __init__(self, progress: Progress, console: Console, log: BatchLog) -> None:
        super().__init__(progress, console)
        self.item = ""
        """Name of the item that is being made."""
        self.is_withdrawn: Callable[[], bool] = lambda: False
        """Whether nobody wants it any more."""
        self._log = log

    def stage(self, name: str, label: str) -> None:
        super().stage(name, f"{self.item}: {label}")
        # What has begun is never baked early.
        self.begun = False

    def should_cancel(self) -> bool:
        return super().should_cancel() or self.is_withdrawn()

    def warning(self, code: str, message: str) -> None:
        super().warning(code, f"{self.item}: {message}")
        self._log.write("warning", item=self.item, code=code, message=message)


def _plain(text: str) -> str:
    return "".join(character for character in text if character.isalnum() or character in "-_.") or "machine"
