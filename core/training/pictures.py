# SPDX-License-Identifier: GPL-3.0-or-later
"""Flat style images: swatches of one style, and small scenes drawn in it whose things keep colours of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..evaluation.styles import Style as StyleImage, style as style_image
from .captions import LAND_WORDS, scene_caption
from .scenes import THINGS
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


def scene(style: Style, size: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """float32 [size, size, 3] and its caption: sky and two layers of land in the style, with a thing standing there.

    The layers take the style's colours in turned order; the thing (see ``scenes``) has the same colours in every
    style: it is the content.
    """
    u, v = pixel_grid(size)
    picture = style.colour(u + rng.uniform(-40, 40), v + rng.uniform(-40, 40))
    land = str(rng.choice(LAND_WORDS))
    horizon = rng.uniform(-0.2, 0.3)
    for layer in (1, 2):
        edge = horizon - 0.45 * (layer - 1) + 0.15 * np.sin(u * rng.uniform(1, 4) + rng.uniform(0, 6))
        turned = dataclasses.replace(style, colours=np.roll(style.colours, layer, axis=0))
        ground = turned.colour(u + rng.uniform(-40, 40), v + rng.uniform(-40, 40))
        picture = np.where((v < edge)[..., None], ground, picture)
    thing = str(rng.choice(("", *THINGS)))
    if thing:
        x, scale = rng.uniform(-0.5, 0.5), rng.uniform(0.25, 0.42)
        for inside, colour in THINGS[thing](torch.from_numpy(u), torch.from_numpy(v), x, scale):
            picture[inside.numpy()] = colour
    return picture, scene_caption(land, thing)


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
