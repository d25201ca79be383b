# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about a run: its objects, where it stands, and how each object came out.

Nothing here holds a datablock: undo frees them at any tick. Objects are known by ``session_uid``, which survives undo
and renaming.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core.job import JobError
from ..folders.job_folder import JobFolder
from ..folders.kept import KeptTexture
from ..landing.changes import Changes, ObjectState, changes_since
from ..names import name_of


def find_object(uid: int, name: str) -> bpy.types.Object | None:
    """The object with this ``session_uid``, once called ``name``; ``None`` when it is in no scene any more."""
    found = bpy.data.objects.get(name)
    if found is None or found.session_uid != uid:
        found = next((other for other in bpy.data.objects if other.session_uid == uid), None)
    return found if found is not None and found.users_scene else None


def find_image(uid: int) -> bpy.types.Image | None:
    """The image with this ``session_uid``; another one may have got its name by now."""
    return next((image for image in bpy.data.images if image.session_uid == uid), None)


def _name_now(uid: int, name: str) -> str:
    found = find_object(uid, name)
    return name if found is None else name_of(found)


@dataclass(frozen=True, eq=False)
class Task:
    """One object that waits to be textured, exported to its job folder; the same one however often it is exported."""

    object_uid: int
    """``session_uid`` of the object."""
    object_name: str
    """Its name when the run began."""
    job_id: str
    """Name of the job on the wire."""
    folder: JobFolder
    """Where it is; held until the run ends."""
    uv_map: str
    """Name of the UV map that the texture is for."""
    new_uvs: np.ndarray | None
    """Coordinates of that map where the mesh does not have it yet, float32 [loops, 2]."""
    state: ObjectState
    """The object as it was exported."""
    export_again: Callable[[bpy.types.Object], Task]
    """Lets go of ``folder`` and makes this task anew from the object as it is; raises ``JobError``."""
    settings: dict[str, Any]
    """The settings that it was given when it was added, as plain values."""
    notices: tuple[str, ...] = ()
    """What the user should know of the object as it was exported."""
    linked: tuple[tuple[int, str], ...] = ()
    """Other objects that have the same mesh and get the same texture: ``session_uid`` and name of each."""
    group: str = ""
    """Common to the variations that were asked for in one go; empty for a single texture."""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Tells it from all others."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def name(self) -> str:
        """The object's name now; that of then where it was deleted."""
        return _name_now(self.object_uid, self.object_name)

    def target(self) -> bpy.types.Object | None:
        """The object, or ``None`` when it was deleted."""
        return find_object(self.object_uid, self.object_name)

    def changes(self, target: bpy.types.Object, with_pixels: bool = True) -> Changes:
        """What has changed of the object, see ``changes_since``; that it has another material or texture does not
        disturb a variation, which started from what it had at first, and joins its history.
        """
        found = changes_since(self.state, target, with_pixels and not self.group)
        return replace(found, replaced="") if self.group else found

    def linked_targets(self) -> list[bpy.types.Object]:
        """The objects that get the same texture, without those that were deleted."""
        found = (find_object(*other) for other in self.linked)
        return [other for other in found if other is not None]


@dataclass
class Pending:
    """A finished texture that waits for the moment when it can be put on its object."""

    task: Task
    """What it was made for."""
    kept: KeptTexture
    """Where it is."""
    seconds: float
    """Time that it took."""
    waits_for: str = ""
    """What has to end first, for people."""


@dataclass(frozen=True)
class Outcome:
    """How one object came out."""

    object_name: str
    """Name of the object then."""
    seconds: float = 0.0
    """Time from its start to its end."""
    image: str = ""
    """Name that the finished Blender image got; empty when there is none."""
    image_uid: int = 0
    """Its ``session_uid``: it may be renamed or deleted, and another one be called so."""
    place: str = ""
    """Where the image is, for people."""
    applied: bool = True
    """Whether the object shows the image; a variation may be in its history alone."""
    error: JobError | None = None
    """Why there is none."""
    cancelled: bool = False
    """Whether it was cancelled."""
    object_uid: int = 0
    """``session_uid`` of the object."""
    key: str = ""
    """That of its task; empty for one that was refused."""
    kept: Path | None = None
    """Where the finished texture is kept, if it is on disk: it could not be put on the object, or the run keeps all."""

    @property
    def name(self) -> str:
        """The object's name now; that of then where it was deleted."""
        return _name_now(self.object_uid, self.object_name)

    def finished_image(self) -> bpy.types.Image | None:
        """The finished image, or ``None`` when there is none or it was deleted."""
        return find_image(self.image_uid) if self.image_uid else None

    @property
    def textured(self) -> bool:
        """Whether the object has its texture."""
        return bool(self.image)


@dataclass
class Run:
    """Objects that are textured one after another: the queue, to which more can be added until it is finished."""

    tasks: list[Task]
    """The objects that can be textured, in order, with those that came out already."""
    refused: list[Outcome] = field(default_factory=list)
    """The objects that could not even be begun."""
    done: list[Outcome] = field(default_factory=list)
    """How the objects of ``tasks`` came out, in the order in which they did."""
    pending: list[Pending] = field(default_factory=list)
    """Finished textures that wait."""
    keeps_results: bool = False
    """Whether finished textures stay in their kept place although they are on their objects, until the caller says."""
    changes: Changes = field(default_factory=Changes)
    """What has changed of the object that is being worked on since its job began."""
    look_again: bool = False
    """Whether that may have become more."""
    index: int = 0
    """Which of ``tasks`` is being worked on."""
    stage: str = "Starting"
    """What is being done, for people."""
    step: int = 0
    """Steps of the stage that are done."""
    steps: int = 0
    """Steps of the stage; 0 while unknown."""
    seconds_left: float | None = None
    """Time left for this object, or ``None`` while unknown."""
    saved: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By the keys of tasks that were begun: how many of how many steps are in their checkpoints."""
    spent: dict[str, float] = field(default_factory=dict)
    """By the keys of tasks that were paused: the seconds that they took before."""
    frame: Path | None = None
    """The file of the last frame, to show it again after an undo."""
    frame_extent: int = 1
    """The frame is of the UVs from 0 to this."""
    is_watched: bool = True
    """Whether anybody sees the frames; if not, none is drawn after the first."""
    frames_shown: int = 0
    """How many frames were shown."""
    warnings: list[str] = field(default_factory=list)
    """What the user should know, in the order in which it came up."""
    wants_cancel: bool = False
    """Whether the user cancelled."""
    wants_skip: bool = False
    """Whether the user cancelled this object alone."""
    wants_pause: bool = False
    """Whether the user wants to go on later."""
    paused: bool = False
    """Whether nothing is done until the user goes on."""
    wants_again: bool = False
    """Whether the user wants this object begun anew, as it is now."""
    wants_finish: bool = False
    """Whether the user wants this object's texture as it is."""
    started: float = field(default_factory=time.monotonic)
    """When this object was begun, by ``time.monotonic``."""
    finished: bool = False
    """Whether there is nothing more to do."""

    @property
    def task(self) -> Task:
        """The object that is being worked on."""
        return self.tasks[self.index]

    def outcome_of(self, task: Task) -> Outcome | None:
        """How a task came out; ``None`` while it has not."""
        return next((outcome for outcome in self.done if outcome.key == task.key), None)

    @property
    def open_tasks(self) -> list[Task]:
        """The tasks that are to be done still, with the one that is being worked on."""
        ended = {outcome.key for outcome in self.done} | {pending.task.key for pending in self.pending}
        return [task for task in self.tasks if task.key not in ended]

    @property
    def begun(self) -> Task | None:
        """The task that is being worked on."""
        if self.paused or self.finished or not self.tasks:
            return None
        return self.task if self.task in self.open_tasks else None

    @property
    def stops_this(self) -> bool:
        """Whether nothing will come of what is being worked on."""
        return self.wants_cancel or self.wants_skip

    @property
    def outcomes(self) -> list[Outcome]:
        """How all objects came out so far."""
        return self.refused + self.done

    @property
    def waits_for(self) -> str:
        """What has to end before a finished texture can be put on its object, for people; or nothing."""
        return next((pending.waits_for for pending in self.pending if pending.waits_for), "")

    def warn(self, text: str) -> None:
        """Tell the user something, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    @property
    def failures(self) -> list[tuple[str, JobError]]:
        """The objects that could not be textured, by name, and why."""
        return [(outcome.name, outcome.error) for outcome in self.outcomes if outcome.error]

    @property
    def kept_back(self) -> list[Outcome]:
        """The objects whose textures are finished and kept, and not on them."""
        return [outcome for outcome in self.outcomes if outcome.error and outcome.kept]

    @property
    def seconds(self) -> float:
        """Time that this object took so far, without pauses."""
        return self.spent.get(self.task.key, 0.0) + time.monotonic() - self.started

    @property
    def fraction(self) -> float:
        """Share of the current stage that is done, 0 to 1."""
        return self.step / self.steps if self.steps else 0.0

    def begin_task(self, index: int) -> None:
        """Turn to the next object."""
        self.index = index
        self.stage, self.step, self.steps, self.seconds_left = "Starting", 0, 0, None
        self.frame = None
        self.changes, self.look_again = Changes(), True
        self.started = time.monotonic()
