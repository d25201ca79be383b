# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker says of the job that it does, taken down in the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import showing
from ..client import WorkerClient
from ..run_state import Run, Task
from . import records

_OPTIMISE = "optimise"
"""The stage that takes nearly all of the time, and alone has checkpoints."""


def hear(run: Run, task: Task, client: WorkerClient, event: dict[str, Any]) -> None:
    """Take down an event that does not end the job."""
    if event["type"] in _HANDLERS:
        _HANDLERS[event["type"]](run, task, client, event)


def _on_stage(run: Run, _task: Task, _client: WorkerClient, event: dict[str, Any]) -> None:
    run.fraction = 1.0 if run.optimises else run.fraction
    run.optimises = event["name"] == _OPTIMISE
    if not run.stops_this:
        run.stage, run.step, run.steps = event["label"], 0, 0


def _on_progress(run: Run, _task: Task, _client: WorkerClient, event: dict[str, Any]) -> None:
    run.step, run.steps, run.seconds_left = event["step"], event["steps"], event["seconds_left"]
    if run.optimises and run.steps:
        run.fraction = run.step / run.steps


def _on_checkpoint(run: Run, task: Task, _client: WorkerClient, event: dict[str, Any]) -> None:
    run.saved[task.key] = (event["step"], event["steps"])
    records.note(run, task)


def _on_frame(run: Run, task: Task, client: WorkerClient, event: dict[str, Any]) -> None:
    showing.take_frame(run, event)
    run.frames_shown += 1
    if run.is_watched:
        client.acknowledge_frame(task.job_id, event["number"])


def _on_warning(run: Run, task: Task, _client: WorkerClient, event: dict[str, Any]) -> None:
    run.warn(f"{task.object_name}: {event['message']}")


_HANDLERS: dict[str, Callable[[Run, Task, WorkerClient, dict[str, Any]], None]] = {
    "stage": _on_stage,
    "progress": _on_progress,
    "checkpoint": _on_checkpoint,
    "frame": _on_frame,
    "warning": _on_warning,
}
