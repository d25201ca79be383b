# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a texture is between the worst and the best that could be made of its style image (``extremes``).

The judge's *centred* signatures are compared: what the classifier's features do together, without how strong each of
them is on average, which is mostly palette. Strokes may be larger or smaller on the object than in the picture; so the
views are looked at in several sizes, from the texture's own resolution down, and the nearest counts. Floor and ceiling
are looked at in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..geometry.mesh import Mesh, bounding_radius
from ..geometry.texels import texel_side
from .extremes import box_projected, shuffled
from .judge import Judge
from .recolour import in_colours_of
from .views import View, evaluation_cameras, picture_view, textured_views

_SCALES = (1.0, 0.6, 0.36)
"""Sizes in which views are looked at, of the one at which a pixel is a texel."""
_PICTURE_SIDE = 384
"""Shorter side at which the style image is looked at, in pixels."""
_SIDES = (192, 640)
"""Least and greatest side of a view at its full size, in pixels."""
_VIEWS = (0, 2, 4, 7)
"""Of ``views.evaluation_cameras``: front, back, and one from above and one from below, which see all that all see."""
_LEAST_APART = 0.02
"""Floor and ceiling nearer to each other than that are told apart by nothing: the picture has no structure."""


@dataclass(frozen=True)
class Place:
    """Distances by the centred judge, each at the size in which it is least."""

    result: float
    """Of the texture from its style image."""
    floor: float
    """Of the picture's shuffled pixels."""
    ceiling: float
    """Of the picture laid on by box projection."""
    distances: Mapping[str, float]
    """To every style image by its name, all in the colours of the own."""

    @property
    def value(self) -> float | None:
        """0 at the floor, 1 at the ceiling, beyond it above 1; ``None`` where the two are one."""
        apart = self.floor - self.ceiling
        return (self.floor - self.result) / apart if apart > _LEAST_APART else None


class PlaceMeasure:
    """Measures textures against a set of style images; signatures of the pictures are kept."""

    def __init__(self, judge: Judge, pictures: Mapping[str, Image.Image]) -> None:
        """Take the style images by their names, two at least."""
        self._judge = judge
        self._pictures = pictures
        self._recoloured: dict[tuple[str, str], list[Tensor]] = {}
        self._floors: dict[str, float] = {}

    def measure(self, mesh: Mesh, texture: NDArray[np.uint8], style: str, extent: float) -> Place:
        """The place of ``texture`` [S, S, 3] on ``mesh`` (normalised), made in the style called ``style``.

        ``extent`` is how much of the mesh the style image covers there.
        """
        side = _view_side(mesh, len(texture))
        every = evaluation_cameras(bounding_radius(mesh))
        cameras = [every[number] for number in _VIEWS]
        looks = self._looks(textured_views(mesh, texture, side, cameras))
        distances = {name: self._least(looks, self._in_colours_of(name, style)) for name in self._pictures}
        best = self._looks(box_projected(mesh, self._pictures[style], cameras, side, extent))
        ceiling = self._least(best, self._in_colours_of(style, style))
        return Place(distances[style], self._floor(style), ceiling, distances)

    def _floor(self, style: str) -> float:
        """On whatever mesh: pixels without any order look the same everywhere."""
        if style not in self._floors:
            worst = self._looks([shuffled(self._pictures[style], _PICTURE_SIDE)])
            self._floors[style] = self._least(worst, self._in_colours_of(style, style))
        return self._floors[style]

    def _in_colours_of(self, name: str, style: str) -> list[Tensor]:
        """The signature of one picture in the colours of another."""
        key = (name, style)
        if key not in self._recoloured:
            view = picture_view(self._pictures[name], _PICTURE_SIDE)
            if name != style:
                palette = picture_view(self._pictures[style], _PICTURE_SIDE).image
                view = View(in_colours_of(view.image, palette), view.mask)
            self._recoloured[key] = self._judge.signature([view], centred=True)
        return self._recoloured[key]

    def _looks(self, views: Sequence[View]) -> list[list[Tensor]]:
        """Signatures of the views in all sizes."""
        cut = [_cut_out(view) for view in views]
        return [self._judge.signature([_resized(view, scale) for view in cut], centred=True) for scale in _SCALES]

    def _least(self, looks: Sequence[list[Tensor]], signature: Sequence[Tensor]) -> float:
        return min(self._judge.distance(look, signature) for look in looks)


def _view_side(mesh: Mesh, texture_size: int) -> int:
    """Side of a view in which a pixel is about as large as a texel on the surface."""
    return round(min(max(2.0 * bounding_radius(mesh) / texel_side(mesh, texture_size), _SIDES[0]), _SIDES[1]))


def _cut_out(view: View) -> View:
    """What is covered, without the background around it."""
    rows, columns = (np.flatnonzero(view.mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return view
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return View(view.image[part], view.mask[part])


def _resized(view: View, scale: float) -> View:
    if scale == 1.0:
        return view
    sides = (round(view.image.shape[1] * scale), round(view.image.shape[0] * scale))
    image = np.asarray(Image.fromarray(view.image).resize(sides, Image.Resampling.BOX))
    cover = np.asarray(Image.fromarray(view.mask.astype(np.float32)).resize(sides, Image.Resampling.BOX))
    return View(image, cover > 0.999)
