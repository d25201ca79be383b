# SPDX-License-Identifier: GPL-3.0-or-later
"""The style image as places to take pixels from: what surrounds each of its pixels, coarsely and finely.

Places are [n, 2] floats: column and row in pixels of ``Exemplar.picture``, whole numbers in the middles of pixels.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

LOOK_RESOLUTION = 128
"""Shorter side of the style image at which surroundings are compared, in pixels: as fine as the style statistics."""
LOOK_SIZE = 5
"""Side of the surroundings, in pixels of that."""
_LOOK_COMPONENTS = 16
"""Principal components in which surroundings are compared."""
_LOOK_STRIDE = 2
"""Surroundings are kept for every second pixel."""
_FINE_SIZE = 3
_FINE_COMPONENTS = 8
_FITTED = 8000
"""Surroundings from which principal components are found."""

Floats = NDArray[np.float32]


class Components:
    """Principal components of vectors, scaled so that squared distances are mean squared differences of the values."""

    def __init__(self, values: Floats, count: int, generator: np.random.Generator) -> None:
        """Find ``count`` of them at most in ``values`` [n, d]."""
        some = values[generator.permutation(len(values))[:_FITTED]]
        self._mean = some.mean(axis=0)
        _, _, axes = np.linalg.svd(some - self._mean, full_matrices=False)
        self._axes = axes[:count].T / math.sqrt(values.shape[1])

    def of(self, values: Floats) -> Floats:
        """[n, count] of vectors [n, d]."""
        return ((values - self._mean) @ self._axes).astype(np.float32)


class FineLevel:
    """What is close around each pixel, to tell whether a border between two places can be seen."""

    def __init__(self, picture: Floats, level: int, generator: np.random.Generator) -> None:
        """``picture`` is [H, W, 3]; the pixels of ``level`` are 2**level of its own."""
        self._scale = 1.0 / 2**level
        height, width = (max(_FINE_SIZE, round(side * self._scale)) for side in picture.shape[:2])
        small = functional.interpolate(_as_tensor(picture), (height, width), mode="area")
        padded = functional.pad(small, (1, 1, 1, 1), mode="replicate")
        around = functional.unfold(padded, _FINE_SIZE)[0].T.numpy()
        self._around = Components(around, _FINE_COMPONENTS, generator).of(around)
        self._colour = (small[0].flatten(1).T / math.sqrt(3.0)).numpy()
        self._height, self._width = height, width

    def difference(self, one: Floats, two: Floats, turned: NDArray[np.bool_]) -> Floats:
        """Mean squared difference of the surroundings of places [..., 2]; where ``turned`` [...] of the colours alone,
        since surroundings are not upright there.
        """
        first, second = self._number(one), self._number(two)
        apart = self._around[first] - self._around[second]
        squared = np.einsum("...d,...d->...", apart, apart)
        if turned.any():
            colour = self._colour[first[turned]] - self._colour[second[turned]]
            squared[turned] = np.einsum("...d,...d->...", colour, colour)
        return squared

    def _number(self, place: Floats) -> NDArray[np.int64]:
        column, row = np.moveaxis((place + 0.5) * self._scale, -1, 0)
        column, row = column.astype(np.int64), row.astype(np.int64)
        return row.clip(0, self._height - 1) * self._width + column.clip(0, self._width - 1)


class Exemplar:
    """One style image, laid over ``extent`` of the normalised mesh by its shorter side."""

    def __init__(
        self, picture: Image.Image, extent: float, resolution: int, levels: int, generator: np.random.Generator
    ) -> None:
        """Describe all places.

        Args:
            picture: RGB.
            extent: in units of the mesh.
            resolution: shorter side in which places are looked for, at most.
            levels: of ``FineLevel``.
            generator: draws what the principal components are found in.
        """
        self.picture = resized(picture, min(resolution, *picture.size))
        """float32 [H, W, 3], sRGB in [0, 1]."""
        height, width = self.picture.shape[:2]
        self.scale = min(height, width) / extent
        """Pixels in a unit of the mesh."""
        self.fine = [FineLevel(self.picture, level, generator) for level in range(levels)]
        coarse = resized(picture, LOOK_RESOLUTION)
        to_coarse = LOOK_RESOLUTION / min(height, width)
        self.look_spacing = extent / LOOK_RESOLUTION
        """Distance of the pixels of surroundings, in units of the mesh."""
        self._rows, self._columns = -(-height // _LOOK_STRIDE), -(-width // _LOOK_STRIDE)
        row, column = np.divmod(np.arange(self._rows * self._columns), self._columns)
        self._grid = (_LOOK_STRIDE * np.stack([column, row], axis=-1)).astype(np.float32)
        middles = (self._grid + 0.5) * np.float32(to_coarse) - 0.5
        looks = sample(coarse, middles[:, None] + look_offsets()).reshape(len(middles), -1)
        self.components = Components(looks, _LOOK_COMPONENTS, generator)
        self._looks = self.components.of(looks)
        self._tones = looks.reshape(len(looks), -1, 3).mean(axis=1)
        # The surroundings of a place lie within the picture.
        margin = (LOOK_SIZE // 2) / to_coarse
        self._low = np.minimum([margin, margin], [(width - 1) / 2.0, (height - 1) / 2.0]).astype(np.float32)
        self._high = np.array([width - 1, height - 1], dtype=np.float32) - self._low

    def looks(self, place: Floats) -> Floats:
        """What surrounds places [n, 2], as [n, d] components."""
        return self._looks[self._number(place)]

    def tones(self, place: Floats) -> Floats:
        """Mean colours [n, 3] of the surroundings of places [n, 2]."""
        return self._tones[self._number(place)]

    def within(self, place: Floats) -> Floats:
        """The nearest places whose surroundings lie within the picture."""
        return place.clip(self._low, self._high)

    def candidates(self) -> tuple[Floats, Floats]:
        """All places [n, 2] on a grid whose surroundings lie within the picture, and what surrounds them [n, d]."""
        inside = np.flatnonzero(((self._grid >= self._low) & (self._grid <= self._high)).all(axis=-1))
        if not len(inside):
            inside = np.arange(len(self._grid))
        return self._grid[inside], self._looks[inside]

    def _number(self, place: Floats) -> NDArray[np.int64]:
        column, row = np.moveaxis(np.rint(place / _LOOK_STRIDE).astype(np.int64), -1, 0)
        return row.clip(0, self._rows - 1) * self._columns + column.clip(0, self._columns - 1)


def look_offsets() -> Floats:
    """[LOOK_SIZE ** 2, 2] columns and rows of surroundings, in their pixels, row by row."""
    line = np.arange(LOOK_SIZE) - (LOOK_SIZE - 1) / 2.0
    down, across = np.meshgrid(line, line, indexing="ij")
    return np.stack([across.ravel(), down.ravel()], axis=-1).astype(np.float32)


def resized(picture: Image.Image, shorter: int) -> Floats:
    """[H, W, 3] in [0, 1]: an RGB picture whose shorter side has so many pixels."""
    scale = shorter / min(picture.size)
    sides = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.resize(sides, Image.Resampling.LANCZOS), np.float32) / 255.0


def sample(picture: Floats, place: Floats, how: str = "bilinear") -> Floats:
    """Colours [..., 3] of ``picture`` [H, W, 3] at places [..., 2] (column, row); its border goes on.

    ``how`` is "bilinear", or "bicubic", which keeps the finest detail and may go a little beyond the colours there.
    """
    height, width = picture.shape[:2]
    span = np.array([max(width - 1, 1), max(height - 1, 1)], dtype=np.float32)
    grid = torch.from_numpy(2.0 * place.reshape(1, 1, -1, 2).astype(np.float32) / span - 1.0)
    found = functional.grid_sample(_as_tensor(picture), grid, how, "border", align_corners=True)
    return found[0, :, 0].T.reshape(*place.shape[:-1], 3).numpy()


def _as_tensor(picture: Floats) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None]
