# SPDX-License-Identifier: GPL-3.0-or-later
"""Several pictures in one plane of places, so far apart that what belongs to one never reaches another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

APART = 16384.0
"""Columns from the left border of one picture to that of the next, in pixels of places."""
_BEFORE = 0.25
"""A place up to this share of ``APART`` left of a picture is still one of that picture."""

Floats = NDArray[np.float32]


def split(place: Floats, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Of places [..., 2] in the plane of ``count`` pictures: the pictures' numbers [...], and the places in them."""
    if count == 1:
        return np.zeros(place.shape[:-1], np.int64), place
    which = np.floor(place[..., 0] / APART + _BEFORE).astype(np.int64).clip(0, count - 1)
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
        self._height, self._width = np.array(sides, np.int64).T
        self._first = np.concatenate([[0], np.cumsum(self._height * self._width)[:-1]])

    def number(self, which: NDArray[np.int64], column: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of the pixel of picture ``which``, or of the nearest one in it; all [...]."""
        if len(self._first) == 1:
            height, width = int(self._height[0]), int(self._width[0])
            return row.clip(0, height - 1) * width + column.clip(0, width - 1)
        height, width = self._height[which], self._width[which]
        return self._first[which] + row.clip(0, height - 1) * width + column.clip(0, width - 1)
