# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue's records in its job folders: what is to be done still when its .blend file is opened again."""

from __future__ import annotations

import traceback
from dataclasses import replace

import bpy

from ...folders import queued
from ...names import name_of, readable
from .. import warm_worker
from ..run_state import Run, Task


def note_all(run: Run) -> None:
    """Write down each task that is to be done, or that failed; forget the others."""
    for task in run.tasks:
        note(run, task)


def note(run: Run, task: Task) -> None:
    """Write down one task.

    In a file that was never saved nothing can be found again, and what nobody watches is gone on with by whoever
    started it: then nothing is written.
    """
    folder, blend_file = task.folder.path, readable(bpy.data.filepath)
    outcome = run.outcome_of(task)
    waits = task in run.open_tasks or (outcome is not None and outcome.error is not None and outcome.kept is None)
    try:
        if not (blend_file and waits and run.is_watched):
            queued.forget(folder)
        elif folder.is_dir():
            step, steps = run.saved.get(task.key, (0, 0))
            seconds = run.seconds if task == run.begun else run.spent.get(task.key, 0.0)
            error = None if outcome is None or outcome.error is None else outcome.error.to_dict()
            place = run.tasks.index(task)
            linked = tuple(name for _, name in task.linked)
            waiting = queued.Queued(
                blend_file, task.object_name, task.settings, place, step, steps, seconds, linked, error
            )
            waiting.write(folder)
    except OSError as error:
        warm_worker.note(traceback.format_exc())
        run.warn(f"The queue may be gone when the file is opened again ({error.strerror or error})")


def note_saved(run: Run) -> None:
    """The .blend file was saved: its objects are called in it as they are now, and it may be another file."""
    for index, task in enumerate(run.tasks):
        if (target := task.target()) is not None:
            linked = tuple((other.session_uid, name_of(other)) for other in task.linked_targets())
            run.tasks[index] = replace(task, object_name=name_of(target), linked=linked)
    note_all(run)


def forget_all(run: Run, but: Run | None = None) -> None:
    """Nothing of ``run`` is to be done any more, except in the folders that ``but`` has taken over."""
    taken = {task.folder.path for task in but.tasks} if but is not None else set()
    for task in run.tasks:
        if task.folder.path not in taken:
            queued.forget(task.folder.path)


def leave_folders(run: Run, hopeless: frozenset[str]) -> None:
    """Keep the checkpoints of the objects that failed or were interrupted and what waits, and nothing else.

    Args:
        run: it is over.
        hopeless: codes of errors that the same job would meet again from its checkpoint.
    """
    for task in run.tasks:
        outcome = run.outcome_of(task)
        if outcome is None:
            wanted = not run.wants_cancel
        else:
            wanted = outcome.kept is not None or (outcome.error is not None and outcome.error.code not in hopeless)
        task.folder.leave(keep_checkpoint=wanted)
