# SPDX-License-Identifier: GPL-3.0-or-later
"""A child process in a group of its own that dies whole, and with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.protocol import PARENT_VARIABLE

if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0

# Blender's own Python settings, and libraries that a launcher (Steam, Snap, a profiler) slipped into Blender.
_DROPPED_PREFIXES = ("PYTHON", "LD_", "DYLD_", "__PYVENV")
_DROPPED_NAMES = frozenset({"VIRTUAL_ENV"})


def scrubbed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` without what changes how the child's Python or its libraries load."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(_DROPPED_PREFIXES) and name.upper() not in _DROPPED_NAMES
    }
    return {**kept, "PYTHONUTF8": "1", PARENT_VARIABLE: str(os.getpid())}


class WorkerProcess:
    """The running process. Make it in Blender's main thread: on Linux the kernel ends the child with that *thread*."""

    def __init__(self, command: Sequence[str], cwd: Path) -> None:
        """Start ``command`` in ``cwd``, with pipes for its three streams.

        Raises:
            OSError: the program cannot be started.
        """
        self.popen = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=scrubbed_environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            creationflags=_CREATION_FLAGS,
        )
        self._group_ended = False
        if sys.platform == "win32":
            from .windows_job import KillOnCloseJob

            self._windows_job = KillOnCloseJob(self.popen)

    def exit_status(self) -> int | None:
        """As ``Popen.poll``; when the process has ended, whatever it started ends too."""
        status = self.popen.poll()
        if status is not None and not self._group_ended:
            # Once only: later the number may belong to another group.
            self._group_ended = True
            self._end_group()
            if sys.platform == "win32":
                self._windows_job.close()
        return status

    def terminate(self) -> None:
        """Ask the group to end (on Windows: end it)."""
        if self.exit_status() is None:
            if sys.platform == "win32":
                self._windows_job.terminate()
            else:
                _signal_group(self.popen.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the group."""
        if self.exit_status() is None:
            self._end_group()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; whether it came."""
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.exit_status()
        return True

    def _end_group(self) -> None:
        if sys.platform == "win32":
            self._windows_job.terminate()
        else:
            _signal_group(self.popen.pid, signal.SIGKILL)


if sys.platform != "win32":

    def _signal_group(group: int, number: int) -> None:
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            pass  # The whole group is gone already: what was asked for.
        except PermissionError:
            # macOS says so of a group in which only zombies are left.
            if sys.platform != "darwin":
                raise
