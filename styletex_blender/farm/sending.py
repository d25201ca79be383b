# SPDX-License-Identifier: GPL-3.0-or-later
"""Exported objects go to a farm."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import bpy

from ...core.job import CHECKPOINT_FILE, REPORT_FILE, JobError
from ..folders.age import count_today
from ..folders.kept import LANDING_FILE
from ..folders.queued import QUEUED_DAYS, QUEUED_FILE
from ..names import name_of
from ..scene.preview import materials_below
from ..worker.run_state import Task
from . import tags
from .command import is_at_work
from .job import FarmJob
from .place import Farm, remember
from .sent import Sent, sent_jobs

_NO_PART = (LANDING_FILE, QUEUED_FILE, CHECKPOINT_FILE)
"""What of a job's folder does not decide its texture."""


def send(tasks: Sequence[Task], farm: Farm, blend_file: str) -> list[FarmJob]:
    """Put the jobs of tasks on a farm; one that is there already, with the same content, is not put there twice.

    Args:
        tasks: their folders are let go of.
        farm: where.
        blend_file: the file that their objects are in when the textures come back.

    Raises:
        JobError: ``bad_request`` or ``disk_full``: the farm's folder cannot be used. What was sent by then stays.
    """
    try:
        remember(farm)
        if not farm.is_shared:
            _tidy(farm)
        return [_send(task, farm, blend_file) for task in tasks]
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        text = f"The farm's folder {farm.folder} cannot be used: {error.strerror or error}"
        raise JobError("disk_full" if full else "bad_request", text, "Free some space there" if full else "") from error
    finally:
        for task in tasks:
            task.folder.leave(keep_checkpoint=True)


def _send(task: Task, farm: Farm, blend_file: str) -> FarmJob:
    target = task.target()
    sent = Sent(
        blend_file=blend_file,
        object_name=task.object_name,
        settings=task.settings,
        materials=slot_materials(target) if target is not None else (),
        when=time.time(),
        linked=tuple(name for _, name in task.linked),
        group=task.group,
    )
    plain = re.sub(r"[^\w-]+", "_", task.object_name)[:60].strip("_") or "object"
    job = FarmJob(farm, farm.jobs / f"{plain}-{_digest(task.folder.path, blend_file, task.object_name)[:12]}", sent)
    if job.folder.is_dir():
        sent.write(job.folder)
        job.wait_again()
    else:
        # Whole or not at all: the farm's command may be reading the folder.
        partial = farm.jobs / f".{job.key}.{uuid.uuid4().hex}"
        try:
            shutil.copytree(task.folder.path, partial, ignore=shutil.ignore_patterns(QUEUED_FILE, CHECKPOINT_FILE))
            sent.write(partial)
            partial.rename(job.folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    if target is not None:
        tags.add(target, job.key)
    return job


def _tidy(farm: Farm) -> None:
    """Remove from a folder of our own what nobody has come for in a long time, and results that were taken back."""
    for folder, sent in sent_jobs(farm.jobs):
        if count_today(folder) > QUEUED_DAYS:
            FarmJob(farm, folder, sent).remove()
    if not is_at_work(farm):
        for result in farm.results.iterdir():
            if (result / REPORT_FILE).is_file() and not (farm.jobs / result.name).is_dir():
                shutil.rmtree(result, ignore_errors=True)


def slot_materials(target: bpy.types.Object) -> tuple[str, ...]:
    """Names of the materials in an object's slots, by which another session knows them again."""
    return tuple("" if found is None else name_of(found) for found in materials_below(target))


def _digest(folder: Path, *more: str) -> str:
    digest = hashlib.sha256("\0".join(more).encode("utf-8", "replace"))
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in _NO_PART:
            with path.open("rb") as file:
                digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
