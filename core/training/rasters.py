# SPDX-License-Identifier: GPL-3.0-or-later
"""What cameras see of the training shapes, cast once and kept: every picture is painted over one of these."""

from __future__ import annotations

import json
import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ..views.cameras import Camera, ViewSampler, ViewSampling, direction_word
from ..views.control_images import depth_image, normal_image
from ..views.embree import EmbreeRasteriser
from ..views.rasteriser import Raster
from .captions import OBJECT_WORDS, VIEW_WORDS
from .coordinates import pattern_coordinates
from .shapes import MARK_COLOURS, Shape, make_shape

PLACE_STEPS = 2048
"""Steps of ``RasterSet.place`` a unit of length."""
EDGE_STEPS = 500
"""Steps of ``RasterSet.edge`` a unit of length: up to 0.51."""
ROLE_SHIFT, MARK_SHIFT = 1, 3
"""First bits of a ray's role and mark in ``RasterSet.what``; bit 0 says whether it hit."""
CLOSE_UPS = 0.3
"""Share of the views that go near to one place, as the optimisation's own do."""
_DISTANCE, _FOV = (3.0, 3.7), (28.0, 40.0)
"""Of the cameras that see the whole object: about the bundled presets' own, in ``core.optimisation.presets``."""
_CREASE_COSINE = 0.8
_JOINED_DEPTH = 0.06
"""Neighbouring rays whose depths differ by less, in units of length, see one surface."""
_FILE = "rasters.json"


@dataclass(frozen=True)
class RasterSettings:
    """Which views there are, and how fine."""

    resolution: int = 128
    """Side of the pictures in pixels."""
    supersampling: int = 2
    """Rays a pixel and side; colours are averaged over them."""
    shapes_a_class: int = 36
    """Variations of each class."""
    views: int = 16
    """Cameras for each shape."""
    seed: int = 1
    """Of shapes and cameras."""


@dataclass(frozen=True)
class RasterSet:
    """R views of many shapes; those of one shape follow each other. S is the rays a side, H the pixels a side."""

    place: NDArray[np.int16]
    """[R, 2, S, S]: pattern coordinates in steps of 1 / ``PLACE_STEPS``."""
    what: NDArray[np.uint8]
    """[R, S, S]: whether the ray hit, and the role and the mark of the part (``ROLE_SHIFT``, ``MARK_SHIFT``)."""
    edge: NDArray[np.uint8]
    """[R, S, S]: distance to the nearest crease in sight, in steps of 1 / ``EDGE_STEPS``."""
    normal: NDArray[np.uint8]
    """[R, 3, H, H]: the normal ControlNet's image."""
    depth: NDArray[np.uint8]
    """[R, H, H]: one channel of the depth ControlNet's image."""
    word: NDArray[np.uint8]
    """[R]: class of the object, an index into ``captions.OBJECT_WORDS``."""
    view: NDArray[np.uint8]
    """[R]: direction, an index into ``captions.VIEW_WORDS``."""
    mark: NDArray[np.uint8]
    """[R]: the mark that covers most, 0 where none covers a twelfth of the object."""
    views: int
    """Views of each shape."""


_SHAPES: dict[str, tuple[type, str]] = {
    "place": (np.int16, "2SS"), "what": (np.uint8, "SS"), "edge": (np.uint8, "SS"), "normal": (np.uint8, "3HH"),
    "depth": (np.uint8, "HH"), "word": (np.uint8, ""), "view": (np.uint8, ""), "mark": (np.uint8, ""),
}  # fmt: skip


def rasters(folder: Path, settings: RasterSettings, processes: int = 1) -> RasterSet:
    """The views, from ``folder`` if they are there, else cast by ``processes`` processes and kept there."""
    if not (folder / _FILE).exists() or json.loads((folder / _FILE).read_text()) != vars(settings):
        _cast_all(folder, settings, processes)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="c") for name in _SHAPES}
    return RasterSet(**arrays, views=settings.views)


def _cast_all(folder: Path, settings: RasterSettings, processes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shapes = len(OBJECT_WORDS) * settings.shapes_a_class
    sides = {"S": settings.resolution * settings.supersampling, "H": settings.resolution, "2": 2, "3": 3}
    for name, (kind, letters) in _SHAPES.items():
        size = (shapes * settings.views, *(sides[letter] for letter in letters))
        open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=size).flush()
    numbers = range(shapes)
    if processes == 1:
        for number in numbers:
            _cast_shape(folder, settings, number)
    else:
        # Each process casts into the same files. Spawned, since this one may have threads that do not survive a fork.
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(_cast_shape, [folder] * shapes, [settings] * shapes, numbers, chunksize=4))
    (folder / _FILE).write_text(json.dumps(vars(settings)))


def _cast_shape(folder: Path, settings: RasterSettings, number: int) -> None:
    rng = np.random.default_rng((settings.seed, number))
    word = number % len(OBJECT_WORDS)
    shape = make_shape(OBJECT_WORDS[word], rng)
    rasteriser = EmbreeRasteriser(shape.mesh)
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in _SHAPES}
    sampler = ViewSampler(ViewSampling(settings.views, _DISTANCE, _FOV), int(rng.integers(1 << 30)))
    for at, whole in enumerate(sampler.sample(), start=number * settings.views):
        camera = _closer(whole, shape, rng) if rng.random() < CLOSE_UPS else whole
        for name, value in _seen(rasteriser, shape, camera, settings).items():
            arrays[name][at] = value
        arrays["word"][at] = word
        arrays["view"][at] = VIEW_WORDS.index(direction_word(camera))


def _closer(camera: Camera, shape: Shape, rng: np.random.Generator) -> Camera:
    """A camera in the same direction, near a point of the surface on that side."""
    towards = camera.rotation[2]
    ahead = np.flatnonzero(shape.mesh.positions @ towards > 0.2)
    points = shape.mesh.positions[ahead] if len(ahead) else shape.mesh.positions
    target = points[rng.integers(len(points))]
    eye = target + towards * np.float32(rng.uniform(1.0, 2.2))
    return Camera.looking_at(target, eye, camera.fov_degrees)


def _seen(rasteriser: EmbreeRasteriser, shape: Shape, camera: Camera, settings: RasterSettings) -> dict[str, Any]:
    side = settings.resolution * settings.supersampling
    fine = rasteriser.rasterise(camera, side, side)
    coarse = (
        fine if settings.supersampling == 1 else rasteriser.rasterise(camera, settings.resolution, settings.resolution)
    )
    triangle = fine.triangle[fine.mask]
    piece, role, mark = shape.piece[triangle], shape.role[triangle], shape.mark[triangle]
    place = np.zeros((2, side, side), np.int16)
    coordinates = pattern_coordinates(fine.position[fine.mask], fine.normal[fine.mask], piece, shape.limbs)
    place[:, fine.mask] = np.round(coordinates.T * PLACE_STEPS)
    what = np.zeros((side, side), np.uint8)
    what[fine.mask] = 1 | role << ROLE_SHIFT | mark << MARK_SHIFT
    pieces = np.zeros((side, side), np.uint8)
    pieces[fine.mask] = piece
    covered = np.bincount(mark, minlength=len(MARK_COLOURS)) / max(1, len(mark))
    covered[0] = 1 / 12
    return {
        "place": place,
        "what": what,
        "edge": _crease_distance(fine, pieces, camera),
        "normal": np.round(normal_image(coarse, camera) * 255).astype(np.uint8).transpose(2, 0, 1),
        "depth": np.round(depth_image(coarse)[..., 0] * 255).astype(np.uint8),
        "mark": np.uint8(covered.argmax()),
    }


def _crease_distance(raster: Raster, piece: NDArray[np.uint8], camera: Camera) -> NDArray[np.uint8]:
    """[S, S] steps: how far the nearest crease is, an edge of the object or a line where two parts meet.

    Found between neighbouring rays that see one surface; how the surface leans is left out of the distance.
    """
    crease = np.zeros(raster.mask.shape, bool)
    for axis in (0, 1):
        here, there = (
            tuple(slice(a, b) if each == axis else slice(None) for each in (0, 1)) for a, b in ((None, -1), (1, None))
        )
        joined = raster.mask[here] & raster.mask[there]
        joined &= np.abs(raster.depth[here] - raster.depth[there]) < _JOINED_DEPTH
        bent = (raster.normal[here] * raster.normal[there]).sum(-1) < _CREASE_COSINE
        crease[here] |= joined & (bent | (piece[here] != piece[there]))
    if not crease.any():
        return np.full(crease.shape, 255, np.uint8)
    pixel = 2.0 * math.tan(math.radians(camera.fov_degrees) / 2.0) / len(crease)
    distance = np.asarray(distance_transform_edt(~crease)) * pixel * raster.depth
    return np.minimum(np.round(distance * EDGE_STEPS), 255).astype(np.uint8)
