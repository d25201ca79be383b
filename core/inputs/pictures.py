# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way a picture is read, whatever it is for: a style image, the present colour, a texture.

Its declared size is looked at before anything is unpacked. Then it is 8-bit sRGB, opaque (over white), upright, and no
larger than it was asked for. Of several pictures in a file the first counts.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ..job import JobError
from ..picture_kinds.kinds import FOR_PEOPLE, HEAD_BYTES, format_of
from ..picture_kinds.refusals import SAVE_ANEW, no_picture, too_small
from .colours import STRIP_PIXELS, colours_of, strips
from .formats import FORMATS
from .metadata import clear_grey, stripped, turn
from .refusal import refusing
from .tiffs import is_preview, prepare

MOST_PIXELS = 178_000_000
"""Pixels that a file may declare: decoded they take four bytes each."""
MOST_PIXELS_OF = {"WEBP": 67_200_000, "AVIF": 67_200_000}
"""Fewer, by format, where the library holds several copies while it decodes."""
LARGEST_FILE = 1_000_000_000
"""Bytes."""
LARGEST_AREA = 4096 * 4096
"""Pixels of a picture once it is read: more than any texture takes from it."""
_QUARTER_TURNS = {
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
}


def read_picture(
    path: Path,
    what: str = "The picture",
    name: str = "",
    longest: float | None = None,
    tell: Callable[[str], None] = lambda message: None,
    behind: str = "white",
    least: int = 1,
) -> Image.Image:
    """The picture at ``path`` as RGB: sRGB, over ``behind``, upright, at most ``LARGEST_AREA`` pixels.

    Args:
        path: the file.
        what: what it is for, at the beginning of messages.
        name: what the user calls it; empty takes the file's own.
        longest: how many times longer than the other one side may be; of a longer picture the middle is taken.
        tell: told in a sentence what of the picture was left out or not understood.
        behind: the colour that transparent pixels let through; of a mask they are black.
        least: pixels that each side of the file must have.

    Raises:
        JobError: ``bad_image`` when it is missing, no picture of a kind that is read, damaged, or too large;
            ``out_of_memory``.
    """
    called = f"{what} {name or path.name}"
    with refusing("bad_image", called, "Open it in a picture editor, save it as PNG, and choose that."):
        head = _head(path, called)
        try:
            return _read(path, called, longest, tell, behind, least)
        except (MemoryError, JobError):
            raise
        except Exception as error:
            if (found := _without_metadata(path, called, longest, tell, behind, least)) is not None:
                return found
            if isinstance(error, UnidentifiedImageError) or not format_of(head):
                raise _unknown(called, head) from error
            raise


def open_as_it_is(path: Path | io.BytesIO) -> Image.Image:
    """A picture that this program wrote, or that it was made with, as it is; to be closed by the caller.

    Raises:
        OSError: it is none.
    """
    return Image.open(path, formats=FORMATS)


def _head(path: Path, called: str) -> bytes:
    """The beginning of the file.

    Raises:
        JobError: ``bad_image`` when it cannot be a picture.
    """
    if path.exists() and not path.is_file():
        # A pipe would keep whoever opens it waiting.
        kind = "a folder" if path.is_dir() else "no file"
        raise JobError("bad_image", f"{called} cannot be read: it is {kind}", f"Choose a picture ({FOR_PEOPLE}).")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if (problem := no_picture(called, head)) is not None:
        raise problem
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise JobError("bad_image", f"{called} cannot be read: its file has {size / 1e9:.1f} GB", SAVE_ANEW)
    return head


def _unknown(called: str, head: bytes) -> JobError:
    kind = format_of(head)
    why = f"it is a {kind}, but damaged or of a kind that is not read" if kind else "it is no picture of a known kind"
    if kind == "TIFF":
        why += " (32-bit colour, for example)"
    return JobError("bad_image", f"{called} cannot be read: {why}", f"{FOR_PEOPLE} are read. {SAVE_ANEW}")


def _without_metadata(
    path: Path, called: str, longest: float | None, tell: Callable[[str], None], behind: str, least: int
) -> Image.Image | None:
    """A picture that could not be read, without what stands beside its pixels; ``None`` when that is not the cause."""
    data = path.read_bytes()
    for less in stripped(data):
        if len(less) == len(data):
            continue
        try:
            return _read(io.BytesIO(less), called, longest, tell, behind, least)
        except (MemoryError, JobError):
            raise
        except Exception:  # noqa: S112 - what is told is what went wrong with the whole file
            continue
    return None


def _read(
    source: Path | io.BytesIO,
    called: str,
    longest: float | None,
    tell: Callable[[str], None],
    behind: str,
    least: int,
) -> Image.Image:
    try:
        file = Image.open(source, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large(called, str(error).split("(")[-1].split(" ")[0], MOST_PIXELS) from error
    with file:
        most = MOST_PIXELS_OF.get(file.format or "", MOST_PIXELS)
        if file.width * file.height > most:
            raise _too_large(called, f"{file.width} x {file.height}", most)
        if is_preview(file):
            raise JobError(
                "bad_image",
                f"{called} cannot be read: it is a raw photograph, or begins with a small preview",
                SAVE_ANEW,
            )
        declared = file.size
        shrink = math.sqrt(max(1.0, file.width * file.height / LARGEST_AREA))
        file.draft(file.mode, (math.ceil(file.width / shrink), math.ceil(file.height / shrink)))
        clear = clear_grey(file)
        prepare(file)
        file.load()
        upright = turn(file)
        wide, high = declared[::-1] if upright in _QUARTER_TURNS else declared
        if (problem := too_small(called, wide, high, least)) is not None:
            raise problem
        try:
            colours = colours_of(file, clear, lambda message: tell(f"{called} {message}"), behind)
        except JobError as error:
            raise JobError(error.code, f"{called} {error.message}", error.hint) from error
        box = _box(file.im.size, longest)
        if box[2] - box[0] < file.im.size[0] or box[3] - box[1] < file.im.size[1]:
            tell(f"{called} is more than {longest:g} times longer than wide; its middle is used")
        picture = _shrunk(file, box, colours.convert)
    return picture if upright is None else picture.transpose(upright)


def _too_large(called: str, size: str, most: int) -> JobError:
    sides = [int(side) for side in size.split(" x ")]
    area = f"{math.prod(sides) / 1e6:,.0f} megapixels" + (f" ({size})" if len(sides) > 1 else "")
    return JobError(
        "bad_image",
        f"{called} has {area}; at most {most / 1e6:.0f} megapixels are read",
        "Make it smaller in a picture editor.",
    )


def _box(size: tuple[int, int], longest: float | None) -> tuple[int, int, int, int]:
    """The middle of a picture, not longer than ``longest`` times its shorter side."""
    width, height = size
    if longest is None:
        return 0, 0, width, height
    wide, high = min(width, round(height * longest)), min(height, round(width * longest))
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high


def _shrunk(
    file: Image.Image, box: tuple[int, int, int, int], convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """The part ``box`` of a decoded picture, converted, with at most ``LARGEST_AREA`` pixels."""
    width, height = box[2] - box[0], box[3] - box[1]
    excess = math.sqrt(width * height / LARGEST_AREA)
    # By whole numbers first, which needs no more than a strip; one side may have but few pixels.
    across, down = (max(1, min(math.floor(excess), side)) for side in (width, height))
    rows = max(1, STRIP_PIXELS // (width * down)) * down
    found = Image.new("RGB", (-(-width // across), -(-height // down)))
    for row, strip in strips(file, box, rows):
        converted = convert(strip)
        found.paste(converted.reduce((across, down)) if across * down > 1 else converted, (0, row // down))
    if found.width * found.height <= LARGEST_AREA:
        return found
    scale = math.sqrt(LARGEST_AREA / (found.width * found.height))
    high = max(1, math.floor(found.height * scale))
    wide = max(1, min(math.floor(found.width * scale) if high > 1 else found.width, LARGEST_AREA // high))
    return found.resize((wide, high), Image.Resampling.BOX)
