# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core``: see ``core.command_line``.

Ctrl-C may come while modules are loaded, where Python would print where it was, or that it ignored an exception; so it
is heard from the first line on.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

CANCELLED = 130
"""``EXIT_STATUS["cancelled"]`` of ``core.job``, before that is loaded."""


def _end(number: int, frame: FrameType | None) -> NoReturn:
    os.write(2, b"Cancelled.\n")
    os._exit(CANCELLED)


def _end_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    """Where Python would drop Ctrl-C, since nothing can be raised there (an object's end, say), it ends the process."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _end(signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)


def _hear(handler: signal._HANDLER) -> None:
    # What is ignored stays so: a shell starts what runs in the background without an ear for Ctrl-C.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


if __name__ == "__main__":
    _hear(_end)
    sys.unraisablehook = _end_unraisable

    from .command_line import main

    _hear(signal.default_int_handler)
    status = main()
    # All is done, and Python takes PyTorch down for a second.
    _hear(signal.SIG_IGN)
    if status == CANCELLED:
        # Python ends itself by a signal where what it had interrupted was code of a library's own.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
