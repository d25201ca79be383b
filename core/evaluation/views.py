# SPDX-License-Identifier: GPL-3.0-or-later
"""What the measures look at: fixed views of a textured mesh, base colour alone, and pictures in the same form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from ..geometry.mesh import Mesh, bounding_radius
from ..results.preview import covered_views, texture_paint
from ..views.cameras import Camera, turntable
from ..views.embree import EmbreeRasteriser

VIEW_SIZE = 256
"""Side of a view, and the shorter side to which a style image is resized, in pixels."""

NEUTRAL = (0.5, 0.5, 0.5)
"""Background of the views, sRGB; the measures leave it out."""

SHEET_VIEWS = (0, 1, 2, 7)
"""Views on the contact sheet: front, right, back and from below."""

_STEEP = 50.0
"""Elevation of the views from above, and below the horizon of those from below, in degrees."""
_FAR = 50.0
"""Distance of their cameras in units of the normalised mesh: nearer ones would make more of the ends that are near, and
see the two halves of a pole instead of what faces up and down."""
_STEEP_VIEWS = 8
"""Around the object, where those from above are compared with those from below: fewer show too little of a thin one."""

SHEET_LABELS = ("front", "right", "back", "below")
"""Their names."""


@dataclass(frozen=True)
class View:
    """A picture and the part of it that counts."""

    image: NDArray[np.uint8]
    """[H, W, 3] sRGB."""
    mask: NDArray[np.bool_]
    """[H, W]: the pixels that the surface covers wholly."""


def evaluation_cameras(radius: float) -> list[Camera]:
    """Eight cameras that see all sides of a mesh within ``radius``: four around, two from above, two from below."""
    around = turntable(4, 10.0, radius)
    above = turntable(4, _STEEP, radius)
    below = turntable(4, -_STEEP, radius)
    return [*around, above[1], above[3], below[1], below[3]]


def textured_views(
    mesh: Mesh, texture: NDArray[np.uint8], size: int = VIEW_SIZE, cameras: Sequence[Camera] | None = None
) -> list[View]:
    """Views without any light.

    Args:
        mesh: normalised.
        texture: [H, W, 3] sRGB.
        size: side of the square views in pixels.
        cameras: in place of all ``evaluation_cameras``.
    """
    return _views(mesh, texture, cameras or evaluation_cameras(bounding_radius(mesh)), size)


def enlarged(image: Image.Image, mask: NDArray[np.bool_]) -> View:
    """A picture of fewer pixels at ``VIEW_SIZE``; nothing of what is not covered comes in over the edge."""
    nearest = distance_transform_edt(~mask, return_distances=False, return_indices=True)
    filled = Image.fromarray(np.asarray(image)[tuple(np.asarray(nearest))])
    big = filled.resize((VIEW_SIZE, VIEW_SIZE), Image.Resampling.BICUBIC)
    return View(np.asarray(big), np.asarray(Image.fromarray(mask).resize(big.size, Image.Resampling.NEAREST)))


def at_resolution(view: View, side: int) -> View:
    """``view`` as it is when seen in ``side`` by ``side`` pixels."""
    if side == VIEW_SIZE:
        return view
    small = Image.fromarray(view.image).resize((side, side), Image.Resampling.BOX)
    cover = Image.fromarray(view.mask.astype(np.float32)).resize((side, side), Image.Resampling.BOX)
    return enlarged(small, np.asarray(cover) > 0.999)


def steep_views(mesh: Mesh, texture: NDArray[np.uint8]) -> tuple[list[View], list[View]]:
    """Likewise, from above and from below, of the same sides."""
    radius = bounding_radius(mesh)
    above, below = (_views(mesh, texture, turntable(_STEEP_VIEWS, angle, radius, _FAR)) for angle in (_STEEP, -_STEEP))
    return above, below


def _views(mesh: Mesh, texture: NDArray[np.uint8], cameras: Sequence[Camera], size: int = VIEW_SIZE) -> list[View]:
    rendered = covered_views(EmbreeRasteriser(mesh), texture_paint(mesh, texture), cameras, size, NEUTRAL)
    return [View(image, mask) for image, mask in rendered]


def picture_view(picture: Image.Image, size: int = VIEW_SIZE) -> View:
    """A whole picture as a view, its shorter side resized to ``size`` pixels."""
    scale = size / min(picture.size)
    sides = (round(picture.width * scale), round(picture.height * scale))
    image = np.asarray(picture.convert("RGB").resize(sides, Image.Resampling.LANCZOS))
    return View(image, np.ones(image.shape[:2], dtype=np.bool_))
