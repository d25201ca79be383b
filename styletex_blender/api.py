# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts call, and the operators too.

::

    from bl_ext.user_default.styletex.styletex_blender import api, settings

    image = bpy.data.images.load("/path/to/painting.jpg")
    run = api.stylize(bpy.context.selected_objects, settings.Settings(image.name, "a wooden treasure chest"))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import zip_longest

import bpy

from ..core.job import JobError
from .exporting import export_variations, problem_of
from .farm import collecting, command, place, sending, tags
from .farm.job import FarmJob, JobState
from .folders import kept
from .folders.job_folder import prune, unlocked
from .history import entries
from .history.shown import applied_images, show_applied, shown_images
from .install import installer
from .landing.put_back import put_back
from .names import name_of, readable
from .rerunning import settings_of as settings_of, task_again
from .scene.image import try_destination
from .scene.preview import hide_previews
from .settings import Settings
from .worker import runner
from .worker.environment import jobs_folder, kept_folder, worker_command
from .worker.queue import order
from .worker.queue.linked import by_mesh
from .worker.run_state import Outcome, Run, Task

_OF_ONE_OBJECT = frozenset({"bad_image", "bad_mesh", "bad_request", "bad_setting", "internal"})
"""Errors that say nothing of the other objects."""


def stylize(
    objects: Sequence[bpy.types.Object],
    settings: Settings,
    watch: Callable[[Run], None] | None = None,
    keep_results: bool = False,
    own_settings: bool = True,
    before_start: Callable[[], None] | None = None,
) -> Run:
    """Texture objects in the style of an image, one after another.

    In a window this returns at once and the run goes on; in the background it returns when everything is done. While a
    run goes on, or is paused, the objects are added to it and this returns at once. An object that cannot be textured
    does not keep the others from it: its outcome holds the error. Objects that share their mesh are textured once.

    Args:
        objects: mesh objects of the current view layer.
        settings: how; an object with settings of its own (``object.styletex``) is textured by those. What is in the
            queue keeps the settings that it was added with.
        watch: called many times a second in the background, and once at the end, to tell a person how it goes.
        keep_results: leave each finished texture where its outcome's ``kept`` says, although it is on its object, for a
            caller that removes it when the file is saved.
        own_settings: whether those of an object go before ``settings``.
        before_start: called when there is something to make, before it is begun or added.

    Returns:
        The run; its ``outcomes`` say how each object came out.

    Raises:
        JobError: when no object could be begun: the style image cannot be read, there is no worker, or there is a
            single object and it cannot be textured or waits already with the same settings.
    """
    if (run := runner.unfinished()) is not None:
        return add(run, objects, settings, own_settings, before_start)
    run = prepare(objects, settings, own_settings)
    if before_start is not None and run.tasks:
        before_start()
    if not bpy.app.background and (before := runner.current_run()) is not None:
        order.take_failed(run, before)
    run.keeps_results = keep_results
    _carry_on(run, watch)
    return run


def meshes_of(collection: bpy.types.Collection, view_layer: bpy.types.ViewLayer) -> list[bpy.types.Object]:
    """The mesh objects of a collection, and of those in it, that can be seen in a view layer."""
    return [
        found for found in collection.all_objects if found.type == "MESH" and found.visible_get(view_layer=view_layer)
    ]


def resume(watch: Callable[[Run], None] | None = None) -> Run:
    """Go on with the run that is paused; like ``stylize``, in a window this returns at once.

    Raises:
        JobError: there is none, or there is no worker.
    """
    run = runner.unfinished()
    if run is None:
        raise JobError("bad_request", "Nothing is paused")
    if not run.paused:
        run.wants_pause = False
        return run
    _check_worker()
    _carry_on(run, watch)
    return run


def retry(watch: Callable[[Run], None] | None = None, keys: Sequence[str] = ()) -> Run:
    """Try again the objects that failed, all of them or those tasks that ``keys`` name; like ``stylize``.

    Raises:
        JobError: none failed, or there is no worker.
    """
    run = runner.current_run()
    _check_worker()
    if run is None or not order.retry(run, keys):
        raise JobError("bad_request", "No texture has failed")
    if run.finished:
        _carry_on(run, watch)
    return run


def send(
    objects: Sequence[bpy.types.Object], settings: Settings, address: str, blend_file: str = ""
) -> tuple[list[FarmJob], list[Outcome]]:
    """Have objects textured by a farm, which goes on when Blender ends; see ``collect``.

    Args:
        objects: mesh objects of the current view layer.
        settings: how, as for ``stylize``.
        address: "local", that of a Ray cluster, or a folder; see ``docs/farm.md``.
        blend_file: the file in which the objects are to get their textures, if not the one that is open.

    Returns:
        The jobs, and the objects that could not be sent with the reason.

    Raises:
        JobError: nothing could be sent: see ``stylize``; the file was never saved; or the farm cannot be used.
    """
    farm = place.farm_at(address)
    blend_file = blend_file or readable(bpy.data.filepath)
    if not blend_file:
        raise JobError("bad_request", "The file was never saved, so that no texture finds it again", "Save it first")
    if not farm.is_shared:
        _check_worker()
    tasks, refused = _export_all(Run([]), objects, settings, own_settings=True)
    jobs = sending.send(tasks, farm, blend_file)
    command.start(farm)
    return jobs, refused


def collect(keep_results: bool = False) -> tuple[list[Outcome], list[FarmJob]]:
    """Put the textures that farms have finished for this file on their objects.

    Args:
        keep_results: as for ``stylize``.

    Returns:
        How those came out that are finished or have failed; and the jobs that are not done yet.
    """
    outcomes: list[Outcome] = []
    waiting: list[FarmJob] = []
    for job in collecting.jobs_of_file():
        state = job.state(command.is_at_work(job.farm))
        if state is JobState.FINISHED:
            try:
                outcomes.append(collecting.collect(job, keep_results).outcome)
            except (OSError, ValueError) as error:
                outcomes.append(Outcome(job.sent.object_name, error=problem_of(error)))
        elif state is JobState.FAILED:
            outcomes.append(Outcome(job.sent.object_name, error=job.error))
        else:
            waiting.append(job)
    return outcomes, waiting


def state_on_farm(job: FarmJob) -> str:
    """How a job of a farm stands, in words; of a farm whose command has ended, with what that said last."""
    state = job.state(command.is_at_work(job.farm))
    said = command.last_words(job.farm) if state is JobState.STOPPED else ""
    return f"{state.value} ({said})" if said else state.value


def resume_farm(jobs: Sequence[FarmJob]) -> None:
    """Have a farm's command do again what failed, and go on with what it was stopped at.

    Raises:
        JobError: it cannot be started.
    """
    for job in jobs:
        job.wait_again()
    for farm in {job.farm for job in jobs}:
        command.start(farm)


def take_back(job: FarmJob) -> None:
    """Take a job off its farm; what is being made of it is dropped.

    Raises:
        OSError: its folder cannot be removed.
    """
    tags.remove(job.key)
    job.remove()


def history(target: bpy.types.Object) -> list[bpy.types.Image]:
    """The results that were made for an object and are in its history, the newest first.

    Each image says how it was made: ``settings_of(image)`` (from ``rerunning``, imported here).
    """
    return entries.images_of(target)


def apply(target: bpy.types.Object, image: bpy.types.Image) -> None:
    """Put a result of its history on an object; no step of undo is pushed.

    Raises:
        JobError: it does not fit the object as it is now; nothing has changed then.
    """
    put_back(target, _of(target, image))


def rerun(target: bpy.types.Object, image: bpy.types.Image, watch: Callable[[Run], None] | None = None) -> Run:
    """Make a result again: the same settings, style image, mesh and start, and so on the same processor, with the same
    version of StyleTex, the same texture byte for byte. Like ``stylize``, in a window this returns at once.

    Raises:
        JobError: it cannot be made again exactly, and why; or see ``stylize``.
    """
    _check_worker()
    _tidy()
    run = runner.unfinished()
    hide_previews()
    try:
        task = task_again(target, _of(target, image))
        if run is None:
            run = Run([task])
        elif order.is_there(run, target, task.settings):
            task.folder.leave(keep_checkpoint=True)
            raise JobError("bad_request", "It is in the queue already, with the same settings")
        else:
            order.add(run, [task], [])
            return run
    finally:
        runner.show_last_frame()
    _carry_on(run, watch)
    return run


def forget(target: bpy.types.Object, image: bpy.types.Image) -> None:
    """Take a result off an object's history, and out of the file if nothing else uses it.

    Raises:
        JobError: it is the one that is applied.
    """
    if _of(target, image) in shown_images(target):
        show_applied([target])
    if image in applied_images(target):
        raise JobError("bad_request", "It is applied to the object", "Apply another one first")
    entries.forget(target, [image])


def _of(target: bpy.types.Object, image: bpy.types.Image) -> bpy.types.Image:
    if image not in entries.images_of(target):
        raise JobError("bad_request", f"{name_of(image)!r} is not in the history of {name_of(target)!r}")
    return image


def _carry_on(run: Run, watch: Callable[[Run], None] | None) -> None:
    """Begin a run, or go on with it: in a window by a timer, in the background until it is over or paused."""
    if not bpy.app.background:
        runner.begin_in_window(run)
        return
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


def prepare(objects: Sequence[bpy.types.Object], settings: Settings, own_settings: bool = True) -> Run:
    """Check and export objects to job folders; starts nothing and changes nothing of the scene.

    Raises:
        JobError: see ``stylize``; also when another run is going on, or paused.
    """
    if runner.unfinished() is not None:
        raise JobError("bad_request", "Another texture is being made", "Wait for it, or cancel it")
    _check_worker()
    run = Run([])
    run.tasks, run.refused = _export_all(run, objects, settings, own_settings)
    return run


def add(
    run: Run,
    objects: Sequence[bpy.types.Object],
    settings: Settings,
    own_settings: bool = True,
    before_start: Callable[[], None] | None = None,
) -> Run:
    """Check and export objects as ``prepare`` does, and put them at the end of a run that is not finished.

    Raises:
        JobError: see ``stylize``.
    """
    _check_worker()
    hide_previews()
    try:
        tasks, refused = _export_all(run, objects, settings, own_settings)
        if before_start is not None and tasks:
            before_start()
        order.add(run, tasks, refused)
    finally:
        runner.show_last_frame()
    return run


def _check_worker() -> None:
    if (installing := installer.running()) is not None and installing.changes:
        raise JobError("dependencies", "What StyleTex computes with is being changed", "Wait for the installer's end")
    worker_command()


def _export_all(
    run: Run, objects: Sequence[bpy.types.Object], settings: Settings, own_settings: bool
) -> tuple[list[Task], list[Outcome]]:
    """Tasks of the objects that can be added to ``run``, and why the others cannot."""
    if not objects:
        raise JobError("bad_request", "There is no object to texture", "Select at least one mesh object")
    try_destination(settings.destination)
    _tidy()
    of_each: list[list[Task]] = []
    refused: list[Outcome] = []
    try:
        for first, *others in by_mesh(objects):
            try:
                of_each.append(_export(run, first, others, settings.of(first) if own_settings else settings))
            except Exception as error:
                problem = problem_of(error)
                if problem.code not in _OF_ONE_OBJECT:
                    raise problem from error
                refused.append(Outcome(name_of(first), error=problem, object_uid=first.session_uid))
        errors = [outcome.error for outcome in refused if outcome.error is not None]
        if not of_each and (len(errors) == 1 or all(error.code not in {"bad_mesh", "internal"} for error in errors)):
            raise errors[0]
    except BaseException:
        for task in (task for tasks in of_each for task in tasks):
            task.folder.leave(keep_checkpoint=True)
        raise
    # All objects get their first variation before any gets its second.
    tasks = [task for turn in zip_longest(*of_each) for task in turn if task is not None]
    for task in tasks:
        for notice in task.notices:
            run.warn(f"{task.object_name}: {notice}")
    if jobs_folder() in unlocked:
        run.warn(f"The file system of {jobs_folder()} has no locks: do not texture in two Blenders at once")
    return tasks, refused


def _tidy() -> None:
    prune(jobs_folder())
    kept.prune(kept_folder())


def _export(run: Run, first: bpy.types.Object, others: Sequence[bpy.types.Object], settings: Settings) -> list[Task]:
    """The tasks of an object and those that share its mesh, one for each variation that is not in the queue already.

    Raises:
        JobError: ``bad_request``: all of them are; or see ``export_task``.
    """
    if settings.region != "all" and order.is_there(run, first):
        # A part goes into the texture that is there when it is exported, and that will be another one.
        raise JobError(
            "bad_request", "It is in the queue already, and a part goes into what comes out", "Wait until that is done"
        )
    one = replace(settings, variations=1)
    new = [seed for seed in settings.seeds() if not order.is_there(run, first, asdict(replace(one, seed=seed)))]
    if not new:
        raise JobError("bad_request", "It is in the queue already, with the same settings", "Change a setting first")
    linked = tuple((other.session_uid, name_of(other)) for other in others)
    return [replace(task, linked=linked) for task in export_variations(first, one, new)]
