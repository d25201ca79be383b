# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures come from a farm onto their objects, in whatever session of the file that is."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import bpy

from ...core.job import REPORT_FILE, JobError
from ..folders.job_folder import JobFolder
from ..folders.kept import KeptTexture, Landing, read_landing, take_in
from ..landing.changes import ObjectState, read_state
from ..landing.moment import where_uv_maps_wait
from ..names import name_of, readable
from ..worker.environment import kept_folder
from ..worker.queue.outcomes import kept_back, land_pending
from ..worker.run_state import Outcome, Pending, Run, Task
from . import tags
from .job import FarmJob
from .place import known_farms
from .sending import slot_materials
from .sent import sent_jobs

GONE = "The object is not in the file any more"


@dataclass(frozen=True)
class Collected:
    """A texture that came from a farm."""

    outcome: Outcome
    """Whether it is on its object, or why not."""
    warnings: tuple[str, ...] = ()
    """What the user should know."""


def jobs_of_file() -> list[FarmJob]:
    """The jobs on all known farms that were sent from the file that is open, in the order in which they were sent."""
    blend_file = readable(bpy.data.filepath)
    jobs = [FarmJob(farm, folder, sent) for farm in known_farms() for folder, sent in sent_jobs(farm.jobs)]
    if not blend_file or not jobs:
        return []
    noted = {key for found in bpy.data.objects for key in tags.of(found)}
    return [job for job in jobs if job.sent.blend_file == blend_file or _came_along(job, noted)]


def _came_along(job: FarmJob, noted: set[str]) -> bool:
    """Whether a job is noted in a file that was moved since: what another one waits for is left to that."""
    return job.key in noted and not Path(job.sent.blend_file).is_file()


def object_of(job: FarmJob) -> bpy.types.Object | None:
    """The object that a job is for, whatever it is called by now; ``None`` where it was deleted."""
    named = bpy.data.objects.get(job.sent.object_name)
    tagged = tags.tagged(job.key)
    found = named if named in tagged else next(iter(tagged), named)
    return found if found is not None and found.type == "MESH" and found.users_scene else None


def what_to_wait_for(job: FarmJob) -> str:
    """In what mode of the object its texture cannot be put on it; empty where it can."""
    target = object_of(job)
    if target is None or read_landing(job.folder).new_uvs is None:
        return ""
    return where_uv_maps_wait(target)


def collect(job: FarmJob, keep_results: bool = False) -> Collected:
    """Put the texture of a job that is finished on its object. Where that cannot be, it is kept, and the outcome says
    why; the job is off the farm then.

    Args:
        job: whose result is there.
        keep_results: leave the texture where the outcome's ``kept`` says, although it is on its object.

    Raises:
        OSError: the result cannot be fetched; it is where it was.
        ValueError: it is damaged.
    """
    target = object_of(job)
    landing = _landing_now(job, target)
    seconds = _seconds(job.result)
    kept = take_in(job.result, landing, kept_folder())
    run = Run([_task(job, kept, target)], keeps_results=keep_results)
    tags.remove(job.key)
    pending = Pending(run.task, kept, seconds)
    if target is None:
        error = JobError("bad_mesh", GONE, "Select the object that it is for, then press Apply")
        outcome = kept_back(pending, error)
    else:
        outcome = land_pending(run, pending, target)
    try:
        job.remove()
    except OSError as error:
        text = f"Its job is still on the farm, and may be done once more ({error.strerror or error})"
        run.warn(f"{outcome.object_name}: {text}")
    return Collected(outcome, tuple(run.warnings))


def _landing_now(job: FarmJob, target: bpy.types.Object | None) -> Landing:
    """What the texture is for, in the words of this session."""
    landing = replace(read_landing(job.folder), linked=job.sent.linked)
    if target is None:
        return landing
    state = ObjectState.from_dict(landing.state)
    if job.sent.materials == slot_materials(target):
        # Sessions number the same materials in other ways.
        state = replace(state, materials=read_state(target, state.uv_map, landing.new_uvs).materials)
    return replace(landing, object_name=name_of(target), state=state.to_dict())


def _task(job: FarmJob, kept: KeptTexture, target: bpy.types.Object | None) -> Task:
    landing, sent = kept.landing, job.sent
    state = ObjectState.from_dict(landing.state)
    linked = (bpy.data.objects.get(name) for name in sent.linked)

    def export_again(_again: bpy.types.Object) -> Task:
        raise JobError("bad_request", "It was made on a farm", "Send it there again")

    return Task(
        object_uid=0 if target is None else target.session_uid,
        object_name=landing.object_name,
        job_id=uuid.uuid4().hex,
        folder=JobFolder(job.folder, None),
        uv_map=state.uv_map,
        new_uvs=landing.new_uvs,
        state=state,
        export_again=export_again,
        settings=sent.settings,
        linked=tuple((other.session_uid, name_of(other)) for other in linked if other is not None),
        group=sent.group,
    )


def _seconds(result: Path) -> float:
    """What a texture took, by its report."""
    try:
        stages = json.loads((result / REPORT_FILE).read_text(encoding="utf-8"))["seconds"]
        return float(sum(stages.values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0.0
