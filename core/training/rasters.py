# SPDX-License-Identifier: GPL-3.0-or-later
"""What cameras see of the training shapes, cast once and kept: every picture is painted over one of these."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..views.cameras import ViewSampler, ViewSampling, direction_word
from ..views.control_images import depth_image, normal_image
from ..views.embree import EmbreeRasteriser
from ..views.rasteriser import Raster
from .architecture import RESOLUTION
from .captions import OBJECT_WORDS
from .shapes import make_shape
from .styles import Style

SUPERSAMPLING = 2
"""Rays a pixel and side; colours are averaged over them."""


@dataclass(frozen=True)
class RasterSet:
    """Views of many shapes; arrays over R views, F of them the rays of one view (``SUPERSAMPLING`` x resolution)."""

    ray: list[np.ndarray]
    """Per view int32 [n]: numbers of the rays that hit."""
    plane: list[np.ndarray]
    """Per view float32 [n, 2]: each hit's place on the plane it faces most (pattern coordinates, units of length)."""
    part: list[np.ndarray]
    """Per view uint8 [n]: the part hit (``shapes.Shape.part``)."""
    normal: np.ndarray
    """uint8 [R, 64, 64, 3]: the normal ControlNet's image."""
    depth: np.ndarray
    """uint8 [R, 64, 64, 3]: the depth ControlNet's image."""
    word: list[str]
    """Class word of each view's object."""
    view: list[str]
    """Direction word of each view."""
    group: np.ndarray
    """int32 [R]: the shape of each view; views of one shape share it."""


def plane_coordinates(position: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """float32 [N, 2]: the two coordinates across the axis that the normal follows most; ``v`` is up on the sides."""
    axis = np.abs(normal * np.array([1.0, 1.0, 1.2], np.float32)).argmax(1)
    x, y, z = position.T
    u = np.choose(axis, [y, x, x])
    v = np.choose(axis, [z, z, y])
    return np.stack([u + 3.1 * axis, v], axis=1).astype(np.float32)


def seen_pattern(style: Style, seen: Raster) -> np.ndarray:
    """float32 [n, 3], sRGB: what the covered pixels of ``seen`` show when the surface is painted in ``style``."""
    plane = plane_coordinates(seen.position[seen.mask], seen.normal[seen.mask])
    return style.colour(plane[:, 0], plane[:, 1])


def cast(shapes_a_class: int, views: int, seed: int) -> RasterSet:
    """Rasterise ``shapes_a_class`` variations of each class from ``views`` cameras each."""
    rng = np.random.default_rng(seed)
    rays, planes, parts, normals, depths, words, directions, groups = [], [], [], [], [], [], [], []
    size = RESOLUTION * SUPERSAMPLING
    for number, word in enumerate(OBJECT_WORDS * shapes_a_class):
        shape = make_shape(word, rng)
        rasteriser = EmbreeRasteriser(shape.mesh)
        sampler = ViewSampler(ViewSampling(views_per_step=views), int(rng.integers(1 << 30)))
        for camera in sampler.sample():
            fine = rasteriser.rasterise(camera, size, size)
            coarse = rasteriser.rasterise(camera, RESOLUTION, RESOLUTION)
            hit = np.flatnonzero(fine.mask)
            position = fine.position.reshape(-1, 3)[hit]
            normal = fine.normal.reshape(-1, 3)[hit]
            rays.append(hit.astype(np.int32))
            planes.append(plane_coordinates(position, normal))
            parts.append(shape.part[fine.triangle.reshape(-1)[hit]])
            normals.append(np.round(normal_image(coarse, camera) * 255).astype(np.uint8))
            depths.append(np.round(depth_image(coarse) * 255).astype(np.uint8))
            words.append(word)
            directions.append(direction_word(camera))
            groups.append(number)
    return RasterSet(
        rays, planes, parts, np.stack(normals), np.stack(depths), words, directions, np.array(groups, np.int32)
    )


def save(rasters: RasterSet, path: Path) -> None:
    """Write the set to one npz file."""
    lengths = np.array([len(ray) for ray in rasters.ray])
    np.savez(
        path,
        lengths=lengths,
        ray=np.concatenate(rasters.ray),
        plane=np.concatenate(rasters.plane),
        part=np.concatenate(rasters.part),
        normal=rasters.normal,
        depth=rasters.depth,
        word=np.array(rasters.word),
        view=np.array(rasters.view),
        group=rasters.group,
    )


def load(path: Path) -> RasterSet:
    """Read what ``save`` wrote."""
    with np.load(path) as arrays:
        ends = np.cumsum(arrays["lengths"])[:-1]
        return RasterSet(
            np.split(arrays["ray"], ends),
            np.split(arrays["plane"], ends),
            np.split(arrays["part"], ends),
            arrays["normal"],
            arrays["depth"],
            arrays["word"].tolist(),
            arrays["view"].tolist(),
            arrays["group"],
        )
