# SPDX-License-Identifier: GPL-3.0-or-later
"""Several pictures in one plane of places, so far apart that what belongs to one never reaches another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

APART = 16384.0
"""Columns from the left border of one picture to that of the next, in pixels of places."""
BEFORE = 0.25
"""A place up to this share of ``APART`` left of a picture is still one of that picture."""

Floats = NDArray[np.float32]


def split(place: Floats, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Of places [..., 2] in the plane of ``count`` pictures: the pictures' numbers [...], and the places in them."""
    if count == 1:
        return np.zeros(place.shape[:-1], np.int64), place
    which = np.floor(place[..., 0] / APART + BEFORE).astype(np.int64).clip(0, count - 1)
    own = place.copy()
    own[..., 0] -= which * np.float32(APART)
    return which, own


def joined(which: NDArray[np.int64] | int, own: Floats) -> Floats:
    """The opposite of ``split``."""
    place = own.copy()
    place[..., 0] += which * np.float32(APART)
    return place


class PixelNumbers:
    """Numbers of the pixels of several pictures, one picture after another, row by row."""

    def __init__(self, sides: Sequence[tuple[int, int]]) -> None:
        """``sides`` are height and width of each."""
        height, width = np.array(sides, np.int64).T
        self.pictures = np.stack([height, width, np.cumsum(height * width) - height * width], axis=-1)
        """[pictures, 3] height, width and number of the first pixel of each."""

    def number(self, which: NDArray[np.int64], column: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of the pixel of picture ``which``, or of the nearest one in it; all [...]."""
        if len(self.pictures) == 1:
            height, width, first = map(int, self.pictures[0])
        else:
            height, width, first = np.moveaxis(self.pictures[which], -1, 0)
        return first + row.clip(0, height - 1) * width + column.clip(0, width - 1)
