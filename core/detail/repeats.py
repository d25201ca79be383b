# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a picture repeats itself, as a pattern does, and by which two ways."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIDE = 112
"""About the shorter side in pixels at which it is looked at."""
_SHORTEST, _LONGEST = 0.25, 0.62
"""Of a way, as shares of the shorter side: with shorter ones everything smooth repeats itself, and two of the longest
leave enough of the picture between them.
"""
_LEAST_OVERLAP = 0.3
"""Share of the picture that lies over itself when it is moved by a way."""
_UPRIGHT = 0.7
"""Sine of the angle between the two ways, at least."""
_MISMATCH = 0.2
"""How unlike itself the picture may be when it is moved by a way; 1 is no likeness at all. Patterns have 0.11 at most,
paintings and grain 0.4 at least.
"""
_ONE_COLOUR = (0.5 / 255.0) ** 2
"""Variance below which a picture has nothing that could repeat itself but rounding."""

Floats = NDArray[np.float32]


def find_lattice(picture: Floats) -> NDArray[np.float64] | None:
    """Two ways (columns and rows, [2, 2]) that bring ``picture`` [H, W, 3] back to itself, if there are such.

    All multiples of them do, as far as the picture goes.
    """
    reduced = max(1, min(picture.shape[:2]) // _SIDE)
    small = picture[::reduced, ::reduced]
    unlike, overlap = _when_moved(small)
    height, width = unlike.shape
    row = np.fft.fftfreq(height, 1.0 / height)[:, None] * np.ones((1, width))
    column = np.fft.fftfreq(width, 1.0 / width) * np.ones((height, 1))
    length = np.hypot(row, column)
    share = length / min(small.shape[:2])
    # The opposite way is no other one.
    allowed = (overlap > _LEAST_OVERLAP) & (share >= _SHORTEST) & (share <= _LONGEST) & (row + 1e-3 * column > 0.0)
    found: list[tuple[float, float]] = []
    for _ in range(2):
        best = np.unravel_index(np.where(allowed, unlike, np.inf).argmin(), unlike.shape)
        if not allowed[best] or not unlike[best] <= _MISMATCH:
            return None
        found.append((column[best], row[best]))
        sine = np.abs(column * row[best] - row * column[best]) / np.maximum(length * length[best], 1e-9)
        allowed &= sine > _UPRIGHT
    return reduced * np.array(found, np.float64)


def _when_moved(picture: Floats) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """For every way [2 H, 2 W], in the order of ``fftfreq``: the mean squared difference between ``picture`` [H, W, 3]
    and itself moved, over that of two independent pictures of its variance; and the share of it that lies over itself.
    """
    height, width = picture.shape[:2]
    centred = picture - picture.mean(axis=(0, 1))
    squares = np.square(centred).sum(axis=-1)
    if squares.mean() < _ONE_COLOUR:
        return np.ones((2 * height, 2 * width), np.float32), np.zeros((2 * height, 2 * width), np.float32)

    def correlated(one: Floats, other: Floats) -> NDArray[np.floating]:
        size = (2 * height, 2 * width)
        return np.fft.irfft2(np.fft.rfft2(one, size) * np.conj(np.fft.rfft2(other, size)), size)

    everywhere = np.ones((height, width), np.float32)
    count = correlated(everywhere, everywhere)
    products = np.sum([correlated(colour, colour) for colour in np.moveaxis(centred, -1, 0)], axis=0)
    total = correlated(squares, everywhere) + correlated(everywhere, squares) - 2.0 * products
    return total / np.maximum(count, 1.0) / (2.0 * squares.mean()), count / (height * width)
