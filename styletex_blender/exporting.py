# SPDX-License-Identifier: GPL-3.0-or-later
"""An object becomes a task of the queue: its mesh, its style picture and its settings in a job folder."""

from __future__ import annotations

import errno
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import bpy

from ..core.job import MESH_FILE, JobError, style_files, write_job
from .folders import kept
from .folders.job_folder import JobFolder
from .history.record import Record, Start, file_digest, read_record
from .landing.changes import ObjectState, changes_since, read_state, with_texture
from .names import name_of, readable
from .region.files import ChosenFaces, only_part, read_chosen_faces, write_region, write_texture_around
from .region.weights import corner_weights
from .scene.export import ExportedObject, export_object
from .scene.present_color import FILE_NAME, find_present_color, find_texture_around, write_color
from .scene.style_picture import write_style_image
from .settings import Settings
from .worker import warm_worker
from .worker.environment import jobs_folder
from .worker.run_state import Task


@dataclass(frozen=True)
class PictureFile:
    """A picture as a job folder holds it."""

    name: str
    """Its file name there."""
    data: bytes
    """Its content."""


@dataclass(frozen=True)
class StartFile:
    """A base colour to start from, as a job folder holds it."""

    data: bytes
    """The file's content."""
    start: Start
    """What it is."""
    slot: int = 0
    """Number of the material slot that alone has it, from 1; 0 for all."""


def export_task(
    target: bpy.types.Object,
    settings: Settings,
    styles: tuple[PictureFile, ...] = (),
    start: StartFile | None = None,
    group: str = "",
    chosen: ChosenFaces | None = None,
) -> Task:
    """The task of one object.

    Args:
        target: of the current view layer.
        settings: how; they stay the task's whatever becomes of the scene's.
        styles: in place of the images that the settings name.
        start: in place of the object's present base colour, where the settings want to start from it.
        group: of the variations that it is one of.
        chosen: in place of the faces that are selected now, where the settings mean selected ones.

    Raises:
        JobError: it cannot be textured; or whatever else went wrong, for ``problem_of``.
    """
    _check_style(settings)
    exported = _export(target, settings, chosen)
    state = read_state(target, exported.uv_map, exported.new_uvs)
    return _task(target, exported, state, settings, styles, start, group)


def export_variations(target: bpy.types.Object, settings: Settings, seeds: Sequence[int]) -> list[Task]:
    """A task for each of several seeds, all of the object and its base colour as they are now.

    Raises:
        JobError: see ``export_task``.
    """
    _check_style(settings)
    exported = _export(target, settings)
    state = read_state(target, exported.uv_map, exported.new_uvs)
    group = uuid.uuid4().hex if len(seeds) > 1 else ""
    tasks: list[Task] = []
    try:
        for seed in seeds:
            tasks.append(_task(target, exported, state, replace(settings, seed=seed), (), None, group))
    except BaseException:
        for task in tasks:
            task.folder.leave(keep_checkpoint=True)
        raise
    return tasks


def _export(target: bpy.types.Object, settings: Settings, chosen: ChosenFaces | None = None) -> ExportedObject:
    choice = settings.region_choice
    if choice.kind == "faces" and chosen is not None:
        exported = export_object(target, bpy.context)
        weights = chosen.weights_of(exported.arrays.triangles)
        return replace(exported, arrays=replace(exported.arrays, corner_weights=weights))
    return export_object(target, bpy.context, None if choice.kind == "all" else partial(corner_weights, choice, target))


def _check_style(settings: Settings) -> None:
    if not settings.style_image:
        raise JobError("bad_setting", "There is no style image", "Choose one in the StyleTex panel")


def _task(
    target: bpy.types.Object,
    exported: ExportedObject,
    state: ObjectState,
    settings: Settings,
    styles: tuple[PictureFile, ...],
    start: StartFile | None,
    group: str,
) -> Task:
    name = name_of(target)
    folder = JobFolder.new(jobs_folder())
    try:
        began, region, slot, notices = _write_start(target, settings, exported, start, folder)
        present = None if began is None else FILE_NAME
        (only_part(exported.arrays) if slot else exported.arrays).save(folder.path)
        # The variations of a restyle change what the next one does not start from.
        if region is not None or (began is not None and not group):
            state = with_texture(state, target, slot, region is not None)
        job = settings.job(name, _write_styles(settings, styles, folder), present, region)
        write_job(job, folder.path)
        record = Record(
            object_name=name,
            settings=asdict(settings),
            style_digest=_digest_of(folder.path, style_files(job)),
            mesh_digest=file_digest(folder.path / MESH_FILE),
            region_digest="" if region is None else file_digest(folder.path / region),
            state=state.to_dict(),
            start=began,
            group=group,
        )
        folder.settle(job)
        blend_file = readable(bpy.data.filepath)
        kept.Landing(
            name,
            blend_file,
            settings.destination,
            state.to_dict(),
            exported.new_uvs,
            material=settings.material,
            relief=settings.relief,
            record=record.to_dict(),
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
        export_again=lambda again: export_again(again, settings, folder, style_files(job)),
        settings=asdict(settings),
        notices=exported.notices + notices,
        group=group,
    )


def export_again(target: bpy.types.Object, settings: Settings, folder: JobFolder, pictures: tuple[str, ...]) -> Task:
    """The task of an object as it is now, with the settings and the style images that it was added with.

    A variation starts from what the others started from, although the object may have one of them on by now; unless its
    UV map has become another, which that colour was laid out by. Faces that were selected then are meant still,
    whatever is selected by now.

    Args:
        target: of the current view layer.
        settings: those of the task before.
        folder: its folder; it is let go of, so that the new task can take over its checkpoint.
        pictures: names of the style images in it; where one is gone, the settings' images take their place.

    Raises:
        JobError: see ``export_task``.
    """
    styles: tuple[PictureFile, ...] = ()
    if all((folder.path / name).is_file() for name in pictures):
        styles = tuple(PictureFile(name, (folder.path / name).read_bytes()) for name in pictures)
    landing = kept.read_landing(folder.path) if (folder.path / kept.LANDING_FILE).is_file() else None
    record = Record.from_dict(landing.record) if landing is not None and landing.record is not None else None
    start, group = None, ""
    if landing is not None and record is not None and record.group:
        group = record.group
        present = folder.path / FILE_NAME
        fits = not changes_since(ObjectState.from_dict(landing.state), target, with_pixels=False).unfit
        if record.start is not None and fits and present.is_file():
            start = StartFile(present.read_bytes(), record.start, ObjectState.from_dict(landing.state).slot)
    chosen = read_chosen_faces(folder.path)
    folder.leave(keep_checkpoint=True)
    return export_task(target, settings, styles, start, group, chosen)


def _write_start(
    target: bpy.types.Object,
    settings: Settings,
    exported: ExportedObject,
    start: StartFile | None,
    folder: JobFolder,
) -> tuple[Start | None, str | None, int, tuple[str, ...]]:
    """Put the part to texture and the present colour into the job folder, where they count.

    Returns:
        What the texture starts from or goes into, the name of the part's file, the number of the material slot that the
        texture alone is for, 0 for all, and what the user should know.
    """
    choice = settings.region_choice
    region, told = write_region(choice, exported.arrays.corner_weights, folder.path)
    if region is None and not settings.start_from_present:
        return None, None, 0, told
    if start is not None:
        (folder.path / FILE_NAME).write_bytes(start.data)
        return start.start, region, start.slot, told
    slot = 0
    if region is not None:
        found, slot = find_texture_around(target, exported.uv_map, choice.slot_alone)
        told += write_texture_around(found, folder.path, settings.texture_size)
    else:
        found = find_present_color(target, exported.uv_map)
        write_color(found, folder.path)
    image = found.image
    record = read_record(image) if image is not None else None
    began = Start(
        file_digest(folder.path / FILE_NAME),
        readable(name_of(image)) if image is not None else "",
        record.key if record is not None else "",
    )
    return began, region, slot, told


def _write_styles(settings: Settings, styles: tuple[PictureFile, ...], folder: JobFolder) -> tuple[str, ...]:
    """Put the style images into the job folder; returns their file names."""
    if not styles:
        names = (settings.style_image, *(name for name, _ in settings.more_styles))
        stems = ("style", *(f"style_{number}" for number in range(2, len(names) + 1)))
        return tuple(write_style_image(name, folder.path, stem) for name, stem in zip(names, stems, strict=True))
    for style in styles:
        (folder.path / style.name).write_bytes(style.data)
    return tuple(style.name for style in styles)


def _digest_of(folder: Path, names: tuple[str, ...]) -> str:
    """SHA-256 of one file, or of the digests of several."""
    digests = [file_digest(folder / name) for name in names]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


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
