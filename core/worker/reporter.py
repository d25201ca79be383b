# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's ear inside the worker: turns its reports into events, and commands into answers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from .wire import EventWriter

if TYPE_CHECKING:
    import numpy as np

FRAMES_FOLDER = "frames"


class JobReporter:
    """The ``Reporter`` of one job.

    The job calls it from the main thread; ``cancel``, ``finish`` and ``acknowledge_frame`` come from the thread that
    reads commands. One frame is under way at a time: a frame given before the last one is acknowledged waits, and a
    newer one takes its place. A frame's file is removed when the next one is written.
    """

    def __init__(self, job: str, folder: Path, events: EventWriter) -> None:
        self.job = job
        self.folder = folder
        self.finished_early = False
        """Whether the job was told to finish before its last step."""
        self._events = events
        self._cancelled = threading.Event()
        self._finishing = threading.Event()
        self._unacknowledged = 0
        self._frames = 0
        self._waiting: tuple[np.ndarray, int] | None = None

    def cancel(self) -> None:
        """Stop at the next step and keep nothing."""
        self._cancelled.set()

    def finish(self) -> None:
        """Stop optimising at the next step and bake."""
        self._finishing.set()

    def acknowledge_frame(self, number: object) -> None:
        """The client has read frame ``number``."""
        if number == self._unacknowledged:
            self._unacknowledged = 0

    def stage(self, name: str, label: str) -> None:
        self._events.send("stage", self.job, name=name, label=label)

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        self._events.send("progress", self.job, step=step, steps=steps, seconds_left=seconds_left)
        self._send_waiting_frame()

    def warning(self, code: str, message: str) -> None:
        self._events.send("warning", self.job, code=code, message=message)

    def frame(self, image: np.ndarray, extent: int = 1) -> None:
        self._waiting = (image, extent)
        self._send_waiting_frame()

    def wants_frame(self) -> bool:
        return self._unacknowledged == 0

    def should_cancel(self) -> bool:
        return self._cancelled.is_set()

    def should_finish(self) -> bool:
        self.finished_early = self.finished_early or self._finishing.is_set()
        return self.finished_early

    def _send_waiting_frame(self) -> None:
        if self._waiting is None or self._unacknowledged:
            return
        (image, extent), self._waiting = self._waiting, None
        folder = self.folder / FRAMES_FOLDER
        folder.mkdir(exist_ok=True)
        (folder / f"{self._frames:06d}.rgb").unlink(missing_ok=True)
        self._frames += 1
        path = folder / f"{self._frames:06d}.rgb"
        temporary = path.with_suffix(".partial")
        temporary.write_bytes(image.tobytes())
        temporary.replace(path)
        self._unacknowledged = self._frames
        self._events.send(
            "frame",
            self.job,
            number=self._frames,
            path=str(path),
            shape=list(image.shape),
            dtype="uint8",
            colour_space="sRGB",
            extent=extent,
        )
