# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the style image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from ..job import JobError

SMALLEST_SIDE = 16
"""Least side of a style image, in pixels."""


def read_style_image(path: Path) -> Image.Image:
    """The picture at ``path`` as sRGB without transparency (over white), turned as its EXIF data says.

    Raises:
        JobError: ``bad_image`` when it is missing, damaged, too large to be a picture, or too small to show a style.
    """
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            picture = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise JobError(
            "bad_image",
            f"The style image {path.name} cannot be read: {error}",
            "Choose a PNG, JPEG or WebP picture.",
        ) from error
    if min(picture.size) < SMALLEST_SIDE:
        raise JobError(
            "bad_image",
            f"The style image {path.name} is {picture.width} x {picture.height} pixels; each side must have at least"
            f" {SMALLEST_SIDE}",
            "Choose a larger picture.",
        )
    return picture


def as_tensor(image: Image.Image) -> torch.Tensor:
    """[3, H, W] float32, sRGB in [0, 1]."""
    return torch.from_numpy(np.asarray(image, np.float32) / 255.0).permute(2, 0, 1).contiguous()
