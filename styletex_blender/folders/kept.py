# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished textures in a place of their own until they are on their object. No ``bpy`` here.

A job folder becomes the kept one by being renamed, which takes no room on the disk and is done whole or not at all.
What the folder has to say about itself lies in it from the beginning (``LANDING_FILE``). A texture that is on its
object is removed; one that could not be put on waits for the artist, over sessions, and is removed by the artist or
after ``KEPT_DAYS``.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ...core.job import REPORT_FILE, TEXTURE_FILE, THUMBNAIL_FILE, tile_file
from .age import count_today

LANDING_FILE = "landing.json"
"""In a job folder: what the texture is for."""
KEPT_DAYS = 30
"""How long a texture waits to be put on its object; see ``age``."""
_UVS_FILE = "new_uvs.npy"
_TEXTURE = re.compile(re.escape(tile_file("#")).replace(r"\#", r"(\d{4})"))


@dataclass(frozen=True)
class Landing:
    """What a texture is for."""

    object_name: str
    """Name of the object when the job began."""
    blend_file: str
    """Path of the .blend file then; empty for one never saved."""
    destination: str
    """Where the image was to go: "packed" or "beside"."""
    state: dict[str, Any]
    """The object's ``ObjectState`` as plain values."""
    new_uvs: np.ndarray | None = None
    """Coordinates of the UV map that the mesh has to be given, float32 [loops, 2]."""
    material: str = "keep"
    """What was to become of the object's materials: "keep" or "new"."""
    relief: float = 0.0
    """Strength of the relief from the texture's brightness that was wished, in [0, 1]; 0 for none."""
    record: dict[str, Any] | None = None
    """How it is made, as a ``history.record.Record`` in plain values; ``None`` for one of an older StyleTex."""
    linked: tuple[str, ...] = ()
    """Names of the other objects that have the same mesh and get the same texture; there when it is finished."""

    def write(self, folder: Path) -> None:
        """Write it into a job folder."""
        if self.new_uvs is not None:
            np.save(folder / _UVS_FILE, self.new_uvs, allow_pickle=False)
        values = {found.name: getattr(self, found.name) for found in fields(self) if found.name != "new_uvs"}
        (folder / LANDING_FILE).write_text(json.dumps(values, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class KeptTexture:
    """A finished texture in its kept folder."""

    folder: Path
    """Where it is."""
    landing: Landing
    """What it is for."""
    tiles: tuple[int, ...]
    """UDIM numbers, or none."""
    made: float
    """When it was finished, by ``time.time``."""

    @property
    def picture(self) -> Path:
        """The PNG, with tiles that of the first one."""
        return self.folder / (tile_file(self.tiles[0]) if self.tiles else TEXTURE_FILE)

    @property
    def thumbnail(self) -> Path:
        """A small picture of the object with it; the PNG itself where there is none."""
        path = self.folder / THUMBNAIL_FILE
        return path if path.is_file() else self.picture

    def remove(self) -> None:
        """Remove it from the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


def kept_place(jobs: Path) -> Path:
    """The folder of kept textures that belongs to a folder of jobs."""
    place = jobs.with_name("kept")
    place.mkdir(exist_ok=True)
    return place


def prune(place: Path) -> None:
    """Remove the textures that have waited for more than ``KEPT_DAYS``."""
    for folder in kept_folders(place):
        if count_today(folder) > KEPT_DAYS:
            shutil.rmtree(folder, ignore_errors=True)


def is_finished(folder: Path) -> bool:
    """Whether a job folder holds a finished texture: the report is what the worker writes last."""
    return (folder / REPORT_FILE).is_file() and (folder / LANDING_FILE).is_file() and _pictures(folder) is not None


def keep(folder: Path, place: Path) -> KeptTexture:
    """Move a finished job's folder into ``place``.

    Raises:
        OSError: it cannot be moved; then it is where it was.
        ValueError: it holds no finished texture.
    """
    kept = _free_place(place, json.loads((folder / LANDING_FILE).read_text(encoding="utf-8"))["object_name"])
    folder.rename(kept)
    _trim(kept)
    return read(kept)


def take_in(folder: Path, landing: Landing, place: Path) -> KeptTexture:
    """Move a texture into ``place`` that lies in a folder of its own, which may be on another disk, and remove that.

    Raises:
        OSError: it cannot be moved; then it is where it was.
        ValueError: there is none.
    """
    kept = _free_place(place, landing.object_name)
    try:
        shutil.copytree(folder, kept)
        landing.write(kept)
        found = read(kept)
    except BaseException:
        shutil.rmtree(kept, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _free_place(place: Path, object_name: str) -> Path:
    stem = re.sub(r"[^\w .-]", "_", object_name).strip(" .") or "object"
    name = f"{stem} {time.strftime('%Y-%m-%d %H%M%S')}"
    free, count = place / name, 1
    while free.exists():
        count += 1
        free = place / f"{name} ({count})"
    return free


def read(folder: Path, landing: Landing | None = None) -> KeptTexture:
    """The texture in a kept folder.

    Args:
        folder: the folder.
        landing: what it is for, where the folder does not say it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    tiles = _pictures(folder)
    if tiles is None:
        raise ValueError(f"{folder} holds no texture")
    landing = landing or read_landing(folder)
    made = (folder / (tile_file(tiles[0]) if tiles else TEXTURE_FILE)).stat().st_mtime
    return KeptTexture(folder, landing, tiles, made)


def read_landing(folder: Path) -> Landing:
    """What the texture of a job folder is for.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    try:
        values = json.loads((folder / LANDING_FILE).read_text(encoding="utf-8"))
        uvs = folder / _UVS_FILE
        return Landing(**values, new_uvs=np.load(uvs, allow_pickle=False) if uvs.exists() else None)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{folder / LANDING_FILE} is damaged: {error}") from error


def kept_folders(place: Path) -> list[Path]:
    """The folders of kept textures in ``place``, the newest last."""
    if not place.is_dir():
        return []
    found = [entry for entry in place.iterdir() if (entry / LANDING_FILE).is_file()]
    return sorted(found, key=lambda entry: (entry.stat().st_mtime, entry.name))


def _pictures(folder: Path) -> tuple[int, ...] | None:
    """The UDIM numbers of the textures in a folder, none for a single one, ``None`` where there is no texture."""
    if (folder / TEXTURE_FILE).is_file():
        return ()
    numbers = [int(match[1]) for entry in folder.iterdir() if (match := _TEXTURE.fullmatch(entry.name))]
    return tuple(sorted(numbers)) or None


def _trim(folder: Path) -> None:
    """Remove what the texture was made from; whatever does not go stays."""
    for entry in folder.iterdir():
        wanted = {LANDING_FILE, REPORT_FILE, THUMBNAIL_FILE, _UVS_FILE, TEXTURE_FILE}
        if entry.name in wanted or _TEXTURE.fullmatch(entry.name):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            _unlink(entry)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # Held by another program: it goes with the folder.
