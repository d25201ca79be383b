# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels: frames that arrive while a job runs, and the image that is left when it is done."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...core.job import JobError, tile_file


def read_frame(event: dict[str, Any]) -> np.ndarray:
    """The pixels of a ``frame`` event, uint8 [H, W, 3], row 0 at the top."""
    return np.fromfile(event["path"], dtype=np.uint8).reshape(event["shape"])


def show_frame(image: bpy.types.Image, frame: np.ndarray) -> None:
    """Put a frame, uint8 [H, W, 3], into a Blender image in place; the image takes the frame's size."""
    height, width = frame.shape[:2]
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    rgba = np.ones((height, width, 4), dtype=np.float32)
    np.multiply(frame[::-1], np.float32(1.0 / 255.0), out=rgba[..., :3])
    image.pixels.foreach_set(rgba.reshape(-1))
    image.update()


def check_destination(destination: str) -> None:
    """Whether a finished image can be put there.

    Raises:
        JobError: ``bad_setting`` for "beside" while the .blend file has no place yet.
    """
    if destination == "beside" and not bpy.data.filepath:
        raise JobError(
            "bad_setting",
            "The texture cannot be saved beside the .blend file before that is saved",
            "Save the .blend file first, or keep the image in the file",
        )


def load_texture(path: Path, name: str, destination: str, tiles: Sequence[int] = ()) -> bpy.types.Image:
    """The finished texture as a Blender image, with exactly the pixels of the PNG at ``path``.

    Args:
        path: the worker's PNG, which may go away afterwards; with tiles, that of the first one.
        name: what the image is called.
        destination: "packed" into the .blend file, or "beside" it in ``textures/``, where nothing is overwritten.
        tiles: UDIM numbers, for a tiled image from the PNGs beside ``path``.
    """
    stem = re.sub(r"[^\w .-]", "_", name).strip(" .")
    image = _load_tiles(path.parent, stem, destination, tiles) if tiles else _load_one(path, stem, destination)
    image.name = name
    return image


def _load_one(path: Path, stem: str, destination: str) -> bpy.types.Image:
    file_name = f"{stem}.png"
    if destination == "beside":
        folder = Path(bpy.path.abspath("//textures"))
        folder.mkdir(exist_ok=True)
        kept = _free_path(folder / file_name)
        shutil.copyfile(path, kept)
        image = bpy.data.images.load(str(kept))
        image.filepath = bpy.path.relpath(str(kept))
    else:
        image = bpy.data.images.load(str(path))
        image.pack()
        image.filepath_raw = f"//textures/{file_name}"
        image.packed_files[0].filepath = image.filepath_raw
    return image


def _load_tiles(source: Path, stem: str, destination: str, tiles: Sequence[int]) -> bpy.types.Image:
    """A tiled image; Blender finds its tiles by their names, ``<UDIM>`` standing for the number."""
    if destination == "beside":
        folder = Path(bpy.path.abspath("//textures"))
        folder.mkdir(exist_ok=True)
        stem = _free_stem(folder, stem, tiles)
        for number in tiles:
            shutil.copyfile(source / tile_file(number), folder / f"{stem}.{number}.png")
        image = bpy.data.images.load(str(folder / f"{stem}.{tiles[0]}.png"))
        image.source = "TILED"
        image.filepath = bpy.path.relpath(str(folder / f"{stem}.<UDIM>.png"))
    else:
        image = bpy.data.images.load(str(source / tile_file(tiles[0])))
        image.source = "TILED"
        image.pack()
        image.filepath_raw = f"//textures/{stem}.<UDIM>.png"
        for packed in image.packed_files:
            packed.filepath = f"//textures/{stem}.{packed.tile_number}.png"
    return image


def _free_stem(folder: Path, stem: str, tiles: Sequence[int]) -> str:
    candidate, number = stem, 1
    while any((folder / f"{candidate}.{tile}.png").exists() for tile in tiles):
        number += 1
        candidate = f"{stem} {number}"
    return candidate


def _free_path(path: Path) -> Path:
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem} {number}")
    return candidate
