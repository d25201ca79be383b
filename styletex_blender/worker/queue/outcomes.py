# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task comes out: with its texture on its object, or without and why."""

from __future__ import annotations

from dataclasses import replace

import bpy

from ....core.job import JobError
from ...history import entries
from ...landing.changes import changes_since
from ...landing.land import land
from ...names import name_of
from ...scene.preview import hide_previews
from .. import warm_worker
from ..run_state import Outcome, Pending, Run, Task

GONE = "The object was deleted"
"""Before its texture was begun."""
DELETED = "The object was deleted while its texture was being made"
BRING_BACK = "Bring it back with undo or redo, then press Retry Failed"
"""What to do about ``GONE``."""


def outcome_without(
    task: Task, seconds: float = 0.0, error: JobError | None = None, cancelled: bool = False
) -> Outcome:
    """The outcome of a task that has no texture."""
    return Outcome(
        task.object_name, seconds, error=error, cancelled=cancelled, object_uid=task.object_uid, key=task.key
    )


def land_pending(run: Run, pending: Pending, target: bpy.types.Object | None) -> Outcome:
    """Put a finished texture on its object, and on those that share its mesh; how that came out.

    Args:
        run: that of the texture; it is told what the user should know.
        pending: the texture, for which it is the moment.
        target: its object; ``None`` where that was deleted.
    """
    task, kept = pending.task, pending.kept
    try:
        if target is None:
            raise JobError("bad_mesh", DELETED, "Bring it back with undo or redo, then press Apply")
        name = name_of(target)
        hide_previews()
        changes = changes_since(task.state, target)
        # Of the variations the first one is applied, as long as the artist has not done something else there since.
        is_first = not task.group or not entries.has_of_group(target, task.group)
        meanwhile = changes.replaced or changes.painted
        applies = not task.group or (is_first and not meanwhile)
        linked, warnings = task.linked_targets(), []
        image = land(target, kept, kept.landing.destination, linked=linked, applies=applies, warnings=warnings)
    except JobError as error:
        return kept_back(pending, error)
    except Exception as error:
        return kept_back(pending, warm_worker.internal_error(error))
    if changes.stale:
        run.warn(f"{name}: While its texture was being made, {changes.stale}; the texture is of how it was before")
    if task.group and is_first and meanwhile:
        run.warn(f"{name}: While its texture was being made, {meanwhile}; the texture is in its history alone")
    for warning in warnings:
        run.warn(f"{name}: {warning}")
    if not run.keeps_results:
        kept.remove()
    place = bpy.path.abspath(image.filepath) if kept.landing.destination == "beside" else "packed in the file"
    return Outcome(
        name,
        pending.seconds,
        image.name,
        image.session_uid,
        place,
        applied=applies,
        object_uid=task.object_uid,
        key=task.key,
        kept=kept.folder if run.keeps_results else None,
    )


def kept_back(pending: Pending, error: JobError | None = None, cancelled: bool = False) -> Outcome:
    """The outcome of an object whose texture is finished and not on it."""
    task, folder = pending.task, pending.kept.folder
    if error is not None:
        if error.code == "internal":
            warm_worker.note(error.detail)
        error = JobError(error.code, f"{error.message}. The texture is kept in {folder}", error.hint, error.detail)
    return replace(outcome_without(task, pending.seconds, error, cancelled), kept=folder)
