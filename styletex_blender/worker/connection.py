# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker process and the threads that read it."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from ...core.protocol import EVENTS, MAXIMUM_LINE_BYTES, VERSION, ProtocolError, message_writer, parse
from .inbox import Inbox
from .log import WorkerLog
from .process import WorkerProcess

_LOG_LINE_BYTES = 1 << 16
_PIPE_GRACE_SECONDS = 1.0
_KILL_GRACE_SECONDS = 2.0


class WorkerConnection:
    """A running worker: commands go out by ``send``, events come in by ``inbox``.

    Two threads read standard output and standard error until they end; neither touches anything but this object.
    """

    def __init__(self, command: Sequence[str], cwd: Path, log_path: Path) -> None:
        """Start the worker. Call it in the main thread (see ``WorkerProcess``).

        Raises:
            OSError: the program or its log cannot be opened.
        """
        self.log = WorkerLog(log_path)
        try:
            self.process = WorkerProcess(command, cwd)
        except OSError:
            self.log.close()
            raise
        self.inbox = Inbox()
        self.hello: dict[str, Any] | None = None
        """The worker's ``hello``, once it came."""
        self.foreign_version: object = None
        """The protocol version of a hello that this side does not speak."""
        self.last_error: dict[str, Any] | None = None
        """The last ``error`` event of no job: why the worker cannot work at all."""
        self.stray_lines = 0
        """Lines on standard output that were no events; they are in the log."""
        self.heard = time.monotonic()
        """When the worker last sent anything."""
        self.killed_because = ""
        """Why this side ended the process, in words."""
        self._encode = message_writer()
        self._output_ended = threading.Event()
        self._ended_at: float | None = None
        self._killed_at: float | None = None
        popen = self.process.popen
        assert popen.stdin is not None and popen.stdout is not None and popen.stderr is not None
        self._commands = popen.stdin
        self._threads = [
            threading.Thread(target=self._read_events, args=(popen.stdout,), name="worker events", daemon=True),
            threading.Thread(target=self._read_log, args=(popen.stderr,), name="worker log", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, kind: str, job: str = "", **payload: Any) -> None:
        """Send one command of ``core.protocol.COMMANDS``."""
        try:
            self._commands.write(self._encode(kind, job, **payload))
        except OSError as error:
            # The worker is gone; ``over`` says so when its last words are read.
            self.log.write(f"StyleTex: the command {kind} did not reach the worker: {error}".encode())

    def kill(self, now: float, because: str) -> None:
        """End the process and everything that it started."""
        if self._killed_at is None:
            self._killed_at = now
            self.killed_because = because
            self.process.kill()

    def is_mute(self, now: float) -> bool:
        """Whether the process still runs but has closed its output."""
        return self._output_ended.is_set() and now - self.heard > _PIPE_GRACE_SECONDS

    def over(self, now: float) -> bool:
        """Whether the process has ended and all that it said is in the inbox, or will never be."""
        if self._killed_at is not None and now - self._killed_at > _KILL_GRACE_SECONDS:
            return True  # Stuck in a driver: nothing more can be done about it.
        if self.process.exit_status() is None:
            return False
        if self._ended_at is None:
            self._ended_at = now
        return not self._threads_alive() or now - self._ended_at > _PIPE_GRACE_SECONDS

    def close(self) -> None:
        """Let go of the pipes and the log. The process has ended."""
        try:
            self._commands.close()
        finally:
            for thread in self._threads:
                thread.join(0.2)
            self.log.close()

    def _threads_alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _read_events(self, stream: IO[bytes]) -> None:
        # Each thread closes its own stream: closing it from another one would wait for the read in progress.
        with io.BufferedReader(stream) as lines:  # pyright: ignore[reportArgumentType]
            while line := lines.readline(MAXIMUM_LINE_BYTES + 1):
                self.heard = time.monotonic()
                try:
                    event = parse(line, EVENTS)
                except ProtocolError:
                    self._stray(line)
                    continue
                if event["type"] == "heartbeat":
                    continue
                if event["type"] == "hello":
                    self.hello = event
                    self.log.write(f"StyleTex computes on {event.get('device_reason', event['device'])}".encode())
                elif event["type"] == "error" and not event["job"]:
                    self.last_error = event
                self.inbox.put(event)
        self._output_ended.set()

    def _stray(self, line: bytes) -> None:
        self.stray_lines += 1
        self.log.write(b"[stdout] " + line)
        if self.hello is None and b'"hello"' in line:
            try:
                version = json.loads(line).get("v")
            except (ValueError, AttributeError, RecursionError):
                return
            if version != VERSION:
                self.foreign_version = version

    def _read_log(self, stream: IO[bytes]) -> None:
        with io.BufferedReader(stream) as lines:  # pyright: ignore[reportArgumentType]
            while line := lines.readline(_LOG_LINE_BYTES):
                self.log.write(line)
