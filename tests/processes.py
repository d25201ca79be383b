# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes run, and whether one still does. Reads /proc: a bare system has no ps."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether the process is there and, on Linux, is no zombie."""
    try:
        os.kill(pid, 0)
        return sys.platform != "linux" or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def running_commands() -> list[str]:
    """The command lines of all processes; none where there is no /proc."""
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # It has ended meanwhile.
            continue
    return commands


def wait_until_gone(pid: int, seconds: float) -> None:
    """Wait for its end.

    Raises:
        AssertionError: it has not ended in time.
    """
    deadline = time.monotonic() + seconds
    while is_running(pid):
        assert time.monotonic() < deadline, f"{pid} still runs after {seconds} s"
        time.sleep(0.02)
