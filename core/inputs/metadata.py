# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture file says beside its pixels: how it is turned, and what its colours mean. None of it keeps it out."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any

from PIL import ExifTags, Image, ImageCms, PngImagePlugin, TiffImagePlugin

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the value of the tag "Orientation" (Exif 3.0, 4.6.5.1)."""
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
"""What ICC calls the colours of Pillow's modes."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_PNG_COLOURS = (b"iCCP", b"eXIf")
_JPEG_PIXELS = (0xE0, 0xEE)
"""Segments for applications that say how pixels are stored: JFIF's and Adobe's."""
_JPEG_COLOURS = (0xE1, 0xE2)
_JPEG_SCAN = 0xDA


def turn(file: Image.Image) -> Image.Transpose | None:
    """How to turn the pixels of an open picture upright; ``None`` for not at all, also when nobody can tell."""
    try:
        if isinstance(file, TiffImagePlugin.TiffImageFile):
            value = file.tag_v2.get(ExifTags.Base.Orientation, 1)
        else:
            value = file.getexif().get(ExifTags.Base.Orientation, 1)
        return _TURNS.get(value)
    except Exception:
        # Exif of all cameras and of none: whatever its reader stumbles over, the picture is there.
        return None


def to_srgb(file: Image.Image, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from the colours of an open picture, decoded to ``mode``, to sRGB.

    Args:
        file: perhaps with an ICC profile; one for other colours than it has does not count.
        mode: "L", "RGB", "CMYK" or "LAB".

    Returns:
        ``None`` when there is no profile to go by.

    Raises:
        Exception: of LittleCMS, for a damaged profile.
    """
    source: Any = None
    if data := file.info.get("icc_profile"):
        profile: Any = ImageCms.ImageCmsProfile(io.BytesIO(data))
        source = profile if profile.profile.xcolor_space.strip() == _SPACES[mode] else None
    if source is None:
        if mode != "LAB":
            return None
        source = ImageCms.createProfile("LAB")
    return ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def clear_grey(file: Image.Image) -> int | None:
    """The value that means transparent in a grey PNG once it is decoded, or ``None``; for one that is just open.

    Pillow gives the value as it is stored, while it stretches or cuts all others to eight bits; so that is mended here,
    in the picture itself for colours.
    """
    value = file.info.get("transparency")
    stored = str(file.tile[0].args) if isinstance(file, PngImagePlugin.PngImageFile) and file.tile else ""
    if isinstance(value, tuple) and stored == "RGB;16B":
        file.info["transparency"] = tuple(each >> 8 for each in value)
    if not isinstance(value, int):
        return None
    return value * {"L;2": 85, "L;4": 17}.get(stored, 1)


def stripped(data: bytes) -> Iterator[bytes]:
    """A PNG or JPEG with ever less metadata: first what tells neither turn nor colours is left out, then these too."""
    for colours in (True, False):
        if data.startswith(_PNG_SIGNATURE):
            yield _stripped_png(data, _PNG_PIXELS + (_PNG_COLOURS if colours else ()))
        elif data.startswith(b"\xff\xd8"):
            yield _stripped_jpeg(data, _JPEG_PIXELS + (_JPEG_COLOURS if colours else ()))


def _stripped_png(data: bytes, kept: tuple[bytes, ...]) -> bytes:
    """With the chunks of the types ``kept`` alone, and of those that are not pixels the whole ones alone."""
    parts, at = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind, chunk = data[at + 4 : at + 8], data[at:end]
        whole = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        if kind in kept and (whole or kind not in _PNG_COLOURS):
            parts.append(chunk)
        at = end
    return b"".join(parts)


def _stripped_jpeg(data: bytes, kept: tuple[int, ...]) -> bytes:
    """With those segments for applications alone whose markers are ``kept``, and without comments."""
    parts, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _JPEG_SCAN:
        marker, end = data[at + 1], at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        for_application = 0xE0 <= marker <= 0xEF or marker == 0xFE
        if marker in kept or not for_application:
            parts.append(data[at:end])
        at = end
    return b"".join([*parts, data[at:]])
