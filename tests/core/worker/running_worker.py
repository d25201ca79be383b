# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker as a process, for tests that talk with it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from core.job import Job, write_job
from core.protocol import EVENTS, message_writer, parse

ROOT = Path(__file__).resolve().parents[3]
QUICK_WORKER = [sys.executable, "-u", str(ROOT / "tests" / "core" / "worker" / "quick_worker.py")]

Event = dict[str, Any]


class RunningWorker:
    """A worker process and what it says; every line of its standard output must be an event."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.complaints = b""
        self._encode = message_writer()
        self._threads = [threading.Thread(target=self._listen), threading.Thread(target=self._hear_complaints)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        pending = b""
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                self.events.put(parse(line, EVENTS))
        self.events.put(None)

    def _hear_complaints(self) -> None:
        assert self.process.stderr is not None
        while data := os.read(self.process.stderr.fileno(), 1 << 16):
            self.complaints += data

    def send(self, kind: str, job: str = "", **payload: Any) -> None:
        self.write(self._encode(kind, job, **payload))

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def run(self, job: str, prompt: str) -> Path:
        folder = self.folder / job
        folder.mkdir()
        write_job(Job("Suzanne", prompt, "style.png"), folder)
        self.send("run", job, folder=str(folder))
        return folder

    def until(self, *kinds: str, job: str | None = None, seconds: float = 15.0) -> list[Event]:
        """Events up to and with one of ``kinds`` (of ``job``)."""
        seen: list[Event] = []
        deadline = time.monotonic() + seconds
        while True:
            event = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            assert event is not None, f"it left after {seen}: {self.complaints!r}"
            seen.append(event)
            if event["type"] in kinds and job in (None, event["job"]):
                return seen

    def complains_of(self, words: bytes, seconds: float = 5.0) -> None:
        """Wait until ``words`` are on its standard error, which is the log."""
        deadline = time.monotonic() + seconds
        while words not in self.complaints:
            assert time.monotonic() < deadline, f"{words!r} is not in {self.complaints!r}"
            time.sleep(0.02)

    def leaves(self, seconds: float = 5.0) -> int:
        """Its exit status."""
        return self.process.wait(seconds)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def last(events: list[Event]) -> Event:
    return events[-1]
