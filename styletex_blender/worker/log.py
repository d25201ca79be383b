# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's log: what it writes to standard error, in files of bounded size, with its tail in memory."""

from __future__ import annotations

import collections
import contextlib
import logging
import logging.handlers
from pathlib import Path

MAXIMUM_BYTES = 2 << 20
"""Size at which the log starts a new file."""
KEPT_FILES = 10
"""The log itself and the ones before it (``.1``, ``.2`` and so on)."""
TAIL_LINES = 40
"""Lines shown with a failure."""


class WorkerLog:
    """Takes lines from any thread. Each object starts a new file and keeps the last ones under other names."""

    def __init__(self, path: Path) -> None:
        """Open the log at ``path``, making its folder.

        Raises:
            OSError: the folder or the file cannot be made.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        used = path.exists() and path.stat().st_size > 0
        self._handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=MAXIMUM_BYTES, backupCount=KEPT_FILES - 1, encoding="utf-8", errors="replace"
        )
        self._tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        if used:
            # Windows renames no file that another program holds; then the old one goes on.
            with contextlib.suppress(PermissionError):
                self._handler.doRollover()

    def begin_job(self, title: str) -> None:
        """What comes from now on is of another job: it begins with a line that says so, and so does the tail."""
        self._tail.clear()
        self.write(title.encode("utf-8", "replace"))

    def write(self, line: bytes) -> None:
        """Append one line."""
        text = line.decode("utf-8", errors="replace").rstrip("\r\n")
        self._tail.append(text)
        self._handler.handle(logging.makeLogRecord({"msg": text}))

    def tail(self) -> str:
        """The last lines."""
        return "\n".join(self._tail.copy())

    def close(self) -> None:
        """Close the file; the tail stays."""
        self._handler.close()
