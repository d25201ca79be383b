# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the worker's environment is installed, as the preferences show it: a few small files are read, no more.

No ``bpy`` here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from ...vendor_install.installed import current_environment, fingerprint, python_of, record_of


@dataclass(frozen=True)
class Installation:
    """What a target folder holds."""

    state: str
    """"absent", "ready", "outdated" (made for another version of the extension) or "broken"."""
    problem: str = ""
    """What is broken, for people."""
    folder: Path | None = None
    """The environment in use."""
    device: str = ""
    """What it was built for; empty when that is unknown."""
    versions: str = ""
    """Of Python and PyTorch, for people."""
    size_bytes: int = 0
    """Its size when it was installed; 0 while unknown."""


def look_at(target: Path) -> Installation:
    """What ``target`` holds now."""
    folder = current_environment(target)
    if folder is None:
        return Installation("absent")
    if not python_of(folder).is_file():
        return Installation("broken", "its Python is gone", folder)
    record = record_of(folder)
    if not record:
        return Installation("broken", "it was never finished", folder)
    return Installation(
        "ready" if record.get("lock") == _wanted() else "outdated",
        folder=folder,
        device=str(record.get("device", "")),
        versions=f"PyTorch {record.get('torch', '?')} · Python {record.get('python', '?')}",
        size_bytes=int(record.get("size_bytes") or 0),
    )


@functools.cache
def _wanted() -> str:
    """The fingerprint of this version's packages, which cannot change while it is loaded."""
    return fingerprint()
