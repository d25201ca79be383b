# SPDX-License-Identifier: GPL-3.0-or-later
"""The style image as a file in the job folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy

from ...core.job import JobError
from .picture_file import encode_srgb, read_rgb, write_png

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
    rgb = read_rgb(image)
    # Float images hold scene-linear light.
    write_png(encode_srgb(rgb) if image.is_float else rgb, tuple(image.size), folder / "style.png")
    return "style.png"
