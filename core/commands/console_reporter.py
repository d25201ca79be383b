# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's ear in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from ..reporting import SilentReporter


class ConsoleReporter(SilentReporter):
    """Shows a job in the terminal."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._task = progress.add_task("Starting", total=None, left="")

    def stage(self, name: str, label: str) -> None:
        self._progress.update(self._task, description=label, total=None, completed=0, left="")

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        left = "" if seconds_left is None else f"{_duration(seconds_left)} left"
        self._progress.update(self._task, total=steps, completed=step, left=left)

    def warning(self, code: str, message: str) -> None:
        # As it comes: above the bar, and a path is no markup.
        self._console.print(f"Warning: {message}", style="yellow", markup=False, emoji=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
