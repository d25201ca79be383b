# SPDX-License-Identifier: GPL-3.0-or-later
"""The present texture with what is new in a region laid over it: outside it stays as it is, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from ..geometry.texels import texel_bands
from ..inputs.pictures import open_as_it_is, read_picture
from ..job import JobError
from .region import Region, in_whole

LEAST_MARGIN, MARGIN_SHARE = 16, 1 / 64
"""Texels that the region's colours go on beyond its islands: at least so many, and this share of the texture's side.
For bilinear look-ups and the first mip maps; what an artist keeps farther away stays."""
_EXACT = {"L": "RGB", "LA": "RGBA", "P": "RGB", "PA": "RGBA", "RGB": "RGB", "RGBA": "RGBA"}
"""Modes of pictures whose pixels are kept as they are, and what they are kept in."""
_ORIENTATION = 0x0112
_STRIP = 256
"""Rows that are blended in one go."""


@dataclass(frozen=True)
class PresentTexture:
    """The texture that an object has."""

    pixels: NDArray[np.uint8]
    """[H, W, 3] or, with transparency, [H, W, 4]; row 0 at the top."""

    @property
    def columns(self) -> int:
        """Texels in a row."""
        return self.pixels.shape[1]

    @property
    def rows(self) -> int:
        """Rows of texels."""
        return self.pixels.shape[0]

    def with_region(self, new: NDArray[np.uint8], weight: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The pixels with ``new`` [H, W, 3] over them by ``weight`` [H, W]; the transparency stays as it is.

        Where the weight is 0 nothing changes, and where it is 1 the colour is the new one.
        """
        laid = self.pixels.copy()
        for start in range(0, self.rows, _STRIP):
            part = slice(start, start + _STRIP)
            old = laid[part, :, :3].astype(np.float32)
            mixed = old + weight[part, :, None] * (new[part].astype(np.float32) - old)
            laid[part, :, :3] = (mixed + 0.5).astype(np.uint8)
        return laid


def read_present_texture(path: Path, name: str, tell: Callable[[str], None]) -> PresentTexture:
    """The present texture at ``path``, its 8-bit pixels as they are in the file.

    A picture of another kind is read as every other picture, with 8 bits in sRGB; that is told.

    Args:
        path: the file.
        name: what the user calls it; empty takes the file's own.
        tell: told in a sentence what is not kept.

    Raises:
        JobError: ``bad_image`` when it cannot be read.
    """
    called = "The present base colour"
    read = read_picture(path, called, name, tell=tell)
    with open_as_it_is(path) as picture:
        mode = "RGBA" if picture.mode == "P" and "transparency" in picture.info else _EXACT.get(picture.mode)
        plain = not picture.info.get("icc_profile") and picture.getexif().get(_ORIENTATION, 1) == 1
        if mode is not None and plain:
            return PresentTexture(np.asarray(picture.convert(mode)))
        tell(
            f"{called} {name or path.name} is no plain 8-bit sRGB picture ({picture.mode}); outside of the region it is"
            " kept as near as 8-bit sRGB comes to it"
        )
    return PresentTexture(np.asarray(read))


def texel_weights(region: Region, columns: int, rows: int) -> NDArray[np.float32]:
    """How much each texel of a texture may change: float32 [rows, columns] in [0, 1].

    What a face outside shows, or merely touches, has the weight 0, also where the region shows it as well. Texels
    between the islands take the weight of the nearest one on an island, up to a margin.

    Raises:
        JobError: ``bad_setting`` when nothing is left.
    """
    weight = np.full((rows, columns), -1.0, dtype=np.float32)
    for band in texel_bands(region.inside, columns, rows):
        whole = in_whole(region, band)
        weight[band.row, band.column] = region.at(whole.triangle, band.position)
    if len(region.outside.triangles):
        for band in texel_bands(region.outside, columns, rows):
            weight[band.row, band.column] = 0.0
    if not (weight > 0.0).any():
        raise JobError(
            "bad_setting",
            "No texel is the region's own: it is smaller than one, or shows the same texels as faces outside of it",
            "Select more faces, give them UVs of their own, or use a larger texture.",
        )
    margin = max(LEAST_MARGIN, round(MARGIN_SHARE * max(rows, columns)))
    return _with_margin(weight, margin)


def _with_margin(weight: NDArray[np.float32], margin: int) -> NDArray[np.float32]:
    free = weight < 0.0
    if not free.any():
        return weight
    apart, nearest = _nearest(free)
    found = weight[nearest[0], nearest[1]]
    found[free & (apart > margin)] = 0.0
    return found


def _nearest(free: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    found: Any = distance_transform_edt(free, return_indices=True)
    return found[0], found[1]


def over_white(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A texture [H, W, 3 or 4] over white: [H, W, 3]."""
    if texture.shape[-1] == 3:
        return texture
    white = Image.new("RGBA", (texture.shape[1], texture.shape[0]), "white")
    return np.asarray(Image.alpha_composite(white, Image.fromarray(texture)).convert("RGB"))
