# SPDX-License-Identifier: GPL-3.0-or-later
"""How a folder of models is laid out. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from ..weights_header import PICKLE_SUFFIXES

SHELVES = frozenset(
    {
        *("checkpoints", "stable-diffusion", "loras", "lora", "lycoris", "vae", "controlnet", "ipadapter"),
        *("ip-adapter", "clip_vision", "clip", "text_encoders", "diffusers"),
    }
)
"""What the folders of ComfyUI (folder_paths.py) and of A1111 and Forge (modules/shared_cmd_options.py) are called, in
small letters."""
_ROOTS = ("", "models", "ComfyUI/models")
"""Where they are, from the folder that somebody may choose."""
_ALSO = "extensions/sd-webui-controlnet/models"
"""Where A1111 has ControlNets besides."""
WEIGHTS = ".safetensors"
_CACHED = "models--"


class Layout(Enum):
    """How a folder is laid out."""

    CACHE = "cache"
    """As the hub's cache, or empty: what is downloaded may go there."""
    SHELVES = "shelves"
    """With folders for each kind of files, as ComfyUI and A1111 have them."""
    MODEL = "model"
    """One model in diffusers' layout."""
    REPOSITORIES = "repositories"
    """The hub's repositories under their own names (``owner/name``)."""


def layout_of(folder: Path) -> Layout:
    """How ``folder`` is laid out; one that is not there counts as an empty one."""
    if is_diffusers_model(folder):
        return Layout.MODEL
    if cache_in(folder) is not None:
        return Layout.CACHE
    if shelves(folder):
        return Layout.SHELVES
    return Layout.REPOSITORIES if _subfolders(folder) else Layout.CACHE


def cache_in(folder: Path) -> Path | None:
    """The hub's cache that ``folder`` is, or that is in it as in the folder HF_HOME."""
    for place in (folder, folder / "hub"):
        if any(found.name.startswith(_CACHED) for found in _subfolders(place)):
            return place
    return None


def is_diffusers_model(folder: Path) -> bool:
    """Whether ``folder`` is a model in diffusers' layout, or was meant to be one."""
    return (folder / "unet" / "config.json").is_file() or (folder / "model_index.json").is_file()


def shelves(folder: Path) -> list[Path]:
    """The folders in ``folder`` that have a kind of files each, or itself where it is one; none where it is laid out
    otherwise.
    """
    found = [place for root in _ROOTS for place in _subfolders(folder / root) if place.name.lower() in SHELVES]
    if not found:
        return [folder] if _is_shelf(folder) else []
    return [*found, folder / _ALSO] if (folder / _ALSO).is_dir() else found


def shelf_of(path: Path) -> str:
    """What the innermost shelf is called that ``path`` is on, in small letters; empty for none."""
    return next((part for part in map(str.lower, reversed(path.parts[:-1])) if part in SHELVES), "")


def _is_shelf(folder: Path) -> bool:
    """Whether ``folder`` is one shelf alone: called so, or with weights in itself and no repositories beside them."""
    if folder.resolve().name.lower() in SHELVES:
        return any(map(_is_weights, files_on(folder)))
    if not any(map(_is_weights, _files(folder))):
        return False
    return not any(folder.glob("*/*/config.json")) and not any(folder.glob("*/*/*/config.json"))


def _is_weights(path: Path) -> bool:
    return path.suffix.lower() in (WEIGHTS, *PICKLE_SUFFIXES)


def files_on(shelf: Path) -> Iterator[Path]:
    """Every file and every model in diffusers' layout in ``shelf``, however deep; links are followed, none twice."""
    seen: set[str] = set()
    for place, folders, names in os.walk(shelf, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        if is_diffusers_model(Path(place)):
            folders.clear()
            yield Path(place)
            continue
        folders.sort()
        yield from (Path(place, name) for name in sorted(names))


def _files(folder: Path) -> list[Path]:
    try:
        return [found for found in folder.iterdir() if found.is_file()]
    except OSError:
        return []


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(found for found in folder.iterdir() if found.is_dir())
    except OSError:
        return []
