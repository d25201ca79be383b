# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of a .blend file that is opened again: paused, until the artist goes on with it."""

from __future__ import annotations

import bpy

from ..core.job import JobError, read_job, style_files
from .exporting import export_again
from .folders.job_folder import JobFolder
from .folders.kept import read_landing
from .folders.queued import Queued, queued_for
from .landing.changes import ObjectState
from .names import name_of, readable
from .settings import Settings
from .worker import runner
from .worker.environment import jobs_folder
from .worker.run_state import Outcome, Run, Task


def reopen_queue() -> Run | None:
    """Take up what was left of the present file's queue, without going on; ``None`` where nothing was.

    What another Blender works on at the moment is left to it.
    """
    blend_file = readable(bpy.data.filepath)
    if not blend_file or runner.unfinished() is not None:
        return None
    run = Run([], paused=True)
    for path, queued in queued_for(jobs_folder(), blend_file):
        if (folder := JobFolder.waiting(path)) is not None:
            _take_up(run, folder, queued)
    if not run.tasks and not run.refused:
        return None
    if not run.open_tasks:
        run.paused, run.finished = False, True
    runner.adopt(run)
    return run


def _take_up(run: Run, folder: JobFolder, queued: Queued) -> None:
    try:
        target = bpy.data.objects.get(queued.object_name)
        if target is None:
            raise JobError("bad_mesh", "The object is not in the file any more")
        task = _task(target, folder, queued)
    except (JobError, OSError, ValueError, TypeError, KeyError) as error:
        problem = error if isinstance(error, JobError) else JobError("bad_request", f"It cannot be read: {error}")
        run.refused.append(Outcome(queued.object_name, error=problem))
        folder.leave(keep_checkpoint=False)
        return
    run.tasks.append(task)
    run.spent[task.key] = queued.seconds
    if queued.steps:
        run.saved[task.key] = (queued.step, queued.steps)
    if queued.error is not None:
        error = JobError.from_dict(queued.error)
        run.done.append(Outcome(task.object_name, error=error, object_uid=task.object_uid, key=task.key))


def _task(target: bpy.types.Object, folder: JobFolder, queued: Queued) -> Task:
    settings = Settings(**queued.settings)
    pictures = style_files(read_job(folder.path))
    landing = read_landing(folder.path)
    state = ObjectState.from_dict(landing.state)
    linked = (bpy.data.objects.get(name) for name in queued.linked)
    return Task(
        object_uid=target.session_uid,
        object_name=queued.object_name,
        job_id="",
        folder=folder,
        uv_map=state.uv_map,
        new_uvs=landing.new_uvs,
        state=state,
        export_again=lambda again: export_again(again, settings, folder, pictures),
        settings=queued.settings,
        group=str((landing.record or {}).get("group", "")),
        linked=tuple((other.session_uid, name_of(other)) for other in linked if other is not None),
    )
