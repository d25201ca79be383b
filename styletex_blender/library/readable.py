# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a picture from being a style image, said before anything is computed and in the worker's words.

Panels ask this whenever they are drawn, so that no large picture is unpacked for it: the beginning of the file tells
what it is, and only small files are looked at further.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import bpy

from ...core.job import JobError
from ...core.picture_kinds.kinds import HEAD_BYTES, format_of, what_else
from ...core.picture_kinds.refusals import SMALLEST_STYLE_SIDE, no_picture, too_small
from ..names import name_of
from .paths import file_of

_BLENDER_READS = {
    *("an OpenEXR picture", "a Radiance HDR picture", "a DPX picture", "a Cineon picture", "an SGI picture"),
    *("a JPEG 2000 picture", "a Photoshop document"),
}
"""Of what the worker does not read; it gets their pixels."""
_SMALL = 1_000_000
"""Bytes of a file that is unpacked within a few milliseconds."""
_MOST_KNOWN = 64
_WORKER_ALONE_READS = {"AVIF", "GIF"}
"""With many of Blender's versions."""
_known: dict[tuple[object, ...], tuple[JobError | None, bool]] = {}
"""What was found, by what the file is and when it was changed."""


def problem_of_file(path: Path) -> JobError | None:
    """What its beginning says against a file, if anything."""
    try:
        return _problem_of_head(path.name, _head(path))
    except OSError:
        return None  # Whoever reads it later says why it cannot.


def problem_of(image: bpy.types.Image) -> JobError | None:
    """What is known against an image of the file, if anything."""
    return _look_at(image)[0]


def is_readable(image: bpy.types.Image) -> bool:
    """Whether an image of the file can be read, as far as that is known before it is."""
    return _look_at(image)[1]


def _look_at(image: bpy.types.Image) -> tuple[JobError | None, bool]:
    if image.source == "GENERATED" or image.is_dirty:
        return _problem_of_size(image), True
    packed, path = image.packed_file, file_of(image)
    if packed:
        size, key, head = (
            packed.size,
            (image.session_uid, name_of(image), packed.size),
            lambda: packed.data[:HEAD_BYTES],
        )
    elif path is not None and path.is_file():
        there = path.stat()
        size, key, head = there.st_size, (path, name_of(image), there.st_size, there.st_mtime_ns), partial(_head, path)
    else:
        return None, False  # Where the file is gone, that is said when it is needed.
    if key not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = _look_into(image, head(), size)
    return _known[key]


def _look_into(image: bpy.types.Image, head: bytes, size: int) -> tuple[JobError | None, bool]:
    if (problem := _problem_of_head(name_of(image), head)) is not None:
        return problem, False
    if size > _SMALL:
        return None, True
    problem = _problem_of_size(image)
    return problem, problem is None and (image.size[0] > 0 or format_of(head) in _WORKER_ALONE_READS)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _problem_of_head(name: str, head: bytes) -> JobError | None:
    return None if what_else(head) in _BLENDER_READS else no_picture(_called(name), head)


def _problem_of_size(image: bpy.types.Image) -> JobError | None:
    wide, high = image.size
    # Some pictures are read by the worker alone: Blender knows nothing of their size.
    return too_small(_called(name_of(image)), wide, high, SMALLEST_STYLE_SIDE) if wide and high else None


def _called(name: str) -> str:
    return f"The style image {name}"
