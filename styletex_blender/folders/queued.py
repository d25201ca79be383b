# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits in the queue of a .blend file, written into its job folders, so that it outlives Blender. No ``bpy`` here.

Everything else that a job needs lies in its folder already. Whatever removes the folder takes the job off the queue.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

QUEUED_FILE = "queued.json"
"""In a job folder: that the job is to be done still."""
QUEUED_DAYS = 30
"""How long a job waits for its .blend file to be opened; see ``age``."""


@dataclass(frozen=True)
class Queued:
    """A job that is to be done, or that failed and may be tried again."""

    blend_file: str
    """Path of the .blend file that its object is in."""
    object_name: str
    """Name of the object in that file."""
    settings: dict[str, Any]
    """The settings that the job was given, as plain values."""
    place: int
    """Where it stands in the queue: lower ones come first."""
    step: int = 0
    """Steps that are in its checkpoint."""
    steps: int = 0
    """Steps that it has; 0 while unknown."""
    seconds: float = 0.0
    """Time that it took so far."""
    linked: tuple[str, ...] = ()
    """Names of the other objects that have the same mesh and get the same texture."""
    error: dict[str, str] | None = None
    """Why it failed, as ``JobError.to_dict`` says it."""

    def write(self, folder: Path) -> None:
        """Write it into its job folder, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        partial = folder / f"{QUEUED_FILE}.part"
        partial.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        partial.replace(folder / QUEUED_FILE)


def is_queued(folder: Path) -> bool:
    """Whether the job of a folder is to be done still."""
    return (folder / QUEUED_FILE).is_file()


def forget(folder: Path) -> None:
    """Take the job of a folder off the queue; the folder stays."""
    (folder / QUEUED_FILE).unlink(missing_ok=True)


def queued_for(jobs: Path, blend_file: str) -> list[tuple[Path, Queued]]:
    """The job folders inside ``jobs`` that wait for a .blend file, in the order of its queue."""
    found: list[tuple[Path, Queued]] = []
    for path in jobs.glob(f"*/{QUEUED_FILE}"):
        try:
            queued = Queued(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue  # Half removed, by another Blender or by hand: there is nothing to go on with.
        if queued.blend_file == blend_file:
            found.append((path.parent, queued))
    return sorted(found, key=lambda pair: (pair[1].place, pair[0].name))
