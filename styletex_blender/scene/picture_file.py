# SPDX-License-Identifier: GPL-3.0-or-later
"""An image's pixels as an 8-bit sRGB PNG for the worker: over white, and bounded, as in ``core.inputs``."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import numpy as np

from ...core.job import JobError

LARGEST_AREA = 4096 * 4096
"""Pixels of what is written; the worker takes no more from any picture."""
MOST_PIXELS = 100_000_000
"""Pixels of an image: Blender hands them out all at once, in sixteen bytes each."""
_TRANSPARENT = frozenset({"STRAIGHT", "PREMUL"})
"""Alpha modes in which alpha means transparency."""
_STRIP_PIXELS = 1 << 20


def read_srgb(image: bpy.types.Image, linear: bool, transparent: bool = True, behind: float = 1.0) -> np.ndarray:
    """The colours of an image, float32 [H, W, 3], sRGB in [0, 1], bottom row first; with large images H and W are less.

    Args:
        image: with pixels.
        linear: whether its values are scene-linear light, and not sRGB.
        transparent: whether its alpha, if that means transparency, lets through what is behind.
        behind: the grey that is behind it, sRGB.

    Raises:
        JobError: ``bad_image`` when it is too large, or a value is not a number, as renders and broken EXR files may
            have them.
    """
    _check_size(image)
    width, height = image.size
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, image.channels)
    if bad := int(np.isnan(pixels).any(axis=-1).sum()):
        raise JobError(
            "bad_image",
            f"The image {image.name!r} has {bad} pixel{'s' if bad > 1 else ''} with a value that is not a number",
            "Paint over them, or save the image in an 8-bit format and choose that",
        )
    clear = transparent and image.channels == 4 and image.alpha_mode in _TRANSPARENT
    shrink = math.ceil(math.sqrt(max(1.0, width * height / LARGEST_AREA)))
    across, down = min(shrink, width), min(shrink, height)
    found = np.empty((height // down, width // across, 3), dtype=np.float32)
    rows = max(1, _STRIP_PIXELS // (width * down))
    for row in range(0, len(found), rows):
        strip = pixels[row * down : (row + rows) * down][: (len(found) - row) * down, : found.shape[1] * across]
        colours = _opaque(strip, linear, clear, image.is_float, behind)
        found[row : row + rows] = colours.reshape(-1, down, found.shape[1], across, 3).mean(axis=(1, 3))
    return found


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Scene-linear light as sRGB in [0, 1] (IEC 61966-2-1)."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def write_png(rgb: np.ndarray, path: Path) -> None:
    """Write ``rgb`` [H, W, 3], sRGB, bottom row first."""
    height, width = rgb.shape[:2]
    rgba = np.ones((height, width, 4), dtype=np.float32)
    rgba[..., :3] = rgb
    _write(rgba, path, alpha=False)


def write_bytes(image: bpy.types.Image, path: Path) -> bool:
    """Write an 8-bit image in sRGB with its own pixels; returns whether its transparency is among them.

    Raises:
        JobError: ``bad_image`` when it is too large.
    """
    _check_size(image)
    width, height = image.size
    pixels = np.empty(width * height * image.channels, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(height, width, image.channels)
    rgba = np.ones((height, width, 4), dtype=np.float32)
    rgba[..., :3] = pixels[..., : min(3, image.channels)]
    transparent = image.channels == 4 and image.alpha_mode in _TRANSPARENT and bool((pixels[..., 3] < 1.0).any())
    if transparent:
        rgba[..., 3] = pixels[..., 3]
    _write(rgba, path, transparent)
    return transparent


def _write(rgba: np.ndarray, path: Path, alpha: bool) -> None:
    height, width = rgba.shape[:2]
    written = bpy.data.images.new("StyleTex Picture", width, height, alpha=alpha)
    try:
        written.pixels.foreach_set(rgba.reshape(-1))
        written.file_format = "PNG"
        written.save(filepath=str(path))
    finally:
        bpy.data.images.remove(written)


def _check_size(image: bpy.types.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise JobError(
            "bad_image",
            f"The image {image.name!r} has {width * height / 1e6:,.0f} megapixels ({width} x {height}); at most"
            f" {MOST_PIXELS / 1e6:.0f} megapixels are read",
            "Make it smaller with Image > Resize",
        )


def _opaque(pixels: np.ndarray, linear: bool, clear: bool, premultiplied: bool, behind: float) -> np.ndarray:
    """sRGB colours [..., 3] of pixels [..., C]; Blender keeps floats multiplied with alpha, and bytes not."""
    rgb = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    alpha = np.clip(pixels[..., 3:4], 0.0, 1.0) if clear else None
    if alpha is not None and premultiplied:
        rgb = rgb / np.where(alpha > 0.0, alpha, 1.0)
    rgb = encode_srgb(rgb) if linear else np.clip(rgb, 0.0, 1.0)
    return rgb if alpha is None else rgb * alpha + (1.0 - alpha) * np.float32(behind)
