# SPDX-License-Identifier: GPL-3.0-or-later
"""From the texture field to the texture: every texel gets a colour, also those between the islands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import nn

from ..detail.detail import Detail
from ..geometry.texels import TexelMap
from .coverage import Coverage

_POINTS = 1 << 16
"""Points given to the field in one go."""


def bake(
    field: nn.Module,
    texels: TexelMap | Iterable[TexelMap],
    coverage: Coverage | None = None,
    in_coverage: Callable[[TexelMap], TexelMap] | None = None,
    detail: Detail | None = None,
) -> NDArray[np.uint8]:
    """The texture, uint8 [rows, columns, 3], sRGB, row 0 at the top.

    Texels between the islands take the colour of the nearest one on an island, so that neither bilinear look-ups nor
    mip maps bring in a foreign colour.

    Args:
        field: colours [N, 3] in [0, 1] from positions [N, 3]; called without gradients on its own device.
        texels: the texel map, or its bands where a whole one would be too large (``texels.texel_bands``).
        coverage: if given, texels that no camera sees are filled from seen ones.
        in_coverage: turns texels into those of the map that the coverage is of, where that is another one.
        detail: if given, the style image's strokes go over the field's colours.
    """
    bands = [texels] if isinstance(texels, TexelMap) else texels
    surface = SurfaceColours(field, coverage)
    image, written = None, None
    for band in bands:
        if image is None or written is None:
            image = np.zeros((band.height, band.size, 3), dtype=np.uint8)
            written = np.zeros((band.height, band.size), dtype=np.bool_)
        looked_up = in_coverage(band) if in_coverage else band
        colours = surface.of(looked_up)
        if detail is not None:
            colours = detail.colours(band.position, band.normal, colours)
        image[band.row, band.column] = to_uint8(colours)
        written[band.row, band.column] = True
    if image is None or written is None:
        raise ValueError("there is no band of texels to bake")
    row, column = nearest_written(written)
    return image[row, column]


class SurfaceColours:
    """The field's colours on the surface; what no camera sees takes those of what is seen."""

    def __init__(self, field: nn.Module, coverage: Coverage | None) -> None:
        """``field`` and ``coverage`` as for ``bake``."""
        self._field = field
        # Where nothing at all is seen, there is nothing to fill with.
        self._coverage = coverage if coverage is not None and coverage.seen.any() else None
        self._coarse = None
        if self._coverage is not None:
            self._coarse = self._coverage.everywhere(field_colours(field, self._coverage.seen_positions))

    def of(self, texels: TexelMap) -> NDArray[np.float32]:
        """Colours [N, 3] of texels."""
        coverage, coarse = self._coverage, self._coarse
        if coverage is None or coarse is None:
            return field_colours(self._field, texels.position)
        seen = coverage.seen_at(texels)
        colours = np.empty((len(seen), 3), dtype=np.float32)
        colours[seen] = field_colours(self._field, texels.position[seen])
        colours[~seen] = coverage.fill(coarse, texels.position[~seen], texels.normal[~seen])
        return colours

    def around(
        self, places: NDArray[np.float32], position: NDArray[np.float32], normal: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Colours [N, P, 3] at ``places`` [N, P, 3] around points of the surface, ``position`` and ``normal`` [N, 3].

        Around a point that no camera sees all have one colour.
        """
        colours = field_colours(self._field, places.reshape(-1, 3)).reshape(places.shape)
        coverage, coarse = self._coverage, self._coarse
        if coverage is not None and coarse is not None:
            unseen = ~coverage.seen_near(position, normal)
            colours[unseen] = coverage.fill(coarse, position[unseen], normal[unseen])[:, None]
        return colours


class PreviewBaker:
    """Bakes the same small texture again and again; what does not change between frames is kept."""

    def __init__(self, texels: TexelMap) -> None:
        self._texels = texels
        written = np.full((texels.size, texels.size), -1, dtype=np.int64)
        written[texels.row, texels.column] = np.arange(len(texels.row))
        row, column = nearest_written(written >= 0)
        self._source = written[row, column]

    def bake(self, field: nn.Module) -> NDArray[np.uint8]:
        """As the function ``bake``, without the filling of unseen texels."""
        return to_uint8(field_colours(field, self._texels.position))[self._source]


def field_colours(field: nn.Module, positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """The field's colours float32 [N, 3] at ``positions`` [N, 3], in parts and without gradients."""
    device = next(field.parameters()).device
    colours = np.empty((len(positions), 3), dtype=np.float32)
    with torch.no_grad():
        for start in range(0, len(positions), _POINTS):
            part = torch.from_numpy(np.ascontiguousarray(positions[start : start + _POINTS])).to(device)
            colours[start : start + _POINTS] = field(part).float().cpu().numpy()
    return colours


def to_uint8(colours: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colours in [0, 1] (clipped to it) as whole numbers from 0 to 255, rounded."""
    return (np.clip(colours, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def nearest_written(written: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Row and column [H, W] of the written texel nearest to each texel."""
    nearest: Any = distance_transform_edt(~written, return_distances=False, return_indices=True)
    return nearest[0], nearest[1]
