# SPDX-License-Identifier: GPL-3.0-or-later
"""The style image as a file in the job folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
import numpy as np

from ..core.job import JobError

_COPIED_AS_THEY_ARE = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".tga"})
"""Formats that the worker reads; every other picture is written anew as PNG."""


def write_style_image(name: str, folder: Path) -> str:
    """Put the Blender image called ``name`` into ``folder``.

    A file or a packed file that has not been painted on is copied byte for byte; anything else is written as an
    8-bit sRGB PNG.

    Returns:
        Its file name in the folder.

    Raises:
        JobError: ``bad_image`` when there is no such image or it has no pixels.
    """
    image = bpy.data.images.get(name)
    if image is None:
        raise JobError("bad_image", f"There is no image {name!r} in the file", "Choose a style image")
    if image.size[0] == 0 or image.size[1] == 0:
        raise JobError(
            "bad_image",
            f"The style image {name!r} cannot be read from {bpy.path.abspath(image.filepath) or 'anywhere'}",
            "Find the file with File > External Data, or choose another image",
        )
    source = Path(bpy.path.abspath(image.filepath, library=image.library))
    suffix = source.suffix.lower()
    if not image.is_dirty and not image.is_float and suffix in _COPIED_AS_THEY_ARE and image.source == "FILE":
        file_name = f"style{suffix}"
        if image.packed_file:
            (folder / file_name).write_bytes(image.packed_file.data)
            return file_name
        if source.is_file():
            shutil.copyfile(source, folder / file_name)
            return file_name
    _write_png(image, folder / "style.png")
    return "style.png"


def _write_png(image: bpy.types.Image, path: Path) -> None:
    width, height = image.size
    channels = image.channels
    pixels = np.empty(width * height * channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(-1, channels)
    rgba = np.ones((len(pixels), 4), dtype=np.float32)
    rgba[:, :3] = pixels[:, :3] if channels >= 3 else pixels[:, :1]
    if image.is_float:
        # Float images hold scene-linear light; the transfer function is that of IEC 61966-2-1.
        linear = np.clip(np.nan_to_num(rgba[:, :3]), 0.0, 1.0)
        rgba[:, :3] = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    written = bpy.data.images.new("StyleTex Style", width, height)
    try:
        written.pixels.foreach_set(rgba.reshape(-1))
        written.file_format = "PNG"
        written.save(filepath=str(path))
    finally:
        bpy.data.images.remove(written)
