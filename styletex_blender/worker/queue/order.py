# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the queue: add to it, put it in another order, take from it, try again what failed."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import bpy

from ..run_state import Outcome, Run, Task
from . import listing, records
from .linked import by_mesh


class State(enum.Enum):
    """Where a task stands, each with a word for people."""

    WAITING = "Waiting"
    WORKING = "In progress"
    PAUSED = "Paused"
    LANDING = "Finished"
    DONE = "Done"
    FAILED = "Failed"
    CANCELED = "Canceled"


def state_of(run: Run, task: Task) -> State:
    """Where a task of ``run`` stands."""
    outcome = run.outcome_of(task)
    if outcome is not None:
        if outcome.textured:
            return State.DONE
        return State.FAILED if outcome.error is not None else State.CANCELED
    if any(pending.task.key == task.key for pending in run.pending):
        return State.LANDING
    if task == run.begun:
        return State.WORKING
    return State.PAUSED if task.key in run.saved else State.WAITING


def find(run: Run, key: str) -> Task | None:
    """The task with a key."""
    return next((task for task in run.tasks if task.key == key), None)


def is_there(run: Run, target: bpy.types.Object, settings: dict[str, Any]) -> bool:
    """Whether an object, or one that shares its mesh, is to be done still with the same settings."""
    alike = (task.target() for task in run.open_tasks if task.settings == settings)
    return any(other is not None and (other == target or len(by_mesh([other, target])) == 1) for other in alike)


def add(run: Run, tasks: Sequence[Task], refused: Sequence[Outcome]) -> None:
    """Put tasks at the end."""
    run.tasks.extend(tasks)
    run.refused.extend(refused)
    _changed(run)


def take_failed(run: Run, before: Run) -> None:
    """Have what failed in a run that is over stay in the queue, to be tried again, unless ``run`` does it anyway."""
    uids = {task.object_uid for task in run.tasks}
    failed = [task for task in before.tasks if state_of(before, task) is State.FAILED and task.target() is not None]
    stay = [task for task in failed if task.object_uid not in uids]
    run.tasks[:0] = stay
    run.done[:0] = [outcome for task in stay if (outcome := before.outcome_of(task)) is not None]
    for task in stay:
        if task.key in before.saved:
            run.saved[task.key] = before.saved[task.key]
        run.spent[task.key] = before.spent.get(task.key, 0.0)


def move(run: Run, key: str, up: bool) -> bool:
    """Let a task that waits change places with the one that waits before or after it; whether there was one."""
    waiting = [index for index, task in enumerate(run.tasks) if task in run.open_tasks and task != run.begun]
    places = [place for place, index in enumerate(waiting) if run.tasks[index].key == key]
    if not places or not 0 <= (other := places[0] + (-1 if up else 1)) < len(waiting):
        return False
    here, there = waiting[places[0]], waiting[other]
    run.tasks[here], run.tasks[there] = run.tasks[there], run.tasks[here]
    _changed(run)
    return True


def cancel(run: Run, key: str) -> None:
    """Take a task off the queue; the one that is being worked on is stopped, and nothing of it is kept."""
    task = find(run, key)
    if task is None or task not in run.open_tasks:
        return
    if task == run.begun:
        run.wants_skip = True
        return
    run.done.append(Outcome(task.object_name, cancelled=True, object_uid=task.object_uid, key=task.key))
    task.folder.leave(keep_checkpoint=False)
    run.saved.pop(task.key, None)
    _changed(run)


def retry(run: Run, keys: Sequence[str] = ()) -> int:
    """Have failed tasks wait again in their places; all of them without ``keys``. Returns how many."""
    failed = [task for task in run.tasks if state_of(run, task) is State.FAILED and (not keys or task.key in keys)]
    again = {task.key for task in failed}
    run.done = [outcome for outcome in run.done if outcome.key not in again]
    if failed:
        _changed(run)
    return len(failed)


def _changed(run: Run) -> None:
    records.note_all(run)
    listing.list_tasks(run)
