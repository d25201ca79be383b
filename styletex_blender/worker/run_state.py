# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about a run: its objects, where it stands, and how each object came out.

Nothing here holds a datablock: undo frees them at any tick. Objects are known by ``session_uid``, which survives undo
and renaming.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import bpy
import numpy as np

from ...core.job import JobError
from .job_folder import JobFolder


@dataclass(frozen=True)
class Task:
    """One object that waits to be textured, exported to its job folder."""

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

    def target(self) -> bpy.types.Object | None:
        """The object, or ``None`` when it was deleted."""
        return next((found for found in bpy.data.objects if found.session_uid == self.object_uid), None)


@dataclass(frozen=True)
class Outcome:
    """How one object came out."""

    object_name: str
    """Name of the object."""
    seconds: float = 0.0
    """Time from its start to its end."""
    image: str = ""
    """Name of the finished Blender image; empty when there is none."""
    place: str = ""
    """Where the image is, for people."""
    error: JobError | None = None
    """Why there is none."""
    cancelled: bool = False
    """Whether it was cancelled."""

    @property
    def textured(self) -> bool:
        """Whether the object has its texture."""
        return bool(self.image)


@dataclass
class Run:
    """Objects that are textured one after another."""

    tasks: list[Task]
    """The objects that can be textured, in order."""
    destination: str
    """Where the images go: "packed" or "beside"."""
    refused: list[Outcome] = field(default_factory=list)
    """The objects that could not even be begun."""
    done: list[Outcome] = field(default_factory=list)
    """How the objects of ``tasks`` came out, in their order, as far as they are done."""
    index: int = 0
    """Which of ``tasks`` is being worked on."""
    stage: str = "Starting the worker"
    """What is being done, for people."""
    step: int = 0
    """Steps of the stage that are done."""
    steps: int = 0
    """Steps of the stage; 0 while unknown."""
    seconds_left: float | None = None
    """Time left for this object, or ``None`` while unknown."""
    frame: np.ndarray | None = None
    """The last frame, uint8 [H, W, 3], to show it again after an undo."""
    frame_extent: int = 1
    """The frame is of the UVs from 0 to this."""
    is_watched: bool = True
    """Whether anybody sees the frames; if not, none is drawn after the first."""
    frames_shown: int = 0
    """How many frames were shown."""
    warnings: list[str] = field(default_factory=list)
    """What the worker said the user should know."""
    wants_cancel: bool = False
    """Whether the user cancelled."""
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

    @property
    def outcomes(self) -> list[Outcome]:
        """How all objects came out so far."""
        return self.refused + self.done

    @property
    def failures(self) -> list[tuple[str, JobError]]:
        """The objects that could not be textured, by name, and why."""
        return [(outcome.object_name, outcome.error) for outcome in self.outcomes if outcome.error]

    @property
    def seconds(self) -> float:
        """Time since this object was begun."""
        return time.monotonic() - self.started

    @property
    def fraction(self) -> float:
        """Share of the current stage that is done, 0 to 1."""
        return self.step / self.steps if self.steps else 0.0

    def begin_task(self, index: int) -> None:
        """Turn to the next object."""
        self.index = index
        self.stage, self.step, self.steps, self.seconds_left = "Starting the worker", 0, 0, None
        self.frame, self.wants_finish = None, False
        self.started = time.monotonic()
