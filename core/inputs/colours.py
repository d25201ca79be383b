# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoded pixels of every kind as opaque 8-bit sRGB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms

from ..job import JobError
from .metadata import to_srgb
from .tiffs import tag, white_is_zero

STRIP_PIXELS = 1 << 22
"""So many pixels are converted at a time: what that takes besides does not grow with the picture."""
_BYTE, _SHORT = 255, 65535
_BRIGHTEST = 16.0
"""Numbers up to 1 are shares of white, and numbers of 16 and more are 8 or 16 bits; what lies between may be either, or
light of a scene, and nobody can tell which is white."""
_SHARE_BEYOND = 0.01
"""So many pixels may be brighter than white."""


@dataclass(frozen=True)
class Colours:
    """How to convert the pixels of one picture."""

    white: float
    """The value that means white, for the kinds of pixels that hold more than a byte."""
    unsigned: bool
    """Whether 32-bit whole numbers are without sign."""
    inverted: bool
    """Whether 0 is white, and ``white`` black."""
    clear: int | None
    """The grey of transparent pixels, or ``None``."""
    transform: ImageCms.ImageCmsTransform | None
    """From the picture's own colours to sRGB, or ``None`` where they are taken for sRGB."""
    behind: str = "white"
    """The colour behind transparent pixels."""

    def convert(self, strip: Image.Image) -> Image.Image:
        """Part of a decoded picture as RGB: sRGB, over ``behind``."""
        colour, alpha = self._parts(strip)
        rgb = ImageCms.applyTransform(colour, self.transform) if self.transform is not None else colour.convert("RGB")
        assert rgb is not None
        if alpha is None:
            return rgb
        return Image.composite(rgb, Image.new("RGB", rgb.size, self.behind), alpha)

    def _parts(self, strip: Image.Image) -> tuple[Image.Image, Image.Image | None]:
        """Colours ("L", "RGB", "CMYK" or "LAB") and, where some are transparent, alpha ("L"), not multiplied in."""
        mode = strip.mode
        if mode.startswith("I") or mode == "F":
            values = np.asarray(strip)
            if mode == "I" and self.unsigned:
                values = values.view(np.uint32)
            grey = np.clip(values * np.float32(_BYTE / self.white), 0, _BYTE)
            if self.inverted:
                grey = _BYTE - grey
            alpha = None if self.clear is None else Image.fromarray(np.where(values == self.clear, 0, 255).astype("u1"))
            return Image.fromarray(np.rint(grey).astype(np.uint8)), alpha
        if mode == "1":
            strip = strip.convert("L")
        if mode in ("1", "L") and self.clear is not None:
            clear = self.clear
            return strip, strip.point([0 if value == clear else _BYTE for value in range(256)])
        if mode in ("LA", "La"):
            grey, alpha = strip.convert("LA").split()
            return grey, alpha
        if mode in ("L", "1", "CMYK", "LAB"):
            return strip, None
        if mode in ("RGBA", "RGBa", "PA") or strip.has_transparency_data:
            rgba = strip.convert("RGBA")
            return rgba.convert("RGB"), rgba.getchannel("A")
        return strip.convert("RGB"), None


def colours_of(file: Image.Image, clear: int | None, tell: Callable[[str], None], behind: str = "white") -> Colours:
    """How to convert a picture that is open and decoded.

    Args:
        file: the picture.
        clear: the grey of its transparent pixels.
        tell: told, in a half-sentence about the picture, what could not be taken into account.
        behind: the colour behind transparent pixels.

    Raises:
        JobError: ``bad_image`` when its values mean nothing that can be told.
    """
    kind = "L" if file.mode in ("1", "L", "LA", "La", "F") or file.mode.startswith("I") else file.mode
    kind = kind if kind in ("L", "CMYK", "LAB") else "RGB"
    try:
        transform = to_srgb(file, kind)
    except Exception:
        if kind == "LAB":
            raise
        transform = None
        tell("has a colour profile that cannot be read, so its colours are taken for sRGB")
    white, unsigned = _white(file)
    return Colours(white, unsigned, white_is_zero(file), clear, transform, behind)


def strips(file: Image.Image, box: tuple[int, int, int, int], rows: int) -> Iterator[tuple[int, Image.Image]]:
    """The part ``box`` of a decoded picture in strips of so many ``rows``, each with its first row within the part."""
    left, top, right, bottom = box
    for row in range(top, bottom, rows):
        yield row - top, file.crop((left, row, right, min(row + rows, bottom)))


def _white(file: Image.Image) -> tuple[float, bool]:
    """The value of white, and whether whole numbers are without sign."""
    if file.mode.startswith("I;16"):
        bits = tag(file, ExifTags.Base.BitsPerSample, 16)
        return (4095.0 if bits == 12 else float(_SHORT)), True
    if file.mode == "I":
        if file.format == "PPM":
            return float(_SHORT), True
        signed = tag(file, ExifTags.Base.SampleFormat, 1) == 2
        if tag(file, ExifTags.Base.BitsPerSample, 32) == 16:
            return 32767.0, False
        greatest = 2**31 - 1 if signed else 2**32 - 1
        # A picture that fills so little of what its kind can hold would be black: its numbers are bytes, or 16 bits.
        beyond = _count_beyond(file, (_BYTE, _SHORT), unsigned=not signed)
        return float((_BYTE, _SHORT, greatest)[sum(count > 0 for count in beyond)]), not signed
    return (_white_of_floats(file), False) if file.mode == "F" else (float(_BYTE), False)


def _white_of_floats(file: Image.Image) -> float:
    pixels = file.im.size[0] * file.im.size[1]
    beyond = _count_beyond(file, (1.0, _BRIGHTEST, _BYTE, _SHORT), unsigned=False)
    over_one, over_brightest, over_byte, over_short = (count > _SHARE_BEYOND * pixels for count in beyond)
    if not over_one:
        return 1.0
    if not over_brightest or over_short:
        raise JobError(
            "bad_image",
            "has numbers with a point as pixels, far beyond 1, and nothing says which of them is white",
            "Save it with 8 or 16 bits for each colour, and choose that.",
        )
    return float(_SHORT if over_byte else _BYTE)


def _count_beyond(file: Image.Image, limits: tuple[float, ...], unsigned: bool) -> list[int]:
    """How many pixels are greater than each of ``limits``.

    Raises:
        JobError: ``bad_image`` when one is not a number.
    """
    width, height = file.im.size
    counts, bad = [0] * len(limits), 0
    for _, strip in strips(file, (0, 0, width, height), max(1, STRIP_PIXELS // width)):
        values: NDArray[Any] = np.asarray(strip)
        if unsigned:
            values = values.view(np.uint32)
        bad += int((~np.isfinite(values)).sum())
        counts = [count + int((values > limit).sum()) for count, limit in zip(counts, limits, strict=True)]
    if bad:
        raise JobError(
            "bad_image",
            f"has {bad} pixel{'s' if bad > 1 else ''} with a value that is not a number",
            "Paint over them, or save the picture with 8 bits for each colour and choose that.",
        )
    return counts
