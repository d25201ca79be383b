# SPDX-License-Identifier: GPL-3.0-or-later
"""The styles that were used last, with the words that were said of them; kept in a small file of the person's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..worker.environment import own_data_folder
from .paths import plain

MOST = 8
"""So many are remembered."""


@dataclass(frozen=True)
class Used:
    """A picture that was used as style image."""

    path: Path
    """Its file."""
    content: str
    """What it shows, as the artist said."""


remembered = 0
"""How often a picture was put before the others since Blender was started."""
_read: tuple[int, tuple[Used, ...]] = (0, ())


def last_used() -> tuple[Used, ...]:
    """The last ones, the newest first. A file that another program damaged counts as none."""
    global _read
    place = _file()
    try:
        changed = place.stat().st_mtime_ns
        if changed != _read[0]:
            entries = json.loads(place.read_text(encoding="utf-8"))
            _read = (
                changed,
                _each_once([Used(plain(Path(entry["path"])), str(entry["content"])) for entry in entries]),
            )
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return _read[1]


def _each_once(entries: list[Used]) -> tuple[Used, ...]:
    """The first of each picture, with the words of a later one where it has none: two paths may be one file."""
    found: dict[Path, Used] = {}
    for entry in entries:
        before = found.setdefault(entry.path, entry)
        if not before.content:
            found[entry.path] = entry
    return tuple(found.values())[:MOST]


def remember(path: Path, content: str) -> None:
    """Put a picture before the others.

    Raises:
        OSError: the person's own folder cannot be written.
    """
    entries = [Used(path, content), *(entry for entry in last_used() if entry.path != path)][:MOST]
    global remembered
    remembered += 1
    place = _file()
    partial = place.with_suffix(".part")
    partial.write_text(
        json.dumps([{"path": str(entry.path), "content": entry.content} for entry in entries]), encoding="utf-8"
    )
    partial.replace(place)


def _file() -> Path:
    return own_data_folder("styles") / "last_used.json"
