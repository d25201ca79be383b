# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels: frames that arrive while a job runs, and the image that is left when it is done."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.job import JobError


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


def load_texture(path: Path, name: str, destination: str) -> bpy.types.Image:
    """The finished texture as a Blender image, with exactly the pixels of the PNG at ``path``.

    Args:
        path: the worker's PNG, which may go away afterwards.
        name: what the image is called.
        destination: "packed" into the .blend file, or "beside" it in ``textures/``, where nothing is overwritten.
    """
    file_name = re.sub(r"[^\w .-]", "_", name).strip(" .") + ".png"
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
    image.name = name
    return image


def _free_path(path: Path) -> Path:
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem} {number}")
    return candidate
