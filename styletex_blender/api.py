# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts call, and the operators too.

::

    from bl_ext.user_default.styletex.styletex_blender import api, settings

    image = bpy.data.images.load("/path/to/painting.jpg")
    run = api.stylize(bpy.context.selected_objects, settings.Settings(image.name, "a wooden treasure chest"))
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence

import bpy

from ..core.job import JobError, write_job
from .install import installer
from .scene.export import export_object
from .scene.image import check_destination
from .scene.present_color import write_present_color
from .scene.style_picture import write_style_image
from .settings import Settings
from .worker import runner
from .worker.environment import jobs_folder, worker_command
from .worker.job_folder import JobFolder, prune
from .worker.run_state import Outcome, Run, Task


def stylize(
    objects: Sequence[bpy.types.Object],
    settings: Settings,
    watch: Callable[[Run], None] | None = None,
) -> Run:
    """Texture objects in the style of an image, one after another.

    In a window this returns at once and the run goes on; in the background it returns when everything is done. An
    object that cannot be textured does not keep the others from it: its outcome holds the error.

    Args:
        objects: mesh objects of the current view layer.
        settings: how.
        watch: called many times a second in the background, and once at the end, to tell a person how it goes.

    Returns:
        The run; its ``outcomes`` say how each object came out.

    Raises:
        JobError: when no object could be begun: another run is going on, the style image cannot be read, there is no
            worker, or there is a single object and it cannot be textured.
    """
    run = prepare(objects, settings)
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
        raise JobError("dependencies", "The worker's environment is being changed", "Wait for the installer's end")
    if not objects:
        raise JobError("bad_request", "There is no object to texture", "Select at least one mesh object")
    check_destination(settings.destination)
    worker_command()
    prune(jobs_folder())
    run = Run([], settings.destination)
    try:
        for target in objects:
            try:
                run.tasks.append(_export(target, settings, run.warnings))
            except JobError as error:
                if error.code != "bad_mesh" or len(objects) == 1:
                    raise
                run.refused.append(Outcome(target.name, error=error))
    except BaseException:
        for task in run.tasks:
            task.folder.leave(keep_checkpoint=True)
        raise
    return run


def _export(target: bpy.types.Object, settings: Settings, warnings: list[str]) -> Task:
    exported = export_object(target, bpy.context)
    warnings += [f"{target.name}: {notice}" for notice in exported.notices]
    job_id = uuid.uuid4().hex
    folder = JobFolder.new(jobs_folder())
    try:
        exported.arrays.save(folder.path)
        present = write_present_color(target, exported.uv_map, folder.path) if settings.start_from_present else None
        job = settings.job(target.name, write_style_image(settings.style_image, folder.path), present)
        write_job(job, folder.path)
        folder.settle(job)
    except BaseException:
        folder.leave(keep_checkpoint=True)
        raise
    return Task(target.session_uid, target.name, job_id, folder, exported.uv_map, exported.new_uvs)
