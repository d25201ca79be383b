# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker process, kept between jobs because loading models is the slow part."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback

import bpy

from ...core.job import JobError
from ..names import readable
from .client import WorkerClient
from .environment import PACKAGE_FOLDER, log_path, preference, worker_command

_client: WorkerClient | None = None
_command: tuple[str, ...] = ()
_idle_since = 0.0


def acquire() -> WorkerClient:
    """A worker that is ready for a job: the warm one, or a new one.

    Raises:
        JobError: ``dependencies`` when there is no Python to run it, or it cannot be started.
    """
    global _client, _command
    command = worker_command().command
    if _client is not None and (not _client.alive or command != _command):
        close()
    if _client is None:
        client = WorkerClient(list(command), PACKAGE_FOLDER, log_path())
        client.start()
        _client, _command = client, command
    return _client


def is_warm() -> bool:
    """Whether a worker runs, with or without a job."""
    return _client is not None and _client.alive


def note(text: str) -> None:
    """Write something of Blender's side on the system console, and into the log if that can be written."""
    print(readable(text), file=sys.stderr, flush=True)
    if _client is not None and _client.note(text):
        return
    with contextlib.suppress(OSError), log_path().open("a", encoding="utf-8", errors="replace") as log:
        log.write(f"{text}\n")


def internal_error(error: BaseException) -> JobError:
    """What is said of an exception that nobody foresaw, with its traceback as the detail; written into the log."""
    detail = "".join(traceback.format_exception(error))
    note(detail)
    text = f"StyleTex met an error of its own: {type(error).__name__}: {readable(str(error))}".rstrip(": \n")
    return JobError("internal", text, "The log says more", detail)


def release() -> None:
    """The job is over: the worker stays for a while, as long as the preferences say."""
    global _idle_since
    _idle_since = time.monotonic()
    if not bpy.app.background and not bpy.app.timers.is_registered(_leave_when_idle):
        bpy.app.timers.register(_leave_when_idle, first_interval=1.0, persistent=True)


def close() -> None:
    """End the worker, if there is one."""
    global _client
    if bpy.app.timers.is_registered(_leave_when_idle):
        bpy.app.timers.unregister(_leave_when_idle)
    if _client is not None:
        client, _client = _client, None
        client.close()


def _leave_when_idle() -> float | None:
    """A timer: ends a worker that has had nothing to do for too long."""
    if _client is None:
        return None
    if not _client.busy:
        _client.events()
        if time.monotonic() - _idle_since > 60.0 * float(preference("idle_minutes", 10)):
            close()
            return None
    return 1.0
