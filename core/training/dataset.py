# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs to learn from: an object painted in a style, and a style image in which that style can be seen.

The style image is a swatch, a flat scene, or another object in the same style (with that object's content marks, so
that content leaks from an image prompt as it does with the real IP-Adapter).
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import rasters as rasters_module
from .architecture import RESOLUTION
from .captions import OBJECT_WORDS, PATTERN_WORDS
from .pictures import scene, swatch
from .rasters import SUPERSAMPLING, RasterSet
from .shapes import MARK_COLOURS
from .styles import Style, sample_style

SHARD = 1000
"""Pairs in one file."""
KINDS = ("swatch", "scene", "object")
"""What the style image is."""
KIND_SHARES = (0.4, 0.25, 0.35)
SWATCH_CAPTIONS = ("a flat pattern", "a texture", "a swatch", "a pattern")


@dataclass(frozen=True)
class Pairs:
    """N pairs, as arrays."""

    target: np.ndarray
    """uint8 [N, 64, 64, 3]: the object in the style."""
    style_image: np.ndarray
    """uint8 [N, 64, 64, 3]."""
    raster: np.ndarray
    """int32 [N]: the target's view in the ``RasterSet``."""
    word: np.ndarray
    """int32 [N]: the target's class, an index into ``captions.OBJECT_WORDS``."""
    kind: np.ndarray
    """int32 [N]: index into ``KINDS``."""
    content: np.ndarray
    """str [N]: what the style image shows."""
    family: np.ndarray
    """int32 [N]: index into ``captions.PATTERN_WORDS``."""
    cells: np.ndarray
    """float32 [N]: pattern cells a unit of length."""
    colours: np.ndarray
    """float32 [N, 3, 3]: the style's colours, sRGB."""
    colour_words: np.ndarray
    """str [N, 2]: the nearest words for the first two colours."""


def paint(rasters: RasterSet, view: int, style: Style, rng: np.random.Generator) -> np.ndarray:
    """uint8 [64, 64, 3]: one view painted in ``style``, marks in their own colours, on a plain background."""
    size = RESOLUTION * SUPERSAMPLING
    picture = np.empty((size * size, 3), np.float32)
    picture[:] = background(rng)
    offset = np.random.default_rng(style.seed).uniform(-30, 30, 2)
    plane = rasters.plane[view] + offset.astype(np.float32)
    colour = style.colour(plane[:, 0], plane[:, 1])
    part = rasters.part[view]
    marked = part > 0
    colour[marked] = MARK_COLOURS[part[marked]]
    picture[rasters.ray[view]] = colour
    return shrink(picture.reshape(size, size, 3))


def background(rng: np.random.Generator) -> np.ndarray:
    """One plain colour: white, a grey, or anything, so that no latent means "background"."""
    choice = rng.random()
    if choice < 0.35:
        return np.ones(3, np.float32)
    if choice < 0.75:
        return np.full(3, rng.uniform(0.1, 1.0), np.float32)
    return rng.uniform(0, 1, 3).astype(np.float32)


def shrink(picture: np.ndarray) -> np.ndarray:
    """uint8 picture at ``RESOLUTION``, each pixel the mean of its samples."""
    fine = picture.reshape(RESOLUTION, SUPERSAMPLING, RESOLUTION, SUPERSAMPLING, 3)
    return np.round(fine.mean((1, 3)) * 255).astype(np.uint8)


def make_pairs(rasters: RasterSet, count: int, seed: int) -> Pairs:
    """Paint ``count`` random pairs."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list] = {name: [] for name in Pairs.__dataclass_fields__}
    fine = RESOLUTION * SUPERSAMPLING
    for _ in range(count):
        style = sample_style(rng)
        view = int(rng.integers(len(rasters.word)))
        kind = int(rng.choice(len(KINDS), p=KIND_SHARES))
        if KINDS[kind] == "swatch":
            image, content = shrink(swatch(style, fine, rng)), str(rng.choice(SWATCH_CAPTIONS))
        elif KINDS[kind] == "scene":
            picture, content = scene(style, fine, rng)
            image = shrink(picture)
        else:
            same = np.flatnonzero(rasters.group == rasters.group[view])
            other = int(rng.choice(same)) if rng.random() < 0.6 else int(rng.integers(len(rasters.word)))
            image, content = paint(rasters, other, style, rng), f"a {rasters.word[other]}"
        columns["target"].append(paint(rasters, view, style, rng))
        columns["style_image"].append(image)
        columns["raster"].append(view)
        columns["word"].append(OBJECT_WORDS.index(rasters.word[view]))
        columns["kind"].append(kind)
        columns["content"].append(content)
        columns["family"].append(PATTERN_WORDS.index(style.family))
        columns["cells"].append(style.cells)
        columns["colours"].append(style.colours)
        columns["colour_words"].append(style.colour_words())
    kinds = {"raster": np.int32, "word": np.int32, "kind": np.int32, "family": np.int32, "cells": np.float32}
    return Pairs(**{name: np.array(values, dtype=kinds.get(name)) for name, values in columns.items()})


def _write_shard(folder: Path, number: int, seed: int) -> None:
    path = folder / f"pairs-{number:03d}.npz"
    if path.exists():
        return
    pairs = make_pairs(rasters_module.load(folder / "rasters.npz"), SHARD, seed + number)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **vars(pairs))
    partial.rename(path)


def write_dataset(folder: Path, shards: int, shapes_a_class: int, views: int, seed: int, processes: int) -> None:
    """Write the rasters and ``shards`` files of pairs, continuing what is already there."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "rasters.npz").exists():
        rasters_module.save(rasters_module.cast(shapes_a_class, views, seed), folder / "rasters.npz")
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(_write_shard, [folder] * shards, range(shards), [seed] * shards))


def load_pairs(folder: Path) -> Pairs:
    """All pairs that ``write_dataset`` left in ``folder``."""
    shards = []
    for path in sorted(folder.glob("pairs-[0-9][0-9][0-9].npz")):
        with np.load(path) as arrays:
            shards.append({name: arrays[name] for name in Pairs.__dataclass_fields__})
    return Pairs(**{name: np.concatenate([shard[name] for shard in shards]) for name in Pairs.__dataclass_fields__})
