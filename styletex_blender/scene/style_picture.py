# SPDX-License-Identifier: GPL-3.0-or-later
"""The style image as a file in the job folder."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...core.job import JobError
from .picture_file import read_srgb, write_png
from .tiff_header import worker_reads

_COPIED_AS_THEY_ARE = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "BMP": ".bmp", "TARGA": ".tga", "TIFF": ".tif"}
"""Formats that the worker reads, whatever the file is called, with their colour profiles, which Blender leaves out.
The pixels of every other picture are written anew."""

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
    unread = image.size[0] == 0 or image.size[1] == 0
    # GIFs are films to Blender, if anything.
    if (unread or image.filepath.lower().endswith(".gif")) and image.source in ("FILE", "MOVIE"):
        # The worker reads some formats that Blender does not, and has a word for those that it does not read either.
        data = _file(image)
        if data is not None:
            (folder / f"{stem}{_UNREAD}").write_bytes(data)
            return f"{stem}{_UNREAD}"
    if unread:
        raise JobError(
            "bad_image",
            f"The style image {name!r} cannot be read from {bpy.path.abspath(image.filepath) or 'anywhere'}",
            "Find the file with File > External Data, or choose another image",
        )
    suffix = _COPIED_AS_THEY_ARE.get(image.file_format)
    data = _file(image) if suffix is not None and not image.is_dirty and image.source == "FILE" else None
    if data is not None and (suffix != ".tif" or worker_reads(data)):
        (folder / f"{stem}{suffix}").write_bytes(data)
        return f"{stem}{suffix}"
    # Float images hold scene-linear light.
    write_png(read_srgb(image, linear=image.is_float), folder / f"{stem}.png")
    return f"{stem}.png"


def _file(image: bpy.types.Image) -> bytes | None:
    """What the image was read from, or ``None`` when that is gone."""
    if image.packed_file:
        return image.packed_file.data
    source = Path(bpy.path.abspath(image.filepath, library=image.library))
    return source.read_bytes() if source.is_file() else None
