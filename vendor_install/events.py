# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation says while it runs: text for people, or one JSON object a line for Blender's preferences.

Types: ``stage`` (``stage``, ``number``, ``of``, ``title``), ``progress`` (``stage``, ``percent`` of the whole; in a
download also ``bytes``, ``total_bytes``, ``bytes_per_second`` and ``seconds_left`` of the stage), ``log`` (``text``, a
line of a tool), ``note`` (``text``, a decision), ``finding`` (of ``doctor``: ``name``, ``ok``, ``text``, ``mend``),
then exactly one of ``done`` (``text`` and what the command made), ``error`` (``code``, ``message``, ``hint``) and
``cancelled``.
"""

from __future__ import annotations

import json
import time
from typing import Any

from .downloads import Downloads
from .messages import InstallError

STAGES = {
    "tool": ("Get the installer uv", 3),
    "python": ("Find a Python", 1),
    "environment": ("Make an environment", 2),
    "packages": ("Install the packages", 24),
    "torch": ("Install PyTorch, the largest download", 60),
    "check": ("Check that they work together", 10),
}
"""The stages in their order, each with its title and its part of the whole time in percent."""


class Reporter:
    """Turns the course of an installation into lines on the standard output."""

    def __init__(self, as_json: bool = False) -> None:
        self._as_json = as_json
        self._stage = ""
        self._downloads = Downloads()

    def stage(self, name: str) -> None:
        """A stage begins."""
        self._stage = name
        self._downloads = Downloads()
        title, number = STAGES[name][0], list(STAGES).index(name) + 1
        self._say(
            f"{number} of {len(STAGES)} · {title}", "stage", stage=name, number=number, of=len(STAGES), title=title
        )
        self._progress(0.0)

    def note(self, text: str) -> None:
        """Something was decided that the user may want to know."""
        self._say(text, "note")

    def log(self, line: str) -> None:
        """A tool printed a line."""
        told = self._downloads.read(line)
        if told and self._stage:
            self._progress(self._downloads.fraction)
        if line.startswith(("Progress ", "Requirement already satisfied")):
            return  # pip's count of bytes, many times a second, and what need not be done.
        if self._as_json:
            self._emit("log", text=line)
        else:
            print(f"    {line}", flush=True)

    def finding(self, line: str, **values: Any) -> None:
        """``doctor`` looked at something."""
        if self._as_json:
            self._emit("finding", **values)
        else:
            print(line, flush=True)

    def done(self, text: str, **values: Any) -> None:
        """The command reached its end."""
        if self._as_json and self._stage:
            self._emit("progress", stage=self._stage, percent=100.0)
        self._say(text, "done", **values)

    def failed(self, error: InstallError) -> None:
        """The command could not do its work."""
        if self._as_json:
            self._emit("error", code=error.code, message=error.message, hint=error.hint)

    def cancelled(self) -> None:
        """The user ended the command."""
        if self._as_json:
            self._emit("cancelled")

    def _progress(self, fraction: float) -> None:
        if not self._as_json:
            return
        names = list(STAGES)
        before = sum(STAGES[name][1] for name in names[: names.index(self._stage)])
        percent = round(before + STAGES[self._stage][1] * fraction, 1)
        self._emit("progress", stage=self._stage, percent=percent, **self._downloads.values(time.monotonic()))

    def _say(self, text: str, kind: str, **values: Any) -> None:
        if self._as_json:
            self._emit(kind, text=text, **values)
        else:
            print(f"==> {text}", flush=True)

    def _emit(self, kind: str, **values: Any) -> None:
        print(json.dumps({"type": kind, **values}), flush=True)
