# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's two ends of the wire: commands from standard input, events to standard output, and nothing else there.

Standard library only: it does its work before any heavy import.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, BinaryIO

from ..job import EXIT_STATUS
from ..protocol import message_writer


def claim_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output away from everything else in this process.

    Descriptor 1 then leads to standard error, whoever writes to it (``print``, a C library, a child process), and
    descriptor 0 is empty, so that no child process eats a command.

    Returns:
        The commands to read and the events to write.
    """
    sys.stdout.flush()
    commands = os.fdopen(os.dup(0), "rb")
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return commands, events


class EventWriter:
    """Sends events, from any thread, each line whole."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._encode = message_writer()
        self._lock = threading.Lock()

    def send(self, kind: str, job: str = "", **payload: Any) -> None:
        """Send one event of ``core.protocol.EVENTS``. Ends the process when nobody listens any more."""
        with self._lock:
            line = self._encode(kind, job, **payload)
            try:
                self._stream.write(line)
                self._stream.flush()
            except OSError as error:
                print(f"Nobody reads the events any more ({error}); leaving", file=sys.stderr, flush=True)
                os._exit(EXIT_STATUS["worker_died"])
