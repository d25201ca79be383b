# SPDX-License-Identifier: GPL-3.0-or-later
"""An object becomes a task of the queue: its mesh, its style picture and its settings in a job folder."""

from __future__ import annotations

import errno
import uuid
from dataclasses import asdict, dataclass

import bpy

from ..core.job import JobError, write_job
from .folders import kept
from .folders.job_folder import JobFolder
from .landing.changes import read_state
from .names import name_of, readable
from .scene.export import export_object
from .scene.present_color import write_present_color
from .scene.style_picture import write_style_image
from .settings import Settings
from .worker import warm_worker
from .worker.environment import jobs_folder
from .worker.run_state import Task


@dataclass(frozen=True)
class StyleFile:
    """A style picture as a job folder holds it."""

    name: str
    """Its file name there."""
    data: bytes
    """Its content."""


def export_task(target: bpy.types.Object, settings: Settings, style: StyleFile | None = None) -> Task:
    """The task of one object.

    Args:
        target: of the current view layer.
        settings: how; they stay the task's whatever becomes of the scene's.
        style: in place of the image that the settings name.

    Raises:
        JobError: it cannot be textured; or whatever else went wrong, for ``problem_of``.
    """
    if not settings.style_image:
        raise JobError("bad_setting", "There is no style image", "Choose one in the StyleTex panel")
    exported = export_object(target, bpy.context)
    name = name_of(target)
    folder = JobFolder.new(jobs_folder())
    try:
        exported.arrays.save(folder.path)
        present = write_present_color(target, exported.uv_map, folder.path) if settings.start_from_present else None
        job = settings.job(name, _write_style(settings, style, folder), present)
        write_job(job, folder.path)
        folder.settle(job)
        state = read_state(target, exported.uv_map, exported.new_uvs)
        blend_file = readable(bpy.data.filepath)
        kept.Landing(
            name,
            blend_file,
            settings.destination,
            state.to_dict(),
            exported.new_uvs,
            material=settings.material,
            relief=settings.relief,
        ).write(folder.path)
    except BaseException:
        folder.leave(keep_checkpoint=True)
        raise
    return Task(
        object_uid=target.session_uid,
        object_name=name,
        job_id=uuid.uuid4().hex,
        folder=folder,
        uv_map=exported.uv_map,
        new_uvs=exported.new_uvs,
        state=state,
        export_again=lambda again: export_again(again, settings, folder, job.style_image),
        settings=asdict(settings),
        notices=exported.notices,
    )


def export_again(target: bpy.types.Object, settings: Settings, folder: JobFolder, style_file: str) -> Task:
    """The task of an object as it is now, with the settings and the style picture that it was added with.

    Args:
        target: of the current view layer.
        settings: those of the task before.
        folder: its folder; it is let go of, so that the new task can take over its checkpoint.
        style_file: name of the style picture in it; where it is gone, the settings' image takes its place.

    Raises:
        JobError: see ``export_task``.
    """
    picture = folder.path / style_file
    style = StyleFile(style_file, picture.read_bytes()) if picture.is_file() else None
    folder.leave(keep_checkpoint=True)
    return export_task(target, settings, style)


def _write_style(settings: Settings, style: StyleFile | None, folder: JobFolder) -> str:
    if style is None:
        return write_style_image(settings.style_image, folder.path)
    (folder.path / style.name).write_bytes(style.data)
    return style.name


def problem_of(error: Exception) -> JobError:
    """What is said of an exception that an export raised."""
    if isinstance(error, JobError):
        return error
    if isinstance(error, UnicodeDecodeError):
        name = error.object.decode("utf-8", "replace")
        return JobError("bad_mesh", f"It has something with a name that is no Unicode: {name!r}", "Rename that")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        text = f"There is no room for a job's folder in {jobs_folder()}"
        return JobError("disk_full", text, "Free space, then try again")
    return warm_worker.internal_error(error)
