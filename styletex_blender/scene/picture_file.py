# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours as an 8-bit sRGB PNG for the worker."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ...core.job import JobError


def read_rgb(image: bpy.types.Image) -> np.ndarray:
    """The values of an image's pixels as they are stored, float32 [H * W, 3], bottom row first; grey becomes RGB.

    Raises:
        JobError: ``bad_image`` when a value is not a number, as renders and broken EXR files may have them.
    """
    width, height = image.size
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(-1, image.channels)
    if bad := int(np.isnan(pixels).any(axis=1).sum()):
        raise JobError(
            "bad_image",
            f"The image {image.name!r} has {bad} pixel{'s' if bad > 1 else ''} with a value that is not a number",
            "Paint over them, or save the image in an 8-bit format and choose that",
        )
    return pixels[:, :3] if image.channels >= 3 else np.repeat(pixels[:, :1], 3, axis=1)


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Scene-linear light as sRGB in [0, 1] (IEC 61966-2-1)."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def write_png(rgb: np.ndarray, size: tuple[int, int], path: Path) -> None:
    """Write ``rgb`` [H * W, 3], sRGB, bottom row first, as a picture of ``size`` (width, height)."""
    rgba = np.ones((len(rgb), 4), dtype=np.float32)
    rgba[:, :3] = rgb
    written = bpy.data.images.new("StyleTex Picture", *size)
    try:
        written.pixels.foreach_set(rgba.reshape(-1))
        written.file_format = "PNG"
        written.save(filepath=str(path))
    finally:
        bpy.data.images.remove(written)
