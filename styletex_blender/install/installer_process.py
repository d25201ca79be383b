# SPDX-License-Identifier: GPL-3.0-or-later
"""A running command of ``vendor_install``: its events, its log, and its end. No ``bpy`` here.

All methods belong to Blender's main thread and none of them waits, but for ``close``, which takes three seconds at
most::

    process = InstallerProcess(installer_command(["install", "--json-events"]), extension_folder, log)
    while not process.over:
        for event in process.events():     # vendor_install/events.py lists them; ``log`` goes to the log alone
            …
"""

from __future__ import annotations

import io
import json
import queue
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from ...core.job import JobError
from ..worker.log import WorkerLog
from ..worker.process import WorkerProcess

TIDY_SECONDS = 20.0
"""Time between a cancel and the end by force: meanwhile the installer removes what is half made."""
_LONGEST_LINE = 1 << 24
_PIPE_GRACE_SECONDS = 1.0
_NEEDED = {
    "stage": ("title", "number", "of"),
    "progress": ("percent",),
    "log": ("text",),
    "note": ("text",),
    "finding": ("name", "ok", "text", "mend"),
    "done": ("text",),
    "error": ("code", "message", "hint"),
    "cancelled": (),
}
"""The events, and what each must hold; other lines are no events."""
_LAST_WORDS = frozenset({"done", "error", "cancelled"})


class InstallerProcess:
    """The process and the threads that read it; it ends whole, and with Blender."""

    def __init__(self, command: Sequence[str], cwd: Path, log_path: Path, name: str = "The installer") -> None:
        """Start ``command``, which people know by ``name``, in ``cwd``.

        Raises:
            JobError: ``dependencies``: the program or the log cannot be opened.
        """
        try:
            self._log = WorkerLog(log_path)
        except OSError as error:
            raise JobError("dependencies", f"The log {log_path} cannot be written: {error}") from error
        self._write("$ " + " ".join(command))
        try:
            self._process = WorkerProcess(command, cwd)
        except OSError as error:
            self._log.close()
            raise JobError("dependencies", f"{name} cannot be started: {error}") from error
        self._name = name
        self.over = False
        """Whether the last event was handed out."""
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._last_word: dict[str, Any] | None = None
        self._last_line = ""
        """Of its standard error, where a program that breaks says why; events may reach the log after it."""
        self._cancelled_at: float | None = None
        self._ended_at: float | None = None
        popen = self._process.popen
        assert popen.stdin is not None and popen.stdout is not None and popen.stderr is not None
        # Held open until the end: the installer cancels itself when Blender no longer holds it.
        self._input = popen.stdin
        self._threads = [
            threading.Thread(target=self._read_events, args=(popen.stdout,), name="installer events", daemon=True),
            threading.Thread(target=self._read_log, args=(popen.stderr,), name="installer log", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Process id of the installer."""
        return self._process.popen.pid

    def events(self) -> list[dict[str, Any]]:
        """What came since the last call, oldest first.

        The last of all is ``done``, ``error`` or ``cancelled``; it is kept back until the process is gone, and made
        here when the process went without a word (``error`` with the code ``installer_died``).
        """
        if self.over:
            return []
        now = time.monotonic()
        if self._cancelled_at is not None and now - self._cancelled_at > TIDY_SECONDS:
            self._process.kill()
        # Asked before the queue is emptied, so that no last word is missed.
        gone = self._is_gone(now)
        events = []
        while not self._events.empty():
            event = self._events.get()
            if event["type"] in _LAST_WORDS:
                self._last_word = event
            else:
                events.append(event)
        if gone:
            self.over = True
            events.append(self._ending())
            self._release()
        return events

    def cancel(self) -> None:
        """Ask the installer and its tools to end; what was there before is as it was."""
        if self._cancelled_at is None and not self.over:
            self._cancelled_at = time.monotonic()
            self._process.terminate()

    def close(self) -> None:
        """End everything now, because Blender or the add-on goes away. May be called twice."""
        if self.over:
            return
        self.over = True
        self._process.terminate()
        # Time to end its tools and to begin to tidy; what it leaves, the next installation removes.
        if not self._process.wait(2.0):
            self._process.kill()
            self._process.wait(0.5)
        self._release()

    def _ending(self) -> dict[str, Any]:
        said = self._last_word
        if said is not None and (said["type"] != "error" or self._cancelled_at is None):
            return said
        if self._cancelled_at is not None:
            return {"type": "cancelled"}
        status = self._process.exit_status() or 0
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        why = f". Its last line: {self._last_line[-200:]}" if self._last_line else ""
        message = f"{self._name} {how}, without a last word{why}"
        hint = "What was there before is as it was. Try again; the log says more"
        return {"type": "error", "code": "installer_died", "message": message, "hint": hint}

    def _is_gone(self, now: float) -> bool:
        if self._process.exit_status() is None:
            return False
        if self._ended_at is None:
            self._ended_at = now
        return not any(thread.is_alive() for thread in self._threads) or now - self._ended_at > _PIPE_GRACE_SECONDS

    def _release(self) -> None:
        self._input.close()
        for thread in self._threads:
            thread.join(0.2)
        self._log.close()

    def _write(self, text: str) -> None:
        self._log.write(text.encode("utf-8", "surrogateescape"))

    def _read_events(self, stream: IO[bytes]) -> None:
        with io.BufferedReader(stream) as lines:  # pyright: ignore[reportArgumentType]
            while line := lines.readline(_LONGEST_LINE):
                event = _parse(line)
                if event is None:
                    self._log.write(line)
                    continue
                if event["type"] != "progress":
                    self._write(_in_log(event))
                if event["type"] != "log":
                    self._events.put(event)

    def _read_log(self, stream: IO[bytes]) -> None:
        with io.BufferedReader(stream) as lines:  # pyright: ignore[reportArgumentType]
            while line := lines.readline(_LONGEST_LINE):
                self._log.write(line)
                self._last_line = line.decode("utf-8", "replace").strip() or self._last_line


def _parse(line: bytes) -> dict[str, Any] | None:
    """The event in ``line``, or ``None`` when it is none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.get("type") not in _NEEDED:
        return None
    return event if all(name in event for name in _NEEDED[event["type"]]) else None


def _in_log(event: dict[str, Any]) -> str:
    if event["type"] == "log":
        return f"    {event['text']}"
    if event["type"] == "finding":
        return f"{'ok   ' if event['ok'] else 'WRONG'} {event['name']}: {event['text']}. {event['mend']}"
    values = {name: value for name, value in event.items() if name not in ("type", "text")}
    return f"==> {event['type']} {event.get('text', '')} {values or ''}".rstrip()
