# SPDX-License-Identifier: GPL-3.0-or-later
"""How a download goes, in events: ``stage`` (title, number, of) and ``progress`` (percent, bytes, total_bytes,
bytes_per_second, seconds_left).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Self

from ..models.model_download import RemoteFile, fetch
from .events import emit

SECONDS_APART = 0.25
"""Of two events of progress."""
_SPEED_OVER = 5.0
"""Seconds that the speed is the mean of."""


def fetch_with_events(files: Sequence[RemoteFile]) -> None:
    """Fetch ``files``, and tell of it.

    Raises:
        JobError: see ``core.models.model_download.fetch``.
    """
    with _Course(sum(file.size for file in files)) as course:
        for number, file in enumerate(files, 1):
            emit("stage", title=f"{file.repository}/{file.path}", number=number, of=len(files))
            course.begin(file.bytes_here)
            fetch(file, course.advance)
            course.end(file.size)


class _Course:
    """Counts bytes, and tells of them now and then, also of the last ones before a hub falls silent."""

    def __init__(self, total: int) -> None:
        self._total, self._before, self._here, self._came = total, 0, 0, 0
        self._told = (-1, -1)
        self._times: list[tuple[float, int]] = [(time.monotonic(), 0)]
        self._lock, self._over = threading.Lock(), threading.Event()
        self._teller = threading.Thread(target=self._tell_now_and_then, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._teller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._teller.join()

    def begin(self, here: int) -> None:
        """A file begins, of which so many bytes are here."""
        with self._lock:
            self._here = here

    def advance(self, count: int) -> None:
        """So many bytes more have come."""
        with self._lock:
            self._here += count
            self._came += count

    def end(self, size: int) -> None:
        """The file is here."""
        with self._lock:
            self._before, self._here = self._before + size, 0

    def _tell_now_and_then(self) -> None:
        while not self._over.wait(SECONDS_APART):
            self._tell()
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            done, came_now = min(self._before + self._here, self._total), self._came
        if (done, came_now) == self._told:
            return
        self._told, now = (done, came_now), time.monotonic()
        self._times = [(then, came) for then, came in self._times if now - then <= _SPEED_OVER] or self._times[-1:]
        then, came = self._times[0]
        self._times.append((now, came_now))
        values: dict[str, float] = {"bytes": done, "total_bytes": self._total}
        if now - then > SECONDS_APART and came_now > came:
            speed = (came_now - came) / (now - then)
            values |= {"bytes_per_second": round(speed), "seconds_left": round((self._total - done) / speed, 1)}
        emit("progress", percent=round(100.0 * done / max(1, self._total), 1), **values)
