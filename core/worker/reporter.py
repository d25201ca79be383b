# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's ear inside the worker: turns its reports into events, and commands into answers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..storage.optional import optional
from ..storage.whole_file import own_folder, whole_file
from .targa import as_targa
from .wire import EventWriter

if TYPE_CHECKING:
    import numpy as np

FRAMES_FOLDER = "frames"


class JobReporter:
    """The ``Reporter`` of one job.

    The job calls it from the main thread; ``cancel``, ``pause``, ``finish`` and ``acknowledge_frame`` come from the
    thread that reads commands. One frame is under way at a time: a frame given before the last one is acknowledged
    waits, and a newer one takes its place. A frame's file is removed when the next one is written. A frame that cannot
    be written is told once as a warning, and the job goes on.
    """

    def __init__(self, job: str, folder: Path, events: EventWriter) -> None:
        self.job = job
        self.folder = folder
        self.finished_early = False
        """Whether the job was told to finish before its last step."""
        self._events = events
        self._cancelled = threading.Event()
        self._pausing = threading.Event()
        self._finishing = threading.Event()
        self._unacknowledged = 0
        self._frames = 0
        self._waiting: tuple[np.ndarray, int] | None = None
        self._warned: set[tuple[str, str]] = set()

    def cancel(self) -> None:
        """Stop at the next step and keep nothing."""
        self._cancelled.set()

    def pause(self) -> None:
        """Write a checkpoint at the next step and stop."""
        self._pausing.set()

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
        if (code, message) not in self._warned:
            self._warned.add((code, message))
            self._events.send("warning", self.job, code=code, message=message)

    def checkpoint(self, step: int, steps: int) -> None:
        self._events.send("checkpoint", self.job, step=step, steps=steps)

    def frame(self, image: np.ndarray, extent: int = 1) -> None:
        self._waiting = (image, extent)
        self._send_waiting_frame()

    def wants_frame(self) -> bool:
        return self._unacknowledged == 0

    def should_cancel(self) -> bool:
        return self._cancelled.is_set()

    def should_pause(self) -> bool:
        return self._pausing.is_set()

    def should_finish(self) -> bool:
        self.finished_early = self.finished_early or self._finishing.is_set()
        return self.finished_early

    def _send_waiting_frame(self) -> None:
        if self._waiting is None or self._unacknowledged:
            return
        (image, extent), self._waiting = self._waiting, None
        with optional(self, "frame", "The texture so far is not shown, since it cannot be written"):
            self._send_frame(image, extent)

    def _send_frame(self, image: np.ndarray, extent: int) -> None:
        folder = self.folder / FRAMES_FOLDER
        own_folder(folder)
        (folder / f"{self._frames:06d}.tga").unlink(missing_ok=True)
        path = folder / f"{self._frames + 1:06d}.tga"
        with whole_file(path) as file:
            file.write(as_targa(image))
        self._frames += 1
        self._unacknowledged = self._frames
        self._events.send(
            "frame",
            self.job,
            number=self._frames,
            path=str(path),
            shape=list(image.shape),
            colour_space="sRGB",
            extent=extent,
        )
