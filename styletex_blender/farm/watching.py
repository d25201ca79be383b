# SPDX-License-Identifier: GPL-3.0-or-later
"""What farms do for the file that is open in a window: looked at by a timer, and collected when it is the moment."""

from __future__ import annotations

import contextlib
import traceback
from collections import deque
from dataclasses import dataclass, replace

import bpy

from ...core.job import JobError
from ..landing.moment import what_is_going_on
from ..names import name_of, readable
from ..translation.translate import said
from ..worker import warm_worker
from . import collecting, command
from .job import FarmJob, JobState

LOOK_SECONDS = 4.0
"""Time between two looks: the folder may be on a network's disk."""
_MOST_TOLD = 4


@dataclass(frozen=True)
class Seen:
    """A job as it stood at the last look."""

    job: FarmJob
    state: JobState
    error: JobError | None = None
    """Why it failed, or cannot be collected."""
    said: str = ""
    """Why the farm's command ended, where that did not make it."""


_seen: list[Seen] = []
_told: deque[str] = deque(maxlen=_MOST_TOLD)


def seen() -> list[Seen]:
    """The file's jobs on farms, in the order in which they were sent."""
    return _seen


def told() -> list[str]:
    """What the user should know of textures that came last: those that could not be put on their objects, and why."""
    return list(_told)


def begin() -> None:
    """Look at the farms soon, and from then on; in the background there is no timer, and this does nothing."""
    if bpy.app.background:
        return
    end()
    bpy.app.timers.register(_look, first_interval=0.1, persistent=True)


def end() -> None:
    """Look no more, and forget what was seen."""
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    _seen.clear()
    _told.clear()


def note_saved() -> None:
    """The .blend file was saved: its objects are called in it as they are now, and it may be another file."""
    blend_file = readable(bpy.data.filepath)
    for place, found in enumerate(_seen):
        target, sent = collecting.object_of(found.job), found.job.sent
        now = replace(sent, blend_file=blend_file, object_name=sent.object_name if target is None else name_of(target))
        if now == sent or not found.job.folder.is_dir():
            continue
        try:
            now.write(found.job.folder)
        except OSError:
            # The object knows its job as long as this file is where it is.
            warm_worker.note(traceback.format_exc())
        _seen[place] = replace(found, job=replace(found.job, sent=now))


def _look() -> float | None:
    """The timer; it ends when nothing is on a farm."""
    before = list(_seen)
    if not what_is_going_on():
        try:
            _seen[:] = [found for job in collecting.jobs_of_file() if (found := _look_at(job)) is not None]
        except OSError:
            # The farm's disk is away at the moment.
            warm_worker.note(traceback.format_exc())
    if before != _seen:
        _redraw()
    return LOOK_SECONDS if _seen else None


def _look_at(job: FarmJob) -> Seen | None:
    """How a job stands; ``None`` where its texture was collected just now."""
    state = job.state(command.is_at_work(job.farm))
    if state is JobState.FAILED:
        return Seen(job, state, job.error)
    if state is JobState.STOPPED:
        return Seen(job, state, said=command.last_words(job.farm))
    if state is not JobState.FINISHED:
        return Seen(job, state)
    try:
        if collecting.what_to_wait_for(job):
            return Seen(job, state)
        collected = collecting.collect(job)
    except (OSError, ValueError) as error:
        return Seen(job, state, JobError("bad_request", f"Its texture cannot be fetched: {error}"))
    outcome = collected.outcome
    if outcome.error is not None:
        _told.append(f"{outcome.object_name}: {said(outcome.error.message)}")
    _told.extend(collected.warnings)
    return None


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                with contextlib.suppress(ReferenceError):
                    area.tag_redraw()
