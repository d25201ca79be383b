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

    def paint(raster: Raster) -> NDArray[np.float32]:
        return uv_colours(mesh, texture, raster.triangle[raster.mask], raster.barycentric[raster.mask])

    return paint


def uv_colours(
    mesh: Mesh, texture: NDArray[np.uint8], triangle: NDArray[np.int32], barycentric: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Colours [N, 3] in [0, 1] of ``texture`` uint8 [H, W, 3] at points of the mesh, bilinear, repeated beyond [0, 1].

    The points are at ``barycentric`` [N, 3] of the triangles ``triangle`` [N].
    """
    height, width = texture.shape[:2]
    uv = np.einsum("nc,ncd->nd", barycentric, mesh.corner_uvs[triangle]).astype(np.float64)
    x, y = uv[:, 0] * width - 0.5, (1.0 - uv[:, 1]) * height - 0.5
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, down = (x - column)[:, None], (y - row)[:, None]

    def texel(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
        return texture[rows % height, columns % width]

    upper = texel(row, column) * (1.0 - right) + texel(row, column + 1) * right
    lower = texel(row + 1, column) * (1.0 - right) + texel(row + 1, column + 1) * right
    return ((upper * (1.0 - down) + lower * down) / 255.0).astype(np.float32)


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
    style_image: Image.Image, views: Sequence[NDArray[np.uint8]], labels: Sequence[str] = (), columns: int = 0
) -> Image.Image:
    """One picture: the style image at the left, the views in rows beside it, each with its label below.

    Args:
        style_image: any size and mode; fitted into a square of a view's height.
        views: uint8 [H, W, 3], all of one size, at least one.
        labels: of the style image and then of the views; missing ones are left out.
        columns: views in a row; 0 puts all into one.
    """
    height, width = views[0].shape[:2]
    columns = columns or len(views)
    rows = -(-len(views) // columns)
    below = _LABEL_HEIGHT if labels else 0
    down, across = height + below + _MARGIN, width + _MARGIN
    sheet = Image.new("RGB", (height + 2 * _MARGIN + columns * across, rows * down + _MARGIN), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)

    def paste(panel: Image.Image, left: int, top: int, panel_width: int, number: int) -> None:
        sheet.paste(panel, (left + (panel_width - panel.width) // 2, top + (height - panel.height) // 2))
        if number < len(labels):
            place = (left + panel_width / 2, top + height + (_MARGIN + _LABEL_HEIGHT) / 2)
            draw.text(place, labels[number], fill=(60, 60, 60), font=font, anchor="mm")

    paste(_fitted(style_image, height), _MARGIN, _MARGIN + (rows - 1) * down // 2, height, 0)
    for number, view in enumerate(views):
        row, column = divmod(number, columns)
        left = height + 2 * _MARGIN + column * across
        paste(Image.fromarray(view), left, _MARGIN + row * down, width, number + 1)
    return sheet


def one_below_another(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of any sizes and modes as one, RGB on white, all as wide as the narrowest; a single one as it is."""
    if len(pictures) == 1:
        return pictures[0]
    width = min(picture.width for picture in pictures)
    heights = [max(1, round(picture.height * width / picture.width)) for picture in pictures]
    gap = max(1, width // 32)
    sheet = Image.new("RGB", (width, sum(heights) + gap * (len(pictures) - 1)), "white")
    top = 0
    for picture, height in zip(pictures, heights, strict=True):
        sheet.paste(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS), (0, top))
        top += height + gap
    return sheet


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    """The whole picture, as large as a square of ``side`` allows."""
    scale = side / max(picture.size)
    sides = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.convert("RGB").resize(sides, Image.Resampling.LANCZOS)
