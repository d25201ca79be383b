# SPDX-License-Identifier: GPL-3.0-or-later
"""The style image as a file in the job folder."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...core.job import JobError
from ...core.picture_kinds.kinds import HEAD_BYTES, format_of
from .picture_file import read_srgb, write_png
from .tiff_header import worker_reads

_COPIED_AS_THEY_ARE = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "BMP": ".bmp", "TARGA": ".tga", "TIFF": ".tif"}
"""Formats that the worker reads, whatever the file is called, with their colour profiles, which Blender leaves out.
The pixels of every other picture are written anew."""
_KNOWN_BY_THEIR_BEGINNING = {"PNG": ".png", "JPEG": ".jpg", "WebP": ".webp", "BMP": ".bmp", "TIFF": ".tif"}
"""The same ones as far as Blender need not unpack a picture to know them: of a large one that takes seconds."""

_UNREAD = ".picture"
"""End of the name in the job folder of what Blender cannot read."""


def write_style_image(name: str, folder: Path, stem: str = "style") -> str:
    """Put the Blender image called ``name`` into ``folder``, under the name ``stem`` with an end that fits.

    A file or a packed file that has not been painted on is copied byte for byte; anything else is written as an
    8-bit sRGB PNG, over white.

    Returns:
        Its file name in the folder.

    Raises:
        JobError: ``bad_image`` when there is no such image or it has no pixels.
    """
    image = bpy.data.images.get(name)
    if image is None:
        raise JobError("bad_image", f"There is no image {name!r} in the file", "Choose a style image")
    data = None if image.is_dirty or image.source not in ("FILE", "MOVIE") else _file(image)
    if data is not None and (suffix := _suffix_of(image, data)) is not None:
        (folder / f"{stem}{suffix}").write_bytes(data)
        return f"{stem}{suffix}"
    if image.size[0] == 0 or image.size[1] == 0:
        raise JobError(
            "bad_image",
            f"The style image {name!r} cannot be read from {bpy.path.abspath(image.filepath) or 'anywhere'}",
            "Find the file with File > External Data, or choose another image",
        )
    # Float images hold scene-linear light.
    write_png(read_srgb(image, linear=image.is_float), folder / f"{stem}.png")
    return f"{stem}.png"


def _suffix_of(image: bpy.types.Image, data: bytes) -> str | None:
    """How the file of an image is called in the job folder; ``None`` when its pixels are to be written anew."""
    # The worker reads some formats that Blender does not, and has a word for those that it does not read either.
    # GIFs are films to Blender, if anything.
    suffix = _KNOWN_BY_THEIR_BEGINNING.get(format_of(data[:HEAD_BYTES]))
    if suffix is None and (image.filepath.lower().endswith(".gif") or image.size[0] == 0 or image.size[1] == 0):
        return _UNREAD
    suffix = suffix or _COPIED_AS_THEY_ARE.get(image.file_format)
    return None if suffix == ".tif" and not worker_reads(data) and image.size[0] != 0 else suffix


def _file(image: bpy.types.Image) -> bytes | None:
    """What the image was read from, or ``None`` when that is gone."""
    if image.packed_file:
        return image.packed_file.data
    source = Path(bpy.path.abspath(image.filepath, library=image.library))
    return source.read_bytes() if source.is_file() else None
