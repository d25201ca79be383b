# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures there are: the samples, those of the artist's own folder, and those last used."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import bpy

from ..worker.environment import PACKAGE_FOLDER, preference
from . import recent
from .readable import problem_of_file

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".tga", ".gif"),
    # Blender reads these, and the worker gets their pixels.
    *(".exr", ".hdr"),
)
"""Ends of the names of files that can be style images, in small letters."""
SAMPLES_FOLDER = PACKAGE_FOLDER / "core" / "samples"
MOST_OF_A_FOLDER = 200
"""So many pictures of the artist's folder are shown, in the order of their names: more would not fit a screen."""


@dataclass(frozen=True)
class Picture:
    """A picture that can be the style image."""

    path: Path
    """Its file."""
    title: str
    """What it is called, in a word or two."""
    about: str = ""
    """Its whole title, with who made it and when, as far as that is known."""
    content: str = ""
    """What it shows, in a few words, as far as that is known."""
    is_sample: bool = False
    """Whether it comes with StyleTex."""


_read: tuple[tuple[object, ...], list[Picture]] = ((), [])


def own_folder() -> Path | None:
    """The artist's folder of styles, or ``None`` while there is none."""
    chosen = str(preference("styles_folder", ""))
    return Path(bpy.path.abspath(chosen)) if chosen else None


def pictures() -> list[Picture]:
    """All that are there, each once: samples, own folder, last used. Read anew when a folder has changed."""
    global _read
    folder = own_folder()
    seen = (folder, _changed(folder), recent.last_used())
    if seen != _read[0]:
        _read = (seen, _look(folder, seen[2]))
    return _read[1]


def picture_at(path: Path) -> Picture:
    """The picture with this file, with what is known of it."""
    return next((known for known in pictures() if known.path == path), Picture(path, path.stem, str(path)))


def _look(folder: Path | None, used: tuple[recent.Used, ...]) -> list[Picture]:
    words = {entry.path: entry.content for entry in used}
    found = _samples()
    own = _pictures_of(folder) if folder is not None else []
    for path in [*own, *(entry.path for entry in used if _can_be_read(entry.path))]:
        if all(known.path != path for known in found):
            found.append(Picture(path, path.stem, str(path), words.get(path, "")))
    return found


def _samples() -> list[Picture]:
    known = json.loads((SAMPLES_FOLDER / "samples.json").read_text(encoding="utf-8"))
    return [
        Picture(
            SAMPLES_FOLDER / name,
            Path(name).stem.replace("_", " ").title(),
            texts["title"],
            texts["content"],
            is_sample=True,
        )
        for name, texts in known.items()
    ]


def _pictures_of(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.lower().endswith(SUFFIXES) and entry.is_file()]
    except OSError:
        return []  # It is on a disk that is not there now: the preferences say so.
    paths = (folder / name for name in sorted(names, key=str.casefold))
    return list(islice(filter(_can_be_read, paths), MOST_OF_A_FOLDER))


def _can_be_read(path: Path) -> bool:
    return path.is_file() and problem_of_file(path) is None


def _changed(folder: Path | None) -> int:
    try:
        return folder.stat().st_mtime_ns if folder is not None else 0
    except OSError:
        return 0
