# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a picture that is not read."""

from __future__ import annotations

from ..job import JobError
from .kinds import FOR_PEOPLE, what_else

SMALLEST_STYLE_SIDE = 16
"""Least side of a style image, in pixels."""
SAVE_ANEW = "Save it as PNG or JPEG in a program that opens it, and choose that."


def no_picture(called: str, head: bytes) -> JobError | None:
    """``bad_image`` for a file with the beginning ``head`` that is none of what is read, as far as that can be told."""
    kind = what_else(head)
    if not kind:
        return None
    hint = f"Choose another picture: {FOR_PEOPLE} are read." if not head else f"{FOR_PEOPLE} are read. {SAVE_ANEW}"
    return JobError("bad_image", f"{called} cannot be read: it is {kind}", hint)


def too_small(called: str, wide: int, high: int, least: int) -> JobError | None:
    """``bad_image`` for a picture with a side of fewer than ``least`` pixels."""
    if min(wide, high) >= least:
        return None
    text = f"{called} is {wide} x {high} pixels; each side must have at least {least}"
    return JobError("bad_image", text, "Choose a larger picture.")
