# SPDX-License-Identifier: GPL-3.0-or-later
"""A result of an object's history becomes a task of the queue again: the same in all that decides the texture."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import zip_longest
from pathlib import Path

import bpy

from ..core.job import JobError
from .exporting import StartFile, export_task
from .folders.kept import read_landing
from .history import entries
from .history.record import Record, Start, read_record
from .landing.changes import ObjectState
from .names import name_of, readable
from .region.files import write_texture_around
from .scene.present_color import (
    FILE_NAME,
    PresentColor,
    find_present_color,
    find_texture_around,
    taken_as_color,
    write_color,
)
from .settings import Settings
from .worker.run_state import Task

_WAY_ON = "Copy its settings, then stylize, for one that is like it"


def settings_of(image: bpy.types.Image) -> Settings | None:
    """The settings that a result was made with; ``None`` where they are not known, or are those of a newer StyleTex."""
    record = read_record(image)
    if record is None or not set(record.settings) <= {field.name for field in fields(Settings)}:
        return None
    try:
        return Settings(**record.settings)
    except (JobError, TypeError):
        return None


def with_pictures(settings: Settings, pictures: Sequence[bpy.types.Image | None]) -> tuple[Settings, list[str]]:
    """The settings with the names that style images have by now, and the names of those that are gone.

    Args:
        settings: with the names of before.
        pictures: the images, as far as a result still knows them; others are found by their names.
    """
    now, missing = [], []
    names = [settings.style_image, *(name for name, _ in settings.more_styles)]
    for known, name in zip_longest(pictures[: len(names)], names):
        picture = known or bpy.data.images.get(name)
        now.append(name if picture is None else picture.name)
        if picture is None:
            missing.append(name)
    more = tuple((name, weight) for name, (_, weight) in zip(now[1:], settings.more_styles, strict=True))
    return replace(settings, style_image=now[0], more_styles=more), missing


def task_again(target: bpy.types.Object, image: bpy.types.Image) -> Task:
    """The task that makes a result again, texel for texel where the same processor computes it.

    Args:
        target: the object, of the current view layer.
        image: one of its results.

    Raises:
        JobError: it cannot be made again exactly, and why; or see ``export_task``.
    """
    record, settings = read_record(image), settings_of(image)
    if record is None or settings is None:
        raise JobError("bad_request", f"How {name_of(image)!r} was made is not known", "Stylize anew")
    if record.finished_early:
        raise JobError("bad_request", "It was stopped before its end, so it cannot be made again exactly", _WAY_ON)
    settings, missing = with_pictures(settings, entries.styles_of(target, image))
    if missing:
        text = f"The style image {missing[0]!r} is not in the file any more"
        raise JobError("bad_image", text, "Load it again under that name")
    settings = replace(settings, prompt=settings.words_for(record.object_name), prompt_from_name=False)
    start = _start_again(target, record, settings) if record.start is not None else None
    task = export_task(target, settings, start=start)
    try:
        _check(record, _record_of(task), settings.style_image)
    except BaseException:
        task.folder.leave(keep_checkpoint=False)
        raise
    return task


def _record_of(task: Task) -> Record:
    record = read_landing(task.folder.path).record
    if record is None:
        raise ValueError(f"{task.folder.path} has no record")
    return Record.from_dict(record)


def _check(before: Record, now: Record, style: str) -> None:
    """Whether the worker is given the same again.

    Raises:
        JobError: it is not.
    """
    if now.style_digest != before.style_digest:
        raise JobError("bad_image", f"The style image {readable(style)!r} is not what it was any more", _WAY_ON)
    if now.mesh_digest != before.mesh_digest:
        raise JobError("bad_mesh", "The object's shape or its UV map is not what it was any more", _WAY_ON)
    if now.region_digest != before.region_digest:
        raise JobError("bad_mesh", "The part that was textured alone is not what it was any more", _WAY_ON)


def _start_again(target: bpy.types.Object, record: Record, settings: Settings) -> StartFile:
    """The base colour that a result started from, or went into.

    Raises:
        JobError: it is to be found neither in the file nor on the object.
    """
    start = record.start
    if start is None:
        raise ValueError("It started from nothing")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        for found in [*_images_like(start), *_on(target, record, settings)]:
            if record.region_digest:
                write_texture_around(found, path.parent, settings.texture_size)
            else:
                write_color(found, path.parent)
            if _is(path, start):
                return StartFile(path.read_bytes(), start, ObjectState.from_dict(record.state).slot)
    if start.image:
        text = f"It started from the image {start.image!r}, which is not in the file as it was any more"
    else:
        text = "It started from a color that the object does not have any more"
    raise JobError("bad_request", text, _WAY_ON)


def _on(target: bpy.types.Object, record: Record, settings: Settings) -> list[PresentColor]:
    """What the object has where a result started from something, if that can be told."""
    uv_map = str(record.state["uv_map"])
    try:
        if record.region_digest:
            return [find_texture_around(target, uv_map, settings.region_choice.slot_alone)[0]]
        return [find_present_color(target, uv_map)]
    except JobError:
        return []  # It has another kind of colour now.


def _images_like(start: Start) -> list[PresentColor]:
    """The images that may be what a result started from, whatever they are called by now."""
    found: list[PresentColor] = []
    for image in bpy.data.images:
        record = read_record(image)
        alike = name_of(image) == start.image or (record is not None and bool(start.key) and record.key == start.key)
        if alike and (color := taken_as_color(image)) is not None:
            found.append(color)
    return found


def _is(path: Path, start: Start) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == start.digest
