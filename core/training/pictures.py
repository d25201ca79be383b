# SPDX-License-Identifier: GPL-3.0-or-later
"""Flat style images: swatches of one style, and small scenes drawn in it whose things keep colours of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from ..evaluation.styles import Style as StyleImage, style as style_image
from .styles import Style


def pixel_grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the pixels of a square picture two units wide; ``v`` points up."""
    line = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    u, v = np.meshgrid(line, -line)
    return u, v


def swatch(style: Style, size: int, rng: np.random.Generator) -> np.ndarray:
    """float32 [size, size, 3]: the style alone, filling the picture."""
    u, v = pixel_grid(size)
    du, dv = rng.uniform(-40, 40, 2)
    return style.colour(u + du, v + dv)


def _disc(u: np.ndarray, v: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(u - x, v - y) < radius


def scene(style: Style, size: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """float32 [size, size, 3] and its caption: sky and two layers of land in the style, with things standing there.

    The layers take the style's colours in turned order; the things (a sun, a tree, a house, a figure, a flower) have
    the same colours in every style: they are the content.
    """
    u, v = pixel_grid(size)
    picture = style.colour(u + rng.uniform(-40, 40), v + rng.uniform(-40, 40))
    caption = str(rng.choice(["hills", "waves", "a landscape", "mountain"]))
    horizon = rng.uniform(-0.2, 0.3)
    for layer in (1, 2):
        edge = horizon - 0.45 * (layer - 1) + 0.15 * np.sin(u * rng.uniform(1, 4) + rng.uniform(0, 6))
        turned = dataclasses.replace(style, colours=np.roll(style.colours, layer, axis=0))
        land = turned.colour(u + rng.uniform(-40, 40), v + rng.uniform(-40, 40))
        picture = np.where((v < edge)[..., None], land, picture)
    thing = str(rng.choice(["", "sun", "moon", "tree", "house", "figure", "flower"]))
    if thing:
        _draw(picture, thing, u, v, rng)
        caption = f"a {thing} over {caption}" if thing in ("sun", "moon") else f"{caption} with a {thing}"
    return picture, caption


def _draw(picture: np.ndarray, thing: str, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> None:
    x, size = rng.uniform(-0.5, 0.5), rng.uniform(0.25, 0.42)
    if thing == "sun":
        picture[_disc(u, v, x, 0.5, size)] = (0.98, 0.75, 0.15)
    elif thing == "moon":
        picture[_disc(u, v, x, 0.5, size) & ~_disc(u, v, x + 0.5 * size, 0.55, size)] = (0.95, 0.95, 0.85)
    elif thing == "tree":
        picture[(np.abs(u - x) < 0.2 * size) & (v > -0.5) & (v < 0)] = (0.40, 0.25, 0.12)
        picture[(np.abs(u - x) < 0.7 * (2 * size - v)) & (v > -0.1) & (v < 2 * size)] = (0.12, 0.45, 0.18)
    elif thing == "house":
        picture[(np.abs(u - x) < size) & (v > -0.5) & (v < 0.1)] = (0.90, 0.85, 0.75)
        picture[(np.abs(u - x) < 1.3 * (size - (v - 0.1))) & (v >= 0.1) & (v < 0.1 + size)] = (0.80, 0.13, 0.10)
    elif thing == "figure":
        picture[(np.abs(u - x) < 0.45 * size * (1 - v)) & (v > -0.7) & (v < 0.2)] = (0.30, 0.25, 0.45)
        picture[_disc(u, v, x, 0.35, 0.6 * size)] = (0.93, 0.76, 0.62)
    elif thing == "flower":
        picture[(np.abs(u - x) < 0.06) & (v > -0.7) & (v < 0.1)] = (0.15, 0.50, 0.20)
        angle = np.arctan2(v - 0.2, u - x)
        picture[np.hypot(u - x, v - 0.2) < size * (0.75 + 0.3 * np.cos(6 * angle))] = (0.92, 0.30, 0.55)
        picture[_disc(u, v, x, 0.2, 0.3 * size)] = (0.98, 0.85, 0.25)


def as_image(picture: np.ndarray) -> Image.Image:
    """RGB of sRGB values in [0, 1]."""
    return Image.fromarray(np.round(picture * 255).astype(np.uint8))


def write_style_images(pictures: Mapping[str, tuple[Image.Image, str]], folder: Path) -> list[StyleImage]:
    """Pictures and what they show as style images by their names; a file that is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (picture, _) in pictures.items():
        if not (folder / f"{name}.png").exists():
            picture.save(folder / f"{name}.png")
    return [style_image(folder / f"{name}.png", content) for name, (_, content) in pictures.items()]
