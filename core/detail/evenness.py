# SPDX-License-Identifier: GPL-3.0-or-later
"""How often each region of the style images is used: a striking piece that comes back again and again is noticed.

As in self tuning texture optimization (Kaspar et al. 2015) each region of a picture is to be used about equally often.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from .apart import split
from .exemplar import Exemplar

_REGIONS = 32
"""Along the shorter side of a picture."""
_LEAST = 4.0
"""Least side of a region, in pixels of places, which are offered at every second one."""
_BLUR = 1.5
"""Of what is counted, in regions: pieces have no sharp borders."""
_MOST = 3.0
"""Doublings beyond its share up to which a region gets dearer."""

Floats = NDArray[np.float32]


class Crowding:
    """What it costs to use each region once more."""

    def __init__(self, exemplar: Exemplar, surface: float) -> None:
        """A region's share is as large as it is in its picture; each may be used once, however small the surface.

        Args:
            exemplar: the style images.
            surface: its area, in squared pixels of the pictures.
        """
        self._cell = max(min(exemplar.pictures[0].shape[:2]) / _REGIONS, _LEAST)
        areas = [math.prod(picture.shape[:2]) for picture in exemplar.pictures]
        sides = [np.ceil(np.array(picture.shape[:2]) / self._cell).astype(int) for picture in exemplar.pictures]
        self._count = len(sides)
        self._shape = (self._count, *np.max(sides, axis=0))
        offered = [exemplar.candidates(picture)[0] for picture in range(self._count)]
        shares = [
            np.full(len(places), max(share, area / surface) / len(places))
            for places, share, area in zip(offered, exemplar.shares, areas, strict=True)
        ]
        self._fair = self._counted(np.concatenate(offered), np.concatenate(shares))
        self._dear = np.zeros(self._shape, np.float32)

    def count(self, place: Floats) -> None:
        """Take note of the places [n, 2] that are used now."""
        used = self._counted(place, np.full(len(place), 1.0 / len(place)))
        over = np.log2(np.maximum(used, 1e-12) / np.maximum(self._fair, 1e-12))
        self._dear = over.clip(0.0, _MOST).astype(np.float32)

    def of(self, place: Floats) -> Floats:
        """How many times the use of the regions of places [n, 2] has doubled beyond their share: [n]."""
        return self._dear[self._region(place)]

    def _counted(self, place: Floats, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.zeros(self._shape)
        np.add.at(found, self._region(place), weight)
        return gaussian_filter(found, (0.0, _BLUR, _BLUR), mode="nearest")

    def _region(self, place: Floats) -> tuple[NDArray[np.int64], ...]:
        which, own = split(place, self._count)
        column, row = np.moveaxis(own / self._cell, -1, 0).astype(np.int64)
        return which, row.clip(0, self._shape[1] - 1), column.clip(0, self._shape[2] - 1)
