# SPDX-License-Identifier: GPL-3.0-or-later
"""What ODCR keeps out: style images whose objects have colours of their own, and how much of those is painted.

A house of the training shapes has a red roof in every style. The roof's colour on a textured mesh is content that
leaked; its share is compared with and without ODCR, pair by pair. What a twin of the picture gives, in which the
pattern covers the mark too, is chance: nothing can leak from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage.color import rgb2lab

from ..evaluation.cases import RunSettings, finish_case, make_cases
from ..evaluation.meshes import EvaluationMesh
from ..evaluation.styles import Style as StyleImage
from ..evaluation.views import View, textured_views
from ..geometry.mesh import bounding_radius
from ..inputs.pictures import open_as_it_is
from ..reporting import Reporter
from ..stylize import LoadedModels
from ..views.cameras import turntable
from ..views.embree import EmbreeRasteriser
from .pattern_views import seen_pattern
from .pictures import write_style_images
from .shapes import MARK_COLOURS, Shape, make_shape
from .styles import Style, sample_style

SEED = 90_002
COUNT = 48
"""In most pictures nothing leaks either way, so a few would say little."""
PICTURE_SIZE = 512
MARKED_WORDS = ("house", "donut", "tower", "table")
"""Classes of which a large part is marked."""
MARKED = (0.15, 0.6)
"""Least and greatest share of the object in a style image that the mark covers."""
LEAST_APART = 35.0
"""Distance in CIELAB of the mark from the style's colours: what is nearer cannot be told from them."""
ELEVATION = 8.0
"""Of the camera that takes the style images, in degrees."""
VIEWS = 12
"""Sides that they are taken from."""
RESAMPLES = 10_000


@dataclass(frozen=True)
class MarkedStyle:
    """A style image of an object with a content mark."""

    style: Style
    mark: np.ndarray
    """float32 [3], sRGB in [0, 1]: the mark's colour."""
    content: str
    """What the picture shows."""
    picture: Image.Image
    twin: Image.Image
    """The same without the mark: the pattern goes on there."""


def marked_styles(count: int = COUNT) -> Mapping[str, MarkedStyle]:
    """``count`` held-out styles on held-out objects, by names like "03-house"."""
    rng = np.random.default_rng(SEED)
    found: dict[str, MarkedStyle] = {}
    while len(found) < count:
        word = MARKED_WORDS[len(found) % len(MARKED_WORDS)]
        shape, style = make_shape(word, rng), sample_style(rng)
        marks = np.unique(shape.mark[shape.mark > 0])
        if len(marks) != 1:
            continue
        mark = MARK_COLOURS[marks[0]]
        picture, twin, share = _photograph(shape, style, int(rng.integers(VIEWS)))
        if MARKED[0] <= share <= MARKED[1] and _nearest(mark[None], style.colours)[0] >= LEAST_APART:
            found[f"{len(found) + 1:02d}-{word}"] = MarkedStyle(style, mark, f"a {word}", picture, twin)
    return found


def _photograph(shape: Shape, style: Style, view: int) -> tuple[Image.Image, Image.Image, float]:
    """The object on grey, the same without its mark, and the mark's share of it."""
    size = PICTURE_SIZE * 2
    camera = turntable(VIEWS, ELEVATION, bounding_radius(shape.mesh))[view]
    seen = EmbreeRasteriser(shape.mesh).rasterise(camera, size, size)
    pattern = seen_pattern(style, seen)
    mark = shape.mark[seen.triangle[seen.mask]]
    marked = np.where(mark[:, None] > 0, MARK_COLOURS[mark], pattern)
    pictures = []
    for colour in (marked, pattern):
        image = np.full((size, size, 3), 0.5, np.float32)
        image[seen.mask] = colour
        pictures.append(Image.fromarray(np.round(image * 255).astype(np.uint8)).reduce(2))
    return pictures[0], pictures[1], float((mark > 0).mean())


def measure_marks(
    meshes: Sequence[EvaluationMesh],
    settings: RunSettings,
    output: Path,
    reporter: Reporter,
    models: LoadedModels,
    count: int = COUNT,
) -> dict[str, Any]:
    """Stylize ``meshes`` in ``count`` marked styles with and without ODCR, and in their twins.

    Returns:
        The summary, fit for JSON: mean shares ``with_odcr``, ``without``, and ``by_chance`` (of the twins, without);
        the ``ratio`` of the first two, and its ``interval``, in which ``None`` is no bound.
    """
    marked = marked_styles(count)
    pictures = write_style_images({name: (one.picture, one.content) for name, one in marked.items()}, output / "styles")
    twins = write_style_images({name: (one.twin, one.content) for name, one in marked.items()}, output / "twins")

    def shares(kind: str, removal: float, styles: Sequence[StyleImage]) -> dict[str, float]:
        cases = make_cases(styles, meshes, replace(settings, content_removal=removal), output / kind)
        found = {}
        for number, case in enumerate(cases, start=1):
            name = f"{case.style.name} on {case.mesh.name}"
            reporter.stage("case", f"{kind}, {number} of {len(cases)}: {name}")
            finish_case(case, reporter, models)
            with open_as_it_is(case.texture) as file:
                views = textured_views(case.mesh.mesh, np.asarray(file.convert("RGB")))
            found[name] = leaked_share(views, marked[case.style.name])
        return found

    with_odcr, without = shares("with_odcr", 1.0, pictures), shares("without", 0.0, pictures)
    by_chance = shares("by_chance", 0.0, twins)
    kept_out, let_in, chance = (np.array(list(found.values())) for found in (with_odcr, without, by_chance))
    ratio, *interval = (value if np.isfinite(value) else None for value in ratio_with_interval(kept_out, let_in))
    return {
        "cases": len(kept_out),
        "with_odcr": float(kept_out.mean()),
        "without": float(let_in.mean()),
        "by_chance": float(chance.mean()),
        "ratio": ratio,
        "interval": interval,
        "shares": {name: [with_odcr[name], without[name], by_chance[name]] for name in with_odcr},
    }


def leaked_share(views: Sequence[View], marked: MarkedStyle) -> float:
    """Share of the surface seen in ``views`` that is nearer to the mark's colour than to any of the style's."""
    pixels = np.concatenate([view.image[view.mask] for view in views]) / 255.0
    return float((_nearest(pixels, marked.mark[None]) < _nearest(pixels, marked.style.colours)).mean())


def ratio_with_interval(with_odcr: np.ndarray, without: np.ndarray) -> tuple[float, float, float]:
    """Mean leakage with ODCR over that without, and its 95 % interval by the paired bootstrap (Efron 1979).

    Where nothing leaks either way the ratio counts as 1: it says nothing for ODCR.

    Args:
        with_odcr: [N] shares.
        without: [N] of the same cases.
    """
    chosen = np.random.default_rng(0).integers(len(without), size=(RESAMPLES, len(without)))
    ratios = _ratio(with_odcr[chosen].sum(1), without[chosen].sum(1))
    low, high = np.quantile(ratios, (0.025, 0.975), method="nearest")
    return float(_ratio(with_odcr.sum(), without.sum())), float(low), float(high)


def _ratio(leaked: np.ndarray, compared: np.ndarray) -> np.ndarray:
    nothing = np.where(leaked > 0.0, np.inf, 1.0)
    return np.divide(leaked, compared, out=nothing, where=compared > 0.0)


def _nearest(pixels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Distance in CIELAB of each of ``pixels`` [N, 3] to the nearest of ``colours`` [M, 3], both sRGB in [0, 1]."""
    lab = rgb2lab(pixels[None])[0][:, None]
    return np.linalg.norm(lab - rgb2lab(colours[None])[0][None], axis=-1).min(axis=1)
