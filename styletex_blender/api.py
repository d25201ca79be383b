# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts call, and the operators too.

::

    from bl_ext.user_default.styletex.styletex_blender import api, settings

    image = bpy.data.images.load("/path/to/painting.jpg")
    run = api.stylize(bpy.context.selected_objects, settings.Settings(image.name, "a wooden treasure chest"))
"""

from __future__ import annotations

import errno
import time
import uuid
from collections.abc import Callable, Sequence

import bpy

from ..core.job import JobError, write_job
from .folders import kept
from .folders.job_folder import JobFolder, prune
from .install import installer
from .landing.changes import read_state
from .names import name_of, readable
from .scene.export import export_object
from .scene.image import try_destination
from .scene.present_color import write_present_color
from .scene.style_picture import write_style_image
from .settings import Settings
from .worker import runner, warm_worker
from .worker.environment import jobs_folder, kept_folder, worker_command
from .worker.run_state import Outcome, Run, Task


def stylize(
    objects: Sequence[bpy.types.Object],
    settings: Settings,
    watch: Callable[[Run], None] | None = None,
    keep_results: bool = False,
) -> Run:
    """Texture objects in the style of an image, one after another.

    In a window this returns at once and the run goes on; in the background it returns when everything is done. An
    object that cannot be textured does not keep the others from it: its outcome holds the error.

    Args:
        objects: mesh objects of the current view layer.
        settings: how; an object with settings of its own (``object.styletex``) is textured by those.
        watch: called many times a second in the background, and once at the end, to tell a person how it goes.
        keep_results: leave each finished texture where its outcome's ``kept`` says, although it is on its object, for a
            caller that removes it when the file is saved.

    Returns:
        The run; its ``outcomes`` say how each object came out.

    Raises:
        JobError: when no object could be begun: another run is going on, the style image cannot be read, there is no
            worker, or there is a single object and it cannot be textured.
    """
    run = prepare(objects, settings)
    run.keeps_results = keep_results
    if not bpy.app.background:
        runner.begin_in_window(run)
        return run
    run.is_watched = False
    try:
        for _ in runner.begin(run):
            if watch is not None:
                watch(run)
            time.sleep(0.02)
    except KeyboardInterrupt:
        runner.abandon()
        if watch is not None:
            watch(run)
        raise
    if watch is not None:
        watch(run)
    return run


def prepare(objects: Sequence[bpy.types.Object], settings: Settings) -> Run:
    """Check and export objects to job folders; starts nothing and changes nothing of the scene.

    Raises:
        JobError: see ``stylize``.
    """
    if runner.running() is not None:
        raise JobError("bad_request", "Another texture is being made", "Wait for it, or cancel it")
    if (installing := installer.running()) is not None and installing.changes:
        raise JobError("dependencies", "What StyleTex computes with is being changed", "Wait for the installer's end")
    if not objects:
        raise JobError("bad_request", "There is no object to texture", "Select at least one mesh object")
    try_destination(settings.destination)
    worker_command()
    prune(jobs_folder())
    kept.prune(kept_folder())
    run = Run([], settings.destination)
    try:
        for target in objects:
            try:
                run.tasks.append(_export(target, settings))
            except Exception as error:
                problem = _problem(error)
                if problem.code not in {"bad_mesh", "internal"} or len(objects) == 1:
                    raise problem from error
                run.refused.append(Outcome(name_of(target), error=problem, object_uid=target.session_uid))
    except BaseException:
        for task in run.tasks:
            task.folder.leave(keep_checkpoint=True)
        raise
    return run


def _problem(error: Exception) -> JobError:
    if isinstance(error, JobError):
        return error
    if isinstance(error, UnicodeDecodeError):
        name = error.object.decode("utf-8", "replace")
        return JobError("bad_mesh", f"It has something with a name that is no Unicode: {name!r}", "Rename that")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        text = f"There is no room for a job's folder in {jobs_folder()}"
        return JobError("disk_full", text, "Free space, then try again")
    return warm_worker.internal_error(error)


def _export(target: bpy.types.Object, settings: Settings) -> Task:
    settings = settings.of(target)
    if not settings.style_image:
        raise JobError("bad_setting", "There is no style image", "Choose one in the StyleTex panel")
    exported = export_object(target, bpy.context)
    name = name_of(target)
    job_id = uuid.uuid4().hex
    folder = JobFolder.new(jobs_folder())
    try:
        exported.arrays.save(folder.path)
        present = write_present_color(target, exported.uv_map, folder.path) if settings.start_from_present else None
        job = settings.job(name, write_style_image(settings.style_image, folder.path), present)
        write_job(job, folder.path)
        folder.settle(job)
        state = read_state(target, exported.uv_map, exported.new_uvs)
        blend_file = readable(bpy.data.filepath)
        kept.Landing(name, blend_file, settings.destination, state.to_dict(), exported.new_uvs).write(folder.path)
    except BaseException:
        folder.leave(keep_checkpoint=True)
        raise
    return Task(
        object_uid=target.session_uid,
        object_name=name,
        job_id=job_id,
        folder=folder,
        uv_map=exported.uv_map,
        new_uvs=exported.new_uvs,
        state=state,
        export_again=lambda again: _export(again, settings),
    )
