# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the whole queue will take."""

from __future__ import annotations

from ..run_state import Run, Task

_DECISIVE = ("preset", "profile", "texture_size", "tiles", "device")
"""The settings that make a job long or short."""


def seconds_left(run: Run) -> float | None:
    """Time until all is done, or ``None`` while too little is known: what is measured counts for jobs of its kind."""
    measured: dict[tuple[object, ...], list[float]] = {}
    for task in run.tasks:
        outcome = run.outcome_of(task)
        if outcome is not None and outcome.textured:
            measured.setdefault(_kind(task), []).append(outcome.seconds)
    total, waiting = 0.0, list(run.open_tasks)
    if (begun := run.begun) is not None:
        if run.seconds_left is None:
            return None
        total = run.seconds_left
        waiting.remove(begun)
        measured.setdefault(_kind(begun), []).append(run.seconds + run.seconds_left)
    for task in waiting:
        of_its_kind = measured.get(_kind(task))
        if of_its_kind is None:
            return None
        step, steps = run.saved.get(task.key, (0, 0))
        total += sum(of_its_kind) / len(of_its_kind) * (1.0 - (step / steps if steps else 0.0))
    return total


def _kind(task: Task) -> tuple[object, ...]:
    return tuple(task.settings.get(name) for name in _DECISIVE)
