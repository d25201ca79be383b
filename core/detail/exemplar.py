# SPDX-License-Identifier: GPL-3.0-or-later
"""The style images as places to take pixels from: what surrounds each of their pixels, coarsely and finely.

Places are [n, 2] floats: column and row in pixels of ``Exemplar.pictures``, whole numbers in the middles of pixels;
those of one picture are far from those of the next (``apart``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from .apart import PixelNumbers, joined, split

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

    def __init__(self, pictures: Sequence[Floats], level: int, generator: np.random.Generator) -> None:
        """``pictures`` are [H, W, 3]; the pixels of ``level`` are 2**level of their own."""
        self.scale = 1.0 / 2**level
        """Pixels over those of the pictures."""
        sides, surroundings, colours = [], [], []
        for picture in pictures:
            height, width = (max(_FINE_SIZE, round(side * self.scale)) for side in picture.shape[:2])
            small = functional.interpolate(_as_tensor(picture), (height, width), mode="area")
            padded = functional.pad(small, (1, 1, 1, 1), mode="replicate")
            surroundings.append(functional.unfold(padded, _FINE_SIZE)[0].T.numpy())
            colours.append((small[0].flatten(1).T / math.sqrt(3.0)).numpy())
            sides.append((height, width))
        around = np.concatenate(surroundings)
        self.around = Components(around, _FINE_COMPONENTS, generator).of(around)
        """[pixels, d] what surrounds each pixel: squared distances are mean squared differences."""
        self.colour = np.ascontiguousarray(np.concatenate(colours))
        """[pixels, 3] likewise its colour alone: where planes are turned, surroundings are not upright."""
        self.pixels = PixelNumbers(sides)


class Exemplar:
    """The style images, each laid over ``extent`` of the normalised mesh by its shorter side."""

    def __init__(
        self,
        images: Sequence[tuple[Image.Image, float]],
        extent: float,
        resolution: int,
        levels: int,
        generator: np.random.Generator,
    ) -> None:
        """Describe all places.

        Args:
            images: RGB, and the share of each; the shares add up to 1.
            extent: in units of the mesh.
            resolution: shorter side in which places are looked for, at most.
            levels: of ``FineLevel``.
            generator: draws what the principal components are found in.
        """
        shorter = min(resolution, max(min(image.size) for image, _ in images))
        self.shares = [share for _, share in images]
        self.pictures = [resized(image, shorter) for image, _ in images]
        """float32 [H, W, 3], sRGB in [0, 1]; their shorter sides are the same."""
        self.scale = shorter / extent
        """Pixels in a unit of the mesh."""
        self.fine = [FineLevel(self.pictures, level, generator) for level in range(levels)]
        self._to_coarse = LOOK_RESOLUTION / shorter
        self.look_spacing = extent / LOOK_RESOLUTION
        """Distance of the pixels of surroundings, in units of the mesh."""
        sides = [picture.shape[:2] for picture in self.pictures]
        strided = [(-(-height // _LOOK_STRIDE), -(-width // _LOOK_STRIDE)) for height, width in sides]
        self._pixels = PixelNumbers(strided)
        grids = [_grid(rows, columns) for rows, columns in strided]
        self._grid = np.concatenate([joined(which, grid) for which, grid in enumerate(grids)])
        looks = np.concatenate([self._surroundings(*pair) for pair in zip(images, grids, strict=True)])
        self.components = Components(looks, _LOOK_COMPONENTS, generator)
        self._looks = self.components.of(looks)
        surroundings = looks.reshape(len(looks), -1, 3)
        self._tones = surroundings.mean(axis=1)
        self._contrasts = np.linalg.norm(surroundings.std(axis=1), axis=-1)
        # The surroundings of a place lie within the picture.
        margin, last = (LOOK_SIZE // 2) / self._to_coarse, np.array(sides, np.float32)[:, ::-1] - 1.0
        self._low = np.minimum(margin, last / 2.0).astype(np.float32)
        self._high = last - self._low

    def _surroundings(self, image: tuple[Image.Image, float], grid: Floats) -> Floats:
        """[n, d] colours around places of one picture."""
        middles = (grid + 0.5) * np.float32(self._to_coarse) - 0.5
        coarse = resized(image[0], LOOK_RESOLUTION)
        return sample(coarse, middles[:, None] + look_offsets()).reshape(len(middles), -1)

    def which(self, place: Floats) -> NDArray[np.int64]:
        """The numbers [n] of the pictures that places [n, 2] lie in."""
        return split(place, len(self.pictures))[0]

    def looks(self, place: Floats) -> Floats:
        """What surrounds places [n, 2], as [n, d] components."""
        return self._looks[self._number(place)]

    def tones(self, place: Floats) -> Floats:
        """Mean colours [n, 3] of the surroundings of places [n, 2]."""
        return self._tones[self._number(place)]

    def contrasts(self, place: Floats) -> Floats:
        """How much the colours around places [n, 2] differ, as a root mean square: [n]."""
        return self._contrasts[self._number(place)]

    def within(self, place: Floats) -> Floats:
        """The nearest places whose surroundings lie within their picture."""
        which, own = split(place, len(self.pictures))
        return joined(which, own.clip(self._low[which], self._high[which]))

    def candidates(self, picture: int) -> tuple[Floats, Floats]:
        """All places [n, 2] of a picture, on a grid, whose surroundings lie within it, and these [n, d]."""
        which, own = split(self._grid, len(self.pictures))
        here = np.flatnonzero(which == picture)
        within = (own[here] >= self._low[picture]) & (own[here] <= self._high[picture])
        inside = here[within.all(axis=-1)]
        if not len(inside):
            inside = here
        return self._grid[inside], self._looks[inside]

    def colours(self, images: Sequence[Floats], place: Floats, how: str) -> Floats:
        """Colours [..., 3] at places [..., 2] of the pictures in another resolution, [h, w, 3] each; see ``sample``."""
        which, own = split(place, len(self.pictures))
        found = np.empty((*place.shape[:-1], 3), np.float32)
        for number, (image, picture) in enumerate(zip(images, self.pictures, strict=True)):
            scale = np.float32(image.shape[0] / picture.shape[0])
            here = which == number
            found[here] = sample(image, (own[here] + 0.5) * scale - 0.5, how)
        return found

    def _number(self, place: Floats) -> NDArray[np.int64]:
        which, own = split(place, len(self.pictures))
        column, row = np.moveaxis(np.rint(own / _LOOK_STRIDE).astype(np.int64), -1, 0)
        return self._pixels.number(which, column, row)


def _grid(rows: int, columns: int) -> Floats:
    row, column = np.divmod(np.arange(rows * columns), columns)
    return (_LOOK_STRIDE * np.stack([column, row], axis=-1)).astype(np.float32)


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
