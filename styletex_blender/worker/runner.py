# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs: one generator, stepped by a timer in a window and by a loop in the background.

Undo. Nothing is pushed when a run begins. While it runs, the texture so far is on the object as a preview, which is
no part of the file's history (``preview``). When a job is done the preview is taken off, so that the file is as the
last undo step left it; the texture is applied, and one undo step is pushed. So one undo brings the old material back,
and redo brings the texture, whose pixels are packed or on disk by then.

Nothing is lost. A finished texture is moved to its kept place first (``folders.kept``), and leaves it when it is on its
object. The artist works on meanwhile: what was read when a job began is compared with what is there (``changes``), and
a texture waits while something is going on that it must not disturb (``moment``), without holding up the next job.

A run is a queue (``queue``): objects are added to it while it goes on, and each is exported anew when its turn comes
and it has changed. A run that is paused has ended its worker, and with it given back the graphics card's memory; what
was being worked on goes on from its checkpoint.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import bpy

from ...core.job import JobError
from ..folders import queued
from ..landing.moment import what_is_going_on, where_uv_maps_wait
from ..scene.preview import hide_previews
from . import showing, warm_worker
from .queue import hearing, listing, records
from .queue.keeping import keep_result
from .queue.outcomes import BRING_BACK, GONE, kept_back, land_pending, outcome_without
from .run_state import Outcome, Pending, Run, Task

TICK_SECONDS = 0.05
"""Time between two looks at the worker."""
_ENDS_THE_RUN = frozenset({"bad_setting", "dependencies", "disk_full", "model_missing", "offline"})
"""Errors of the worker that every other object with the same settings would meet as well."""
_ENDS_ALL = frozenset({"dependencies", "disk_full"})
"""Those of them that do not come of the settings."""
_ENDS_THE_JOB = frozenset({"non_finite"})
"""Errors that the same job would meet again from its checkpoint."""
_LOOK_SECONDS = 0.5
"""Least time between two looks at what has changed of an object."""
_LOOK_SHARE = 20.0
"""How many times as long as a look takes the next one waits."""
_WAITING = "Waiting to put the texture on"

_run: Run | None = None
_steps: Generator[None, None, None] | None = None
_next_look = 0.0


def current_run() -> Run | None:
    """The run that is going on or, when none is, the last one until it is dismissed."""
    return _run


def running() -> Run | None:
    """The run that is going on, or ``None``."""
    return _run if _run is not None and not (_run.finished or _run.paused) else None


def unfinished() -> Run | None:
    """The run that is going on or paused, or ``None``."""
    return _run if _run is not None and not _run.finished else None


def adopt(run: Run) -> None:
    """Make ``run`` the current one; it is not begun."""
    global _run
    if _run is not None and _run is not run:
        records.forget_all(_run, but=run)
    _run = run
    listing.list_tasks(run)


def begin(run: Run) -> Generator[None, None, None]:
    """Make ``run`` the current one and return the generator that carries it out, or goes on with it."""
    global _steps
    adopt(run)
    run.paused = run.finished = False
    records.note_all(run)
    _steps = _carry_out(run)
    return _steps


def begin_in_window(run: Run) -> None:
    """Carry out ``run`` by a timer, while the window goes on answering."""
    begin(run)
    bpy.app.timers.register(_tick, first_interval=TICK_SECONDS, persistent=True)


def cancel() -> None:
    """Stop the run and keep nothing of the object that is being worked on; finished objects stay."""
    if _run is None:
        return
    _run.wants_cancel = True
    if _run.paused:
        # Nobody steps it: what is left is quickly done.
        for _ in begin(_run):
            pass


def pause() -> None:
    """Stop as soon as the object that is being worked on has its checkpoint."""
    if (run := running()) is not None:
        run.wants_pause = True


def finish() -> None:
    """Stop optimising the current object, as soon as there is something to keep, and keep its texture as it is."""
    if _run is not None:
        _run.wants_finish = True


def again() -> None:
    """Begin the current object anew, as it is now."""
    if _run is not None:
        _run.wants_again = True


def settle(folder: Path) -> None:
    """The kept texture in ``folder`` was put on its object, or removed: its object's failure is no more."""
    if _run is not None and _run.finished:
        _run.done = [outcome for outcome in _run.done if outcome.kept != folder]


def dismiss() -> None:
    """Forget the last run, and with it its messages."""
    global _run
    if unfinished() is None and _run is not None:
        records.forget_all(_run)
        _run = None
        listing.list_tasks(None)


def abandon() -> None:
    """End the run at once, because its file or the add-on goes away; the worker is ended with it."""
    global _run, _steps
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _run is not None and not _run.finished:
        _run.wants_pause = _run.paused = False
        if _steps is not None:
            warm_worker.close()
            _steps.close()
        # A generator that was not stepped yet has nothing to tidy up.
        if not _run.finished:
            _end(_run)
    _run, _steps = None, None
    listing.list_tasks(None)


def show_last_frame() -> None:
    """Put the preview back on the object after something needed it off."""
    run = running()
    if run is not None and run.index < len(run.tasks):
        showing.keep_up(run)


def note_updates(depsgraph: bpy.types.Depsgraph) -> None:
    """Blender has evaluated changes: look again at the object that is being worked on, if it is among them."""
    run = running()
    if run is None or run.look_again or not run.tasks:
        return
    target = run.task.target()
    wanted = {run.task.object_uid, target.data.session_uid if target is not None and target.data else 0}
    run.look_again = any(update.id.original.session_uid in wanted for update in depsgraph.updates)


def _tick() -> float | None:
    """The timer."""
    global _steps
    steps, _steps = _steps, None
    if steps is None:
        return None
    try:
        next(steps)
        _steps = steps
    except StopIteration:
        pass
    showing.redraw_what_changed(_run)
    return TICK_SECONDS if _steps is not None else None


def _carry_out(run: Run) -> Generator[None, None, None]:
    """Do all tasks of a run, yielding whenever there is nothing to do but wait."""
    try:
        while not run.wants_cancel:
            if run.open_tasks and not run.wants_pause:
                yield from _do(run, run.tasks.index(_next(run.open_tasks)))
            elif run.pending:
                run.stage, run.step, run.steps = _WAITING, 0, 0
                _land_what_can(run)
                showing.keep_up(run)
                yield
            else:
                break
        if run.wants_cancel:
            run.done += [outcome_without(task, cancelled=True) for task in run.open_tasks]
    except Exception as error:
        problem = warm_worker.internal_error(error)
        warm_worker.close()
        run.done += [outcome_without(task, error=problem) for task in run.open_tasks]
    finally:
        run.paused = run.wants_pause and bool(run.open_tasks)
        _end(run)


def _end(run: Run) -> None:
    """Tidy up after a run that is over, or paused."""
    run.done += [kept_back(pending, cancelled=True) for pending in run.pending]
    run.pending.clear()
    run.finished, run.wants_pause = not run.paused, False
    run.frame = None
    hide_previews()
    if run.finished:
        records.leave_folders(run, _ENDS_THE_JOB)
        if failed := [outcome for outcome in run.done if outcome.error is not None]:
            # Its message is what people look for then.
            listing.choose(failed[0].key)
    warm_worker.release()


def _next(tasks: list[Task]) -> Task:
    """The first one whose object is there: one that is gone may come back while the others are made."""
    return next((task for task in tasks if task.target() is not None), tasks[0])


def _do(run: Run, index: int) -> Generator[None, None, None]:
    """Do one task, as often as it is begun anew; if it is paused, it stays open."""
    anew = False
    while True:
        hide_previews()
        run.begin_task(index)
        outcome = yield from _attempt(run, anew)
        anew = run.wants_again and not run.stops_this and outcome is not None and outcome.cancelled
        run.wants_again = run.wants_finish = run.wants_skip = False
        if not anew:
            break
    if outcome is not None:
        run.done.append(outcome)
        records.note(run, run.task)
        if outcome.error is not None and outcome.error.code in _ENDS_THE_RUN:
            alike = outcome.error.code in _ENDS_ALL
            same = [task for task in run.open_tasks if alike or task.settings == run.task.settings]
            run.done += [outcome_without(task, error=outcome.error) for task in same]
            records.note_all(run)


def _attempt(run: Run, anew: bool) -> Generator[None, None, Outcome | None]:
    """Do the current task, whatever happens; ``None`` when its texture is finished, or it was paused."""
    task = run.task
    try:
        task = yield from _up_to_date(run, anew)
        if run.wants_pause:
            return None
        # A name that was never on the wire, for a task that may have been.
        task = run.tasks[run.index] = replace(task, job_id=uuid.uuid4().hex)
        return (yield from _work(run, task))
    except JobError as error:
        problem = _with_way_on(error, task)
    except Exception as error:
        problem = warm_worker.internal_error(error)
        # It may be in the middle of the job.
        warm_worker.close()
    return outcome_without(task, run.seconds, error=problem)


def _up_to_date(run: Run, anew: bool) -> Generator[None, None, Task]:
    """The current task; made anew when its object has changed since it was exported, or its folder was let go of.

    Raises:
        JobError: it cannot be textured any more.
    """
    target = run.task.target()
    if target is None:
        raise JobError("bad_mesh", GONE, BRING_BACK)
    if anew or not run.task.folder.held or run.task.changes(target).any:
        run.stage = "Reading the object again"
        while what_is_going_on() and not (run.stops_this or run.wants_pause):
            yield
        target = run.task.target()
        if target is None:
            raise JobError("bad_mesh", GONE, BRING_BACK)
        before = run.task
        exported = replace(before.export_again(target), key=before.key, linked=before.linked)
        if exported.folder.path != before.folder.path:
            queued.forget(before.folder.path)
        if not exported.folder.resumable:
            run.saved.pop(before.key, None)
        run.tasks[run.index] = exported
        run.begin_task(run.index)
        records.note(run, exported)
    return run.task


def _with_way_on(error: JobError, task: Task) -> JobError:
    if error.code in _ENDS_THE_JOB or not task.folder.resumable:
        return error
    first = error.hint.rstrip(".") or "Try again"
    return JobError(error.code, error.message, f"{first}. It then goes on from where it stopped", error.detail)


def _work(run: Run, task: Task) -> Generator[None, None, Outcome | None]:
    """Have the worker do one task.

    Raises:
        JobError: what the worker reported, or what became of it or of the object.
    """
    client = warm_worker.acquire()
    client.run(task.job_id, task.folder.path, task.object_name)
    told_cancel = told_finish = told_pause = False
    frames = run.frames_shown
    while True:
        for event in client.events():
            if event.get("job") != task.job_id:
                continue
            if event["type"] == "done":
                # Whatever comes now, the texture is where it is safe.
                run.pending.append(Pending(task, keep_result(task, event), run.seconds))
                _land_what_can(run)
                return None
            if event["type"] == "paused":
                run.spent[task.key] = run.seconds
                warm_worker.close()
                return None
            if event["type"] == "cancelled" or (event["type"] == "error" and told_cancel):
                run.saved.pop(task.key, None)
                return outcome_without(task, run.seconds, cancelled=True)
            if event["type"] == "error":
                raise JobError.from_dict(event)
            hearing.hear(run, task, client, event)
        showing.miss_object(run, task)
        if (run.stops_this or run.wants_again) and not told_cancel:
            told_cancel = True
            run.stage = "Canceling"
            hide_previews()
            client.cancel(task.job_id)
        elif run.wants_pause and not told_pause:
            told_pause = True
            run.stage = "Pausing"
            client.pause(task.job_id)
        elif run.wants_finish and run.frames_shown > frames and not told_finish:
            told_finish = True
            run.stage = "Finishing"
            client.finish(task.job_id)
        if not told_cancel:
            _look_at_changes(run, task)
            showing.keep_up(run)
        _land_what_can(run)
        yield


def _look_at_changes(run: Run, task: Task) -> None:
    """Find out, soon after it happens, that the texture will not fit the object; not in the middle of an action."""
    global _next_look
    now = time.monotonic()
    if not run.look_again or now < _next_look or what_is_going_on():
        return
    run.look_again = False
    target = task.target()
    if target is not None:
        run.changes = task.changes(target, with_pixels=False)
    _next_look = time.monotonic() + max(_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - now))


def _land_what_can(run: Run) -> None:
    """Put the finished textures on their objects for which it is the moment."""
    for pending in list(run.pending):
        target = pending.task.target()
        # In the background nobody ends what is going on.
        pending.waits_for = _what_to_wait_for(target, pending) if target is not None and run.is_watched else ""
        if not pending.waits_for:
            run.pending.remove(pending)
            run.done.append(land_pending(run, pending, target))
            if pending.task == run.task:
                run.frame = None


def _what_to_wait_for(target: bpy.types.Object, pending: Pending) -> str:
    if going_on := what_is_going_on():
        return f"{going_on} to end"
    if pending.kept.landing.new_uvs is not None and target.type == "MESH" and (mode := where_uv_maps_wait(target)):
        return f"you to leave {mode}"
    return ""
