# SPDX-License-Identifier: GPL-3.0-or-later
"""Events on their way from the thread that reads them to the main thread: few, whatever the worker sends."""

from __future__ import annotations

import threading
from typing import Any

from ...core.protocol import TERMINAL_EVENTS

MAXIMUM_WARNINGS = 64
"""Different warnings held at once; further ones are dropped."""


class Inbox:
    """A bounded mailbox. Of ``stage``, ``progress`` and ``frame`` the newest is held, of ``warning`` one a code, of the
    terminal events the first of the job. Nothing of a job other than the current one gets in.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[tuple[str, str], dict[str, Any]] = {}
        self._job = ""
        self._ended = False

    def expect(self, job: str) -> None:
        """Make ``job`` the current one ("" for none) and drop what is left of the last."""
        with self._lock:
            self._job = job
            self._ended = False
            self._events = {key: event for key, event in self._events.items() if not event["job"]}

    def put(self, event: dict[str, Any]) -> None:
        """Hold ``event`` until the next ``drain``, or drop it."""
        with self._lock:
            if event["job"] and (event["job"] != self._job or self._ended):
                return
            kind = event["type"]
            key = (event["job"], kind)
            if kind == "warning":
                key = (event["job"], f"warning {event.get('code')}")
                if key not in self._events and len(self._events) >= MAXIMUM_WARNINGS:
                    return
            if event["job"] and kind in TERMINAL_EVENTS:
                self._ended = True
            # Taken out first, so that the newest stands where it belongs in the order.
            self._events.pop(key, None)
            self._events[key] = event

    def drain(self) -> list[dict[str, Any]]:
        """Everything held, oldest first."""
        with self._lock:
            events, self._events = list(self._events.values()), {}
            return events
