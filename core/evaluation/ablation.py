# SPDX-License-Identifier: GPL-3.0-or-later
"""What each part of the method contributes: the same cases with one part left out at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ..models.profiles import profile
from ..optimisation.presets import OptimisationSettings, optimisation_settings
from ..reporting import Reporter
from ..stylize import LoadedModels
from ..views.shading import ShadingSettings
from .cases import Case, RunSettings, make_cases
from .evaluate import StyleReferences, finish_and_measure
from .judge import Judge
from .meshes import EvaluationMesh
from .results import CaseResult
from .styles import Style

RESULTS_FILE = "ablation.json"
TABLE_FILE = "ablation.md"


@dataclass(frozen=True)
class Variant:
    """The method without one of its parts."""

    change: Callable[[OptimisationSettings], OptimisationSettings]
    """From the settings of the whole method to those without the part."""
    content_removal: float = 1.0
    """Strength of ODCR."""
    tone: float | None = None
    """Weight of the style statistics in place of the run's, on which other settings of the preset depend."""


def _guidance(**parts: bool) -> Callable[[OptimisationSettings], OptimisationSettings]:
    return lambda settings: replace(settings, guidance=replace(settings.guidance, **parts))


def _without_strokes(settings: OptimisationSettings) -> OptimisationSettings:
    return replace(settings, detail=replace(settings.detail, strength=0.0))


def _without_control_nets(settings: OptimisationSettings) -> OptimisationSettings:
    none = tuple(0.0 for _ in settings.controls.scales)
    return replace(settings, controls=replace(settings.controls, scales=none, late_scales=none))


VARIANTS: Mapping[str, Variant] = {
    "whole method": Variant(lambda settings: settings),
    "no ODCR": Variant(lambda settings: settings, content_removal=0.0),
    "no content negative": Variant(_guidance(content_negative=False)),
    "no layer selection": Variant(lambda settings: replace(settings, style_layers=1.0)),
    "style in the up blocks alone": Variant(lambda settings: replace(settings, style_layers={"up": 1.0})),
    "SDS": Variant(_guidance(interval_matching=False, surface_noise=False)),
    "ISM": Variant(_guidance(interval_matching=True, surface_noise=False)),
    "no warm start": Variant(lambda settings: replace(settings, warm_start=None)),
    "no ControlNets": Variant(_without_control_nets),
    "other shading": Variant(
        lambda settings: replace(settings, shading=ShadingSettings() if settings.shading is None else None)
    ),
    "no statistics": Variant(lambda settings: settings, tone=0.0),
    "model alone": Variant(_without_strokes, tone=0.0),
    "statistics alone": Variant(lambda settings: replace(settings, distillation_weight=0.0)),
}
"""By the name that the table gives them. The bundled model has its style in every cross-attention, so that for it "no
layer selection" is the whole method, and a narrower choice than its own shows what choosing does. SDS and ISM are score
distillation on noise that is drawn anew at every step, the latter with DDIM inversion; "other shading" shows renders
without light to a model that is shown them lit, and the other way round. Without statistics the picture's own strokes
go over the texture all the same; "model alone" leaves both out."""

_MEASURES: Mapping[str, Callable[[CaseResult], float | None]] = {
    "style distance": lambda result: result.style_rank.own,
    "judge": lambda result: None if result.judge_rank is None else result.judge_rank.own,
    "leakage": lambda result: result.leakage.excess,
    "seam error": lambda result: result.seams.ratio,
    "baked light": lambda result: result.baked_light.best,
}
"""What the table shows, by its heading: smaller is better."""


def ablate(
    styles: Sequence[Style],
    meshes: Sequence[EvaluationMesh],
    settings: RunSettings,
    variants: Sequence[str],
    output: Path,
    reporter: Reporter,
    models: LoadedModels,
    judge: Judge | None,
) -> str:
    """Stylize every style on every mesh by every variant, and write the measures as JSON, as a table and as pictures.

    Args:
        styles: two or more.
        meshes: one or more.
        settings: of all runs.
        variants: keys of ``VARIANTS``.
        output: folder; finished cases in it are kept, interrupted ones go on. Each variant has a folder with its
            contact sheet there.
        reporter: told of the progress of each case.
        models: the networks.
        judge: ``None`` leaves it out.

    Returns:
        The table in Markdown: mean and standard deviation over the cases.

    Raises:
        JobError: something a person can act on.
        Cancelled: ``reporter`` said so.
    """
    references = StyleReferences(styles, judge)
    found: dict[str, list[CaseResult]] = {}
    for name in variants:
        folder = output / name.replace(" ", "-").lower()
        cases = variant_cases(VARIANTS[name], styles, meshes, settings, folder, models)
        found[name] = finish_and_measure(cases, folder, reporter, models, references)
    table = as_table(found)
    (output / RESULTS_FILE).write_text(
        json.dumps(_as_json(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    (output / TABLE_FILE).write_text(table, encoding="utf-8")
    return table


def variant_cases(
    variant: Variant,
    styles: Sequence[Style],
    meshes: Sequence[EvaluationMesh],
    settings: RunSettings,
    folder: Path,
    models: LoadedModels,
) -> list[Case]:
    """Every style on every mesh by one variant, in ``folder``.

    Raises:
        JobError: ``bad_request`` when two styles or two meshes have one name.
    """
    model = profile(settings.profile, models.model_folder)
    if variant.tone is not None:
        settings = replace(settings, tone=variant.tone)
    whole = optimisation_settings(model, settings.preset, settings.tone, settings.shading)
    return [
        replace(case, settings=variant.change(whole))
        for case in make_cases(styles, meshes, replace(settings, content_removal=variant.content_removal), folder)
    ]


def as_table(found: Mapping[str, Sequence[CaseResult]]) -> str:
    """One row a variant."""
    headings = ["variant", "own style first", *_MEASURES]
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    for name, results in found.items():
        firsts = sum(result.style_rank.place == 1 for result in results)
        cells = [_mean_and_spread([measure(result) for result in results]) for measure in _MEASURES.values()]
        lines.append(f"| {name} | {firsts} of {len(results)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _mean_and_spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    spread = f" ± {stdev(known):.2g}" if len(known) > 1 else ""
    return f"{fmean(known):.3g}{spread}"


def _as_json(found: Mapping[str, Sequence[CaseResult]]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            {
                "style": result.style,
                "mesh": result.mesh,
                **{heading: measure(result) for heading, measure in _MEASURES.items()},
            }
            for result in results
        ]
        for name, results in found.items()
    }
