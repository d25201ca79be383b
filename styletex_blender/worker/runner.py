# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs: one generator, stepped by a timer in a window and by a loop in the background.

Undo. Nothing is pushed when a run begins. While it runs, the texture so far is on the object as a preview, which is
no part of the file's history (``preview``). When a job is done the preview is taken off, so that the file is as the
last undo step left it; the texture is applied, and one undo step is pushed. So one undo brings the old material back,
and redo brings the texture, whose pixels are packed or on disk by then.
"""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import bpy

from ...core.job import JobError
from ..scene.image import load_texture, read_frame
from ..scene.material import apply_texture, texture_name
from ..scene.preview import hide_previews, show_preview
from ..scene.uv import ensure_uv_map
from . import warm_worker
from .client import WorkerClient
from .run_state import Outcome, Run, Task

TICK_SECONDS = 0.05
"""Time between two looks at the worker."""
UNDO_MESSAGE = "Stylize Texture"
"""Name of the undo step of a finished job."""
_ENDS_THE_RUN = frozenset({"bad_setting", "dependencies", "disk_full", "model_missing", "offline"})
"""Errors that every other object would meet as well."""
_ENDS_THE_JOB = frozenset({"non_finite"})
"""Errors that the same job would meet again from its checkpoint."""

_run: Run | None = None
_steps: Generator[None, None, None] | None = None
_drawn: tuple[tuple[object, ...], tuple[object, ...]] = ((), ())


def current_run() -> Run | None:
    """The run that is going on or, when none is, the last one until it is dismissed."""
    return _run


def running() -> Run | None:
    """The run that is going on, or ``None``."""
    return _run if _run is not None and not _run.finished else None


def begin(run: Run) -> Generator[None, None, None]:
    """Make ``run`` the current one and return the generator that carries it out."""
    global _run, _steps
    _run, _steps = run, _carry_out(run)
    return _steps


def begin_in_window(run: Run) -> None:
    """Carry out ``run`` by a timer, while the window goes on answering."""
    begin(run)
    bpy.app.timers.register(_tick, first_interval=TICK_SECONDS, persistent=True)


def cancel() -> None:
    """Stop the run and keep nothing of the object that is being worked on; finished objects stay."""
    if _run is not None:
        _run.wants_cancel = True


def finish() -> None:
    """Stop optimising the current object and keep its texture as it is."""
    if _run is not None:
        _run.wants_finish = True


def dismiss() -> None:
    """Forget the last run, and with it its messages."""
    global _run
    if running() is None:
        _run = None


def abandon() -> None:
    """End the run at once, because its file or the add-on goes away; the worker is ended with it."""
    global _run, _steps
    if running() is not None and _steps is not None:
        if bpy.app.timers.is_registered(_tick):
            bpy.app.timers.unregister(_tick)
        warm_worker.close()
        _steps.close()
    _run, _steps = None, None


def show_last_frame() -> None:
    """Put the preview back on the object after something needed it off."""
    run = running()
    if run is None or run.frame is None or run.wants_cancel:
        return
    target = run.task.target()
    if target is not None:
        show_preview(target, run.frame, run.task.uv_map, run.task.new_uvs, run.frame_extent)


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
    _redraw_what_changed()
    return TICK_SECONDS if _steps is not None else None


def _carry_out(run: Run) -> Generator[None, None, None]:
    """Do all tasks of a run, yielding whenever there is nothing to do but wait."""
    try:
        for index, task in enumerate(run.tasks):
            run.begin_task(index)
            try:
                outcome = yield from _work(run, task)
            except JobError as error:
                outcome = Outcome(task.object_name, run.seconds, error=_with_way_on(error, task))
            hide_previews()
            run.done.append(outcome)
            if run.wants_cancel or (outcome.error and outcome.error.code in _ENDS_THE_RUN):
                break
        for task in run.tasks[len(run.done) :]:
            last = run.done[-1]
            run.done.append(Outcome(task.object_name, error=last.error, cancelled=last.error is None))
    except Exception as error:
        text = f"StyleTex met an error of its own: {error}"
        problem = JobError("internal", text, "The system console says more", traceback.format_exc())
        run.done.append(Outcome(run.task.object_name, run.seconds, error=problem))
        raise
    finally:
        run.finished = True
        hide_previews()
        _leave_folders(run)
        warm_worker.release()


def _with_way_on(error: JobError, task: Task) -> JobError:
    if error.code in _ENDS_THE_JOB or not task.folder.resumable:
        return error
    first = error.hint.rstrip(".") or "Try again"
    return JobError(error.code, error.message, f"{first}. It then goes on from where it stopped", error.detail)


def _leave_folders(run: Run) -> None:
    """Keep the checkpoints of the objects that failed or were interrupted, and nothing else."""
    for task, outcome in itertools.zip_longest(run.tasks, run.done):
        if outcome is None:
            keep = not run.wants_cancel
        else:
            keep = outcome.error is not None and outcome.error.code not in _ENDS_THE_JOB
        task.folder.leave(keep_checkpoint=keep)


def _work(run: Run, task: Task) -> Generator[None, None, Outcome]:
    """Have the worker do one task.

    Raises:
        JobError: what the worker reported, or what became of it.
    """
    client = warm_worker.acquire()
    client.run(task.job_id, task.folder.path)
    told_cancel = told_finish = False
    while True:
        for event in client.events():
            if event.get("job") != task.job_id:
                continue
            if event["type"] == "done":
                return _keep(run, task, event)
            if event["type"] == "cancelled" or (event["type"] == "error" and told_cancel):
                return Outcome(task.object_name, run.seconds, cancelled=True)
            if event["type"] == "error":
                raise JobError.from_dict(event)
            if event["type"] in _HANDLERS:
                _HANDLERS[event["type"]](run, task, client, event)
        if run.wants_cancel and not told_cancel:
            told_cancel = True
            run.stage = "Cancelling"
            hide_previews()
            client.cancel(task.job_id)
        elif run.wants_finish and not told_finish:
            told_finish = True
            run.stage = "Finishing"
            client.finish(task.job_id)
        yield


def _on_stage(run: Run, _task: Task, _client: WorkerClient, event: dict[str, Any]) -> None:
    if not run.wants_cancel:
        run.stage, run.step, run.steps = event["label"], 0, 0


def _on_progress(run: Run, _task: Task, _client: WorkerClient, event: dict[str, Any]) -> None:
    run.step, run.steps, run.seconds_left = event["step"], event["steps"], event["seconds_left"]


def _on_frame(run: Run, task: Task, client: WorkerClient, event: dict[str, Any]) -> None:
    run.frame, run.frame_extent = read_frame(event), event["extent"]
    show_last_frame()
    run.frames_shown += 1
    if run.is_watched:
        client.acknowledge_frame(task.job_id, event["number"])


def _on_warning(run: Run, task: Task, _client: WorkerClient, event: dict[str, Any]) -> None:
    run.warnings.append(f"{task.object_name}: {event['message']}")


_HANDLERS: dict[str, Callable[[Run, Task, WorkerClient, dict[str, Any]], None]] = {
    "stage": _on_stage,
    "progress": _on_progress,
    "frame": _on_frame,
    "warning": _on_warning,
}


def _keep(run: Run, task: Task, event: dict[str, Any]) -> Outcome:
    """Put the finished texture on the object, as one undo step."""
    hide_previews()
    target = task.target()
    if target is None:
        raise JobError("bad_request", "The object was deleted while its texture was being made")
    if task.new_uvs is not None:
        ensure_uv_map(target.data, task.uv_map, task.new_uvs)
    path = Path(event["texture"])
    image = load_texture(task.folder.path / path, texture_name(target.name), run.destination, event["tiles"])
    apply_texture(target, image, task.uv_map)
    place = bpy.path.abspath(image.filepath) if run.destination == "beside" else "packed in the file"
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo_push(message=UNDO_MESSAGE)
    return Outcome(task.object_name, run.seconds, image.name, place)


def _redraw_what_changed() -> None:
    """Redraw the sidebar when its words changed, and the view when a frame came: drawing is what costs here."""
    global _drawn
    run = _run
    if run is None:
        return
    words = (run.index, run.stage, run.step, run.wants_cancel, run.wants_finish, run.finished)
    view = (run.frames_shown, run.finished)
    old_words, old_view = _drawn
    _drawn = (words, view)
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D" and view != old_view:
                area.tag_redraw()
            elif area.type == "VIEW_3D" and words != old_words:
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
