# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker never outlives the process that started it, so that no orphan keeps the accelerator's memory.

On every system the worker leaves when its standard input ends. This is the second net, for a worker whose interpreter
is held by a long call at that moment: on Linux the kernel kills it. On Windows the job object that the client makes
does the same (``styletex_blender/worker/process.py``); macOS has the first net alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from ..protocol import PARENT_VARIABLE

_PR_SET_PDEATHSIG = 1


def leave_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends (Linux; elsewhere nothing happens).

    Exits at once when the parent named by ``PARENT_VARIABLE`` died before the kernel was asked.

    Raises:
        OSError: the kernel refused.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl(PR_SET_PDEATHSIG): {os.strerror(error)}")
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is not None and int(parent) != os.getppid():
        os._exit(0)
