# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished texture is moved to where it is safe, wherever the worker could write it."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ....core.job import JobError
from ...folders.kept import KeptTexture, Landing, keep, read, read_landing, take_in
from ...names import readable
from .. import warm_worker
from ..environment import kept_folder
from ..run_state import Task


def keep_result(task: Task, event: dict[str, Any]) -> KeptTexture:
    """The texture of a task in its kept place.

    Where it cannot be moved it stays where it is; that is safe too, as long as the job's folder is not left.

    Args:
        task: whose texture is finished.
        event: the worker's ``done``.

    Raises:
        JobError: it is not there any more.
    """
    made = Path(event["texture"]).parent
    try:
        kept = _moved(task, made)
    except (OSError, ValueError) as error:
        detail = traceback.format_exc()
        text = f"The finished texture is gone: {getattr(error, 'strerror', None) or error}"
        raise JobError("bad_request", text, "Stylize again", detail) from error
    if not task.linked:
        return kept
    landing = replace(kept.landing, linked=tuple(name for _, name in task.linked))
    try:
        landing.write(kept.folder)
    except OSError:
        # Then a later session puts it on the one object alone.
        warm_worker.note(traceback.format_exc())
    return replace(kept, landing=landing)


def _moved(task: Task, made: Path) -> KeptTexture:
    if made == task.folder.path:
        try:
            return keep(made, kept_folder())
        except OSError:
            warm_worker.note(traceback.format_exc())
            return read(made)
    landing = _landing(task)
    try:
        return take_in(made, landing, kept_folder())
    except OSError:
        warm_worker.note(traceback.format_exc())
        return read(made, landing)


def _landing(task: Task) -> Landing:
    """What a texture is for that is not in its job's folder, which is full or was removed."""
    try:
        return read_landing(task.folder.path)
    except (OSError, ValueError):
        return Landing(
            object_name=task.object_name,
            blend_file=readable(bpy.data.filepath),
            destination=task.settings["destination"],
            state=task.state.to_dict(),
            new_uvs=task.new_uvs,
            material=task.settings["material"],
            relief=task.settings["relief"],
        )
