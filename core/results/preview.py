# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the textured mesh for people to look at and for measures to be taken on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import nn

from ..geometry.mesh import Mesh
from ..views.cameras import Camera
from ..views.rasteriser import Raster, Rasteriser
from .bake import field_colours, to_uint8

Paint = Callable[[Raster], NDArray[np.float32]]
"""Colours float32 [N, 3] in [0, 1] of the N covered pixels of a raster, in the order of ``raster.mask``."""

SUPERSAMPLING = 2
"""A view is rasterised at so many times its side, and averaged down."""
_MARGIN = 12
_LABEL_HEIGHT = 22


def texture_paint(mesh: Mesh, texture: NDArray[np.uint8]) -> Paint:
    """Look the colours up in ``texture`` uint8 [H, W, 3], bilinearly, repeated beyond [0, 1]."""
    height, width = texture.shape[:2]

    def paint(raster: Raster) -> NDArray[np.float32]:
        weights = raster.barycentric[raster.mask]
        uv = np.einsum("nc,ncd->nd", weights, mesh.corner_uvs[raster.triangle[raster.mask]]).astype(np.float64)
        x, y = uv[:, 0] * width - 0.5, (1.0 - uv[:, 1]) * height - 0.5
        column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        right, down = (x - column)[:, None], (y - row)[:, None]

        def texel(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
            return texture[rows % height, columns % width]

        upper = texel(row, column) * (1.0 - right) + texel(row, column + 1) * right
        lower = texel(row + 1, column) * (1.0 - right) + texel(row + 1, column + 1) * right
        return ((upper * (1.0 - down) + lower * down) / 255.0).astype(np.float32)

    return paint


def field_paint(field: nn.Module) -> Paint:
    """Ask the texture field for the colours."""
    return lambda raster: field_colours(field, raster.position[raster.mask])


def render_views(
    rasteriser: Rasteriser,
    paint: Paint,
    cameras: Sequence[Camera],
    size: int,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    headlight: float = 0.0,
) -> list[NDArray[np.uint8]]:
    """Views of the mesh, uint8 [size, size, 3] each, sRGB, anti-aliased by averaging 2 by 2 samples a pixel.

    Args:
        rasteriser: of the mesh.
        paint: ``texture_paint`` or ``field_paint``.
        cameras: one for each view.
        size: side of a view in pixels.
        background: sRGB in [0, 1].
        headlight: in [0, 1]; darkens what faces away, for people to see the shape. 0 shows the base colour alone.
    """
    return [image for image, _ in covered_views(rasteriser, paint, cameras, size, background, headlight)]


def covered_views(
    rasteriser: Rasteriser,
    paint: Paint,
    cameras: Sequence[Camera],
    size: int,
    background: tuple[float, float, float],
    headlight: float = 0.0,
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """The same as ``render_views``, and of each view the pixels [size, size] that the surface covers wholly."""
    side = size * SUPERSAMPLING
    blocks = (size, SUPERSAMPLING, size, SUPERSAMPLING)
    for camera in cameras:
        raster = rasteriser.rasterise(camera, side, side)
        image = np.empty((side, side, 3), dtype=np.float32)
        image[:] = background
        shade = 1.0 - headlight * (1.0 - raster.facing[raster.mask])
        image[raster.mask] = paint(raster) * shade[:, None]
        yield to_uint8(image.reshape(*blocks, 3).mean(axis=(1, 3))), np.all(raster.mask.reshape(blocks), axis=(1, 3))


def contact_sheet(
    style_image: Image.Image, views: Sequence[NDArray[np.uint8]], labels: Sequence[str] = ()
) -> Image.Image:
    """One picture: the style image at the left, the views beside it, each with its label below.

    Args:
        style_image: any size and mode; fitted into a square of a view's height.
        views: uint8 [H, W, 3], all of one size, at least one.
        labels: of the style image and then of the views; missing ones are left out.
    """
    height, width = views[0].shape[:2]
    style = style_image.convert("RGB")
    style.thumbnail((height, height), Image.Resampling.LANCZOS)
    if max(style.size) < height:
        scale = height / max(style.size)
        style = style.resize((round(style.width * scale), round(style.height * scale)), Image.Resampling.LANCZOS)
    panels = [style, *(Image.fromarray(view) for view in views)]
    widths = [height, *([width] * len(views))]
    below = _LABEL_HEIGHT if labels else 0
    sheet = Image.new("RGB", (sum(widths) + _MARGIN * (len(panels) + 1), height + 2 * _MARGIN + below), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    left = _MARGIN
    for number, (panel, panel_width) in enumerate(zip(panels, widths, strict=True)):
        sheet.paste(panel, (left + (panel_width - panel.width) // 2, _MARGIN + (height - panel.height) // 2))
        if number < len(labels):
            place = (left + panel_width / 2, height + 1.5 * _MARGIN + _LABEL_HEIGHT / 2)
            draw.text(place, labels[number], fill=(60, 60, 60), font=font, anchor="mm")
        left += panel_width + _MARGIN
    return sheet
