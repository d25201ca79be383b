# SPDX-License-Identifier: GPL-3.0-or-later
"""What TIFFs need beside Pillow's own reading of them: it lacks some kinds, and takes others for what they are not."""

from __future__ import annotations

from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin

_LITTLE, _BIG = TiffImagePlugin.II, TiffImagePlugin.MM
_WHOLE, _SIGNED, _REAL = 1, 2, 3
"""Values of the tag "SampleFormat"."""
_WHITE_IS_ZERO = 0
"""Value of the tag "PhotometricInterpretation"."""
_NATIVE = {"I;16BS": "I;16S", "I;32B": "I;32", "I;32BS": "I;32S", "F;32BF": "F;32F", "F;64BF": "F;64F"}
"""libtiff gives all numbers in this machine's order of bytes (the low one first on all that this runs on); Pillow knows
that of 16-bit ones without sign alone."""


def read_more_kinds() -> None:
    """Let Pillow read grey TIFFs of 32 and 64 bits in either order of bytes, and all TIFFs by libtiff.

    Its own decoder takes colours of 16 bits in separate planes for interleaved ones.
    """
    TiffImagePlugin.READ_LIBTIFF = True
    for zero in (0, 1):
        for order, letter in ((_LITTLE, ""), (_BIG, "B")):
            for kind, bits, modes in (
                (_WHOLE, 16, ("I;16" + letter, "I;16" + letter)),
                (_SIGNED, 16, ("I", f"I;16{letter}S")),
                (_WHOLE, 32, ("I", "I;32" + letter)),
                (_SIGNED, 32, ("I", f"I;32{letter}S")),
                (_REAL, 32, ("F", f"F;32{letter}F")),
                (_REAL, 64, ("F", f"F;64{letter}F")),
            ):
                TiffImagePlugin.OPEN_INFO.setdefault((order, zero, (kind,), 1, (bits,), ()), modes)


read_more_kinds()


def prepare(file: Image.Image) -> None:
    """Mend how an open picture, before it is decoded, is going to be decoded, if it is a TIFF.

    Pillow turns TIFFs upright by itself, and writes their Exif data anew for that, which fails at much that there is.
    """
    if not isinstance(file, TiffImagePlugin.TiffImageFile):
        return
    file.load_end = lambda: None
    if file.use_load_libtiff:
        file.tile = [tile._replace(args=_native(tile.args)) for tile in file.tile]


def is_preview(file: Image.Image) -> bool:
    """Whether the first picture of a TIFF is a small one of another, as in raw photographs (DNG, NEF, ARW)."""
    return bool(tag(file, ExifTags.Base.NewSubfileType, 0) & 1)


def white_is_zero(file: Image.Image) -> bool:
    """Whether a decoded picture's numbers are the darker the greater they are; Pillow mends that up to 8 bits."""
    return (
        file.mode in ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
        and tag(file, ExifTags.Base.PhotometricInterpretation, 1) == _WHITE_IS_ZERO
    )


def tag(file: Image.Image, number: int, otherwise: int) -> int:
    """The number in a TIFF's tag, of its first channel; ``otherwise`` where there is none."""
    if not isinstance(file, TiffImagePlugin.TiffImageFile):
        return otherwise
    value = file.tag_v2.get(number, otherwise)
    return int(value[0] if isinstance(value, tuple) else value)


def _native(arguments: Any) -> Any:
    if not isinstance(arguments, tuple):
        return arguments
    return (_NATIVE.get(arguments[0], arguments[0]), *arguments[1:])
