# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in events, one line of JSON each, for a program that shows how it goes.

They are those of ``vendor_install``; the last is ``done`` or ``error``. The process ends when its standard input does,
as it does when the other program goes away.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from ..failure import as_job_error
from ..job import EXIT_STATUS


def in_events(work: Callable[[], dict[str, Any]]) -> int:
    """Do ``work``, whose result is what the event ``done`` holds, or tell what went wrong; returns the exit status."""
    threading.Thread(target=_end_with_input, name="standard input", daemon=True).start()
    try:
        result = work()
    except Exception as error:
        failure = as_job_error(error)
        emit("error", code=failure.code, message=failure.message, hint=failure.hint)
        return EXIT_STATUS[failure.code]
    emit("done", **result)
    return 0


def emit(kind: str, **values: Any) -> None:
    """Send one event: in one write, since progress is told by a thread of its own."""
    sys.stdout.write(f"{json.dumps({'type': kind, **values})}\n")
    sys.stdout.flush()


def _end_with_input() -> None:
    # Python's own stream would be locked when this process comes to its end.
    while os.read(0, 1024):
        pass
    os._exit(EXIT_STATUS["cancelled"])
