# SPDX-License-Identifier: GPL-3.0-or-later
"""How visible the borders of pieces are, compiled by Numba when first used (a second).

As array operations it is most of the search's time; here the neighbours that go on from a point are passed over.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .apart import APART, BEFORE

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@njit(nogil=True, error_model="numpy")
def borders(
    point: Ints,
    own: Floats,
    place: Floats,
    index: Ints,
    way: Floats,
    turned: Bools,
    real: Bools,
    same: float,
    around: Floats,
    colour: Floats,
    pictures: Ints,
    scale: float,
    worst: float,
    least: float,
) -> tuple[Floats, Bools]:
    """How visible the borders of points with their neighbours are, and which points have any: [m] each.

    The first is the mean over all neighbours: 0 where a neighbour goes on from the point, or is none.

    Args:
        point: [m] which of the n points they are.
        own: [m, 2] their places.
        place: [n, 2] those of their neighbours.
        index: [n, K] see ``Neighbours``.
        way: [n, K, 2] likewise, in pixels.
        turned: [n, K] likewise.
        real: [n, K] likewise.
        same: squared distance up to which a neighbour goes on from a point.
        around: [pixels, d] what is compared of the pictures,
        colour: [pixels, 3] and what where planes are turned.
        pictures: [pictures, 3] height, width and number of the first pixel of each.
        scale: pixels of ``around`` over those of places.
        worst: a border is no worse than that, as a mean squared difference,
        least: and costs that besides.
    """
    visible, at_border = np.zeros(len(point), np.float32), np.zeros(len(point), np.bool_)
    for number in range(len(point)):
        here, total = point[number], 0.0
        for side in range(index.shape[1]):
            there = index[here, side]
            column, row = own[number, 0] + way[here, side, 0], own[number, 1] + way[here, side, 1]
            squared = (column - place[there, 0]) ** 2 + (row - place[there, 1]) ** 2
            if squared <= same and not turned[here, side]:
                continue
            at_border[number] = True
            if not real[here, side]:
                continue
            one = _pixel(column, row, pictures, scale)
            other = _pixel(place[there, 0], place[there, 1], pictures, scale)
            table = colour if turned[here, side] else around
            unlike = 0.0
            for value in range(table.shape[1]):
                unlike += (table[one, value] - table[other, value]) ** 2
            total += min(unlike, worst) + least
        visible[number] = total / index.shape[1]
    return visible, at_border


@njit(nogil=True, error_model="numpy")
def _pixel(column: float, row: float, pictures: Ints, scale: float) -> int:
    """The number of the pixel at a place, or of the nearest one in its picture; see ``apart.split``."""
    which = 0
    if len(pictures) > 1:
        which = min(max(int(np.floor(column / APART + BEFORE)), 0), len(pictures) - 1)
        column -= which * APART
    height, width, first = pictures[which]
    down = min(max(int((row + 0.5) * scale), 0), height - 1)
    across = min(max(int((column + 0.5) * scale), 0), width - 1)
    return first + down * width + across
