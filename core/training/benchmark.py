# SPDX-License-Identifier: GPL-3.0-or-later
"""How good the bundled model is in styles that training never saw, fixed by a seed.

Swatches have an exact ground truth: besides the measures of ``core.evaluation``, a judge of its own says whether the
pattern's family can be recognised on the object, and whether it could on an object painted with the pattern itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..evaluation.cases import Case
from ..evaluation.judge import Judge
from ..evaluation.results import CaseResult
from ..evaluation.sample_gap import gap_views, measure_gap, summary
from ..evaluation.views import textured_views
from ..inputs.pictures import open_as_it_is
from ..reporting import Reporter
from ..stylize import LoadedModels
from .captions import PATTERN_WORDS
from .family_judge import FamilyJudge
from .pattern_views import coarse_style, pattern_views, seen_from_all_sides
from .pictures import as_image, swatch
from .styles import Style

SEED = 90_001
"""Of the held-out styles; training begins at other seeds."""
PICTURE_SIZE = 512
AMONG = 5
"""A style image is ranked among so many: itself and the four after it."""


def held_out_styles() -> dict[str, Style]:
    """One style of each family, by names like "04-brick"."""
    rng = np.random.default_rng(SEED)
    return {f"{number:02d}-{family}": coarse_style(rng, family) for number, family in enumerate(PATTERN_WORDS, start=1)}


def swatches(styles: Mapping[str, Style]) -> dict[str, Image.Image]:
    """The styles as flat pictures."""
    rng = np.random.default_rng(SEED)
    return {name: as_image(swatch(style, PICTURE_SIZE * 2, rng)).reduce(2) for name, style in styles.items()}


def ranks(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Shares of the cases whose own picture is nearest of five, by three measures, how near
    to the ceiling they are, and mean distances; fit for JSON.
    """
    order = list(dict.fromkeys(result.style for result in results))
    totals = [{name: distance.total for name, distance in result.style_distances.items()} for result in results]
    own = [result.style_distances[result.style] for result in results]
    return {
        "cases": len(results),
        "first_by_style_distance": fmean(
            nearest_of_five(total, result.style, order) for total, result in zip(totals, results, strict=True)
        ),
        "first_by_judge": fmean(
            nearest_of_five(result.judge_distances, result.style, order)
            for result in results
            if result.judge_distances is not None
        ),
        "place": fmean(result.place.value for result in results if result.place and result.place.value is not None),
        "first_of_recoloured": fmean(
            nearest_of_five(result.place.distances, result.style, order) for result in results if result.place
        ),
        "leakage_over_ceiling": sum(result.leakage.excess for result in results)
        / sum(result.ceiling_leakage.excess for result in results),
        "farthest_from_palette": max(result.palette.texture - result.palette.picture for result in results),
        "palette_distance": fmean(distance.colour for distance in own),
        "structure_distance": fmean(distance.structure for distance in own),
    }


def nearest_of_five(distances: Mapping[str, float], own: str, order: Sequence[str]) -> bool:
    """Whether ``own`` is nearer than each of the four styles that come after it in ``order``, which goes round."""
    at = order.index(own)
    others = [order[(at + step) % len(order)] for step in range(1, AMONG)]
    return all(distances[own] < distances[other] for other in others)


def families(cases: Sequence[Case], styles: Mapping[str, Style], judge: FamilyJudge) -> dict[str, Any]:
    """Shares of finished ``cases`` whose family is recognised, with every answer; fit for JSON.

    ``family`` is the share on the textures, ``family_of_truth`` that on the meshes painted with the pattern itself.
    """
    answers = {}
    for case in cases:
        with open_as_it_is(case.texture) as file:
            painted = textured_views(case.mesh.mesh, np.asarray(file.convert("RGB")))
        style = styles[case.style.name]
        answers[f"{case.style.name} on {case.mesh.name}"] = {
            "true": style.family,
            "painted": judge.recognise(painted),
            "of_truth": judge.recognise(pattern_views(seen_from_all_sides(case.mesh.mesh), style)),
        }
    return {
        "family": fmean(answer["painted"] == answer["true"] for answer in answers.values()),
        "family_of_truth": fmean(answer["of_truth"] == answer["true"] for answer in answers.values()),
        "answers": answers,
    }


def sample_gaps(
    cases: Sequence[Case],
    models: LoadedModels,
    styles: Mapping[str, Style],
    family_judge: FamilyJudge | None,
    reporter: Reporter,
) -> dict[str, Any]:
    """How finished ``cases`` compare with DDIM samples of the same networks (``core.evaluation.sample_gap``); with
    ``family_judge`` also the shares of the cases whose family it recognises on either. Fit for JSON.

    Args:
        cases: with settings of their own.
        models: the networks.
        styles: the ground truth by name of the style image; needed with ``family_judge``.
        family_judge: ``None`` leaves it out.
        reporter: told of the progress.
    """
    judge, gaps, recognised = Judge(), [], []
    for number, case in enumerate(cases, start=1):
        reporter.stage("samples", f"{number} of {len(cases)}: sampling {case.style.name} on {case.mesh.name}")
        if case.settings is None:
            raise ValueError(f"The case {case.folder.name} has no settings of its own")
        networks = models.get(case.job.profile, torch.device("cpu"))
        both = gap_views(case, case.settings, networks)
        gaps.append(measure_gap(*both, case.style.picture, judge))
        if family_judge is not None:
            family = styles[case.style.name].family
            recognised.append([family_judge.recognise(views) == family for views in both])
    shares = np.mean(recognised, axis=0).tolist() if recognised else []
    return summary(gaps) | dict(zip(("family_samples", "family_texture"), shares, strict=False))
