# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job on a farm is for, written into its folder there. No ``bpy`` here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

SENT_FILE = "sent.json"
"""In a job's folder on the farm."""


@dataclass(frozen=True)
class Sent:
    """A job that was sent to a farm."""

    blend_file: str
    """Path of the .blend file that its object is in."""
    object_name: str
    """Name of the object in that file."""
    settings: dict[str, Any]
    """The settings that the job was given, as plain values."""
    materials: tuple[str, ...]
    """Names of the materials in the object's slots; empty for an empty one."""
    when: float
    """When it was sent, by ``time.time``."""
    linked: tuple[str, ...] = ()
    """Names of the other objects that have the same mesh and get the same texture."""
    group: str = ""
    """Common to the variations that were asked for in one go."""

    def write(self, folder: Path) -> None:
        """Write it into a job's folder, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        partial = folder / f".{SENT_FILE}.part"
        partial.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        partial.replace(folder / SENT_FILE)


def sent_jobs(jobs: Path) -> list[tuple[Path, Sent]]:
    """The folders of jobs that were sent, and what they are for, in the order in which they were sent."""
    found: list[tuple[Path, Sent]] = []
    for path in jobs.glob(f"*/{SENT_FILE}"):
        if path.parent.name.startswith("."):
            continue  # It is being written.
        try:
            sent = Sent(**json.loads(path.read_text(encoding="utf-8")))
            found.append((path.parent, replace(sent, materials=tuple(sent.materials), linked=tuple(sent.linked))))
        except (OSError, ValueError, TypeError):
            continue  # Half removed, by another Blender or by hand: there is nothing to collect for.
    return sorted(found, key=lambda pair: (pair[1].when, pair[0].name))
