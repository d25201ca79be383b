# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about one command of the installer while it runs and afterwards. No ``bpy`` here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """What one check of ``doctor`` found."""

    name: str
    """The check."""
    ok: bool
    """Whether all is well."""
    text: str
    """What is there, or what is wrong."""
    mend: str
    """What to do about it; empty when there is nothing to do."""


@dataclass
class InstallerRun:
    """An installation, a check or a removal."""

    command: str
    """"install", "doctor" or "remove"; of ``core``, "models", "download" or "suggest"."""
    python: str = ""
    """Of "doctor": the Python that it tries; empty for what is installed."""
    stage: str = ""
    """What is being done, for people; empty at first."""
    number: int = 0
    """Which of the stages that is, from 1."""
    stages: int = 0
    """How many there are; 0 while unknown."""
    percent: float = 0.0
    """How much of the whole is done, 0 to 100."""
    download: dict[str, int] = field(default_factory=dict)
    """In a download: ``bytes``, ``total_bytes`` and, once something has come, ``bytes_per_second``,
    ``seconds_left``."""
    findings: list[Finding] = field(default_factory=list)
    """What ``doctor`` found so far."""
    notes: list[str] = field(default_factory=list)
    """What the installer decided."""
    ending: dict[str, Any] | None = None
    """The last event, once the run is over."""
    wants_cancel: bool = False
    """Whether the user cancelled."""
    started: float = field(default_factory=time.monotonic)
    """When it began, by ``time.monotonic``."""

    @property
    def changes(self) -> bool:
        """Whether it changes what is installed."""
        return self.command in ("install", "remove")

    @property
    def seconds(self) -> float:
        """Time since it began."""
        return time.monotonic() - self.started

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.ending is not None and self.ending["type"] == "error"

    @property
    def wrong(self) -> list[Finding]:
        """The findings that are not well."""
        return [finding for finding in self.findings if not finding.ok]

    def take(self, event: dict[str, Any]) -> None:
        """Take in one event of ``InstallerProcess``."""
        kind = event["type"]
        if kind == "stage":
            if event["number"] <= self.number:
                self.percent = 0.0  # It begins anew: what was downloaded was damaged.
            self.stage, self.number, self.stages = event["title"], event["number"], event["of"]
            self.download = {}
        elif kind == "progress":
            # Never back: a download of which the size becomes known late makes the whole larger.
            self.percent = max(self.percent, event["percent"])
            names = ("bytes", "total_bytes", "bytes_per_second", "seconds_left")
            self.download = {name: event[name] for name in names if name in event}
        elif kind == "finding":
            self.findings.append(Finding(event["name"], event["ok"], event["text"], event["mend"]))
        elif kind == "note":
            self.notes.append(event["text"])
        else:
            self.ending = event
