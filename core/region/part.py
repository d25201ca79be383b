# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job with a region has besides: the part's own surface, its field, and the texture that it goes into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from ..geometry.mesh import Mesh
from ..geometry.overlap import Overlap, find_overlap
from ..geometry.tiles import Tiles
from ..job import Job, JobError
from ..optimisation.present_color import look_up
from ..results.textures import Onto
from .field import RegionField, Surroundings
from .region import Region, read_region
from .texture import PresentTexture, over_white, read_present_texture, texel_weights

_LEAST_MAP, _LARGEST_MAP = 512, 1024
"""Sides of the map by which renders know weights and present colours."""
_TELLING = 0.01
"""Share of the region with texels of the outside from which on that is told."""

Tell = Callable[[str, str], None]
"""A warning: its code and a sentence."""


@dataclass(frozen=True)
class Part:
    """The part of an object that is stylized."""

    region: Region
    """Where it is."""
    texture: PresentTexture
    """What stays outside."""
    weights: NDArray[np.float32]
    """[rows, columns] of its texels."""
    shared: float
    """Share of the region that shows texels of the outside, and stays as it is."""
    overlap: Overlap | None
    """Which surfaces of the part share texels with each other."""

    @property
    def mesh(self) -> Mesh:
        """The part's triangles."""
        return self.region.inside

    def field(self, inner: nn.Module, colours: NDArray[np.uint8], resolution: int) -> RegionField:
        """The field of the whole object.

        Args:
            inner: the part's field.
            colours: the present colours [H, W, 3], sRGB.
            resolution: side of the views, in pixels.
        """
        side = min(max(_LEAST_MAP, 2 * resolution), _LARGEST_MAP, max(self.texture.columns, self.texture.rows))
        small = _reduced(colours, side).astype(np.float32) / 255.0
        mesh = self.region.mesh
        return RegionField(inner, Surroundings(self.region, partial(look_up, small, mesh), side))

    @property
    def onto(self) -> Onto:
        """The texture that what is baked for the part goes into."""
        return Onto(self.region.mesh, self.texture.rows, self._lay)

    def _lay(self, new: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        texture = self.texture.with_region(new, self.weights)
        return texture, over_white(texture)

    def report(self) -> dict[str, Any]:
        """For the report: shares of the surface and of the texels that are the part, and what of it is shared."""
        return {
            "surface": round(self.region.share, 4),
            "texels": round(float((self.weights > 0.0).mean()), 4),
            "shared": round(self.shared, 4),
        }


def read_part(job: Job, folder: Path, mesh: Mesh, tiles: Tiles | None, tell: Tell) -> Part | None:
    """The part that a job is for; ``None`` where that is the whole object.

    Raises:
        JobError: why it cannot be stylized alone.
    """
    if job.region is None or job.base_color is None:
        return None
    if tiles:
        raise JobError(
            "bad_setting",
            f"The UV map has {len(tiles.numbers)} UDIM tiles; a part can be stylized alone where there is one image",
            "Stylize the whole object, or set the UV tiles to one image.",
        )
    region = read_region(
        folder, job.region, mesh, job.region_border, lambda message: tell("region", message), job.region_name
    )
    texture = read_present_texture(folder / job.base_color, job.base_color_name, lambda text: tell("base_color", text))
    shared = region.shared()
    weights = texel_weights(region, texture.columns, texture.rows)
    if shared >= _TELLING:
        tell(
            "region_shared",
            f"{100.0 * shared:.0f} % of the region shows the same texels as faces outside of it, and stays as it is",
        )
    return Part(region, texture, weights, shared, find_overlap(region.inside))


def _reduced(colours: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = colours.shape[:2]
    factor = max(1, round(max(height, width) / side))
    return np.asarray(Image.fromarray(colours).reduce(factor)) if factor > 1 else colours
