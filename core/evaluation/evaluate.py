# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole evaluation: stylize, look from all sides, measure, write down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import Mesh, bounding_radius
from ..inputs.pictures import open_as_it_is
from ..job import JobError
from ..reporting import Reporter
from ..results.coverage import measure_coverage
from ..stylize import LoadedModels
from ..views.cameras import ViewSampling
from ..views.embree import EmbreeRasteriser
from .baked_light import measure_baked_light
from .cases import Case, RunSettings, finish_case, make_cases
from .contrast import measure_contrast
from .extremes import box_projected
from .judge import Judge
from .leakage import Leakage, measure_leakage
from .maps import coverage_map, seam_map
from .meshes import EvaluationMesh
from .palette import measure_palette
from .parts import known_parts
from .place import PlaceMeasure
from .results import CaseResult, SheetRow, as_json, as_sheet, as_table
from .seams import measure_seams
from .style_distance import StyleSignature
from .styles import Style
from .views import VIEW_SIZE, evaluation_cameras, picture_view, steep_views, textured_views

RESULTS_FILE = "results.json"
TABLE_FILE = "results.md"
SHEET_FILE = "contact_sheet.png"
_NEARER = 1.15
"""How much larger the front of an object is in a view than what is as far away as its middle."""


class StyleReferences:
    """The measures of the style images, taken once."""

    def __init__(self, styles: Sequence[Style], judge: Judge | None) -> None:
        self.judge = judge
        self.views = {style.name: picture_view(style.picture) for style in styles}
        self.signatures = {name: StyleSignature([view]) for name, view in self.views.items()}
        pictures = {style.name: style.picture for style in styles}
        self.places = None if judge is None else PlaceMeasure(judge, pictures)
        self.judged = {} if judge is None else {name: judge.signature([view]) for name, view in self.views.items()}
        self._ceilings: dict[tuple[str, str, float], Leakage] = {}

    def ceiling_leakage(self, case: Case, extent: float) -> Leakage:
        """That of the style image of ``case`` laid on whole, ``extent`` wide; the same for all textures of its mesh."""
        key = (case.style.name, case.mesh.name, extent)
        if key not in self._ceilings:
            mesh = case.mesh.mesh
            cameras = evaluation_cameras(bounding_radius(mesh))
            laid_on = box_projected(mesh, case.style.picture, cameras, VIEW_SIZE, extent)
            self._ceilings[key] = measure_leakage(self.views[case.style.name], laid_on, motif_sizes(mesh, extent))
        return self._ceilings[key]


def evaluate(
    styles: Sequence[Style],
    meshes: Sequence[EvaluationMesh],
    settings: RunSettings,
    output: Path,
    reporter: Reporter,
    models: LoadedModels,
    judge: Judge | None,
) -> str:
    """Stylize every style on every mesh, measure, and write ``results.json``, ``results.md`` and a contact sheet.

    Args:
        styles: two or more; each result is compared with all of them.
        meshes: one or more.
        settings: of all runs.
        output: folder; finished cases in it are kept, interrupted ones go on.
        reporter: told of the progress of each case.
        models: the networks.
        judge: ``None`` leaves it out.

    Returns:
        The table in Markdown.

    Raises:
        JobError: something a person can act on.
        Cancelled: ``reporter`` said so.
    """
    if len(styles) < 2:
        raise JobError("bad_request", "There is one style only; name two or more", "A rank needs something to compare.")
    cases = make_cases(styles, meshes, settings, output)
    results = finish_and_measure(cases, output, reporter, models, StyleReferences(styles, judge))
    table = as_table(results)
    document = {"settings": asdict(settings), **as_json(results)}
    (output / RESULTS_FILE).write_text(
        json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    (output / TABLE_FILE).write_text(table, encoding="utf-8")
    return table


def finish_and_measure(
    cases: Sequence[Case], folder: Path, reporter: Reporter, models: LoadedModels, references: StyleReferences
) -> list[CaseResult]:
    """Stylize what is not finished yet of ``cases``, measure all, and leave a contact sheet in ``folder``.

    Raises:
        JobError: something a person can act on.
        Cancelled: ``reporter`` said so.
    """
    results, rows = [], []
    for number, case in enumerate(cases, start=1):
        reporter.stage("case", f"{number} of {len(cases)}: {case.style.name} on {case.mesh.name} ({folder.name})")
        finish_case(case, reporter, models)
        reporter.stage("measure", f"{number} of {len(cases)}: measuring")
        result, row = measure_case(case, references)
        results.append(result)
        rows.append(row)
    as_sheet(rows).save(folder / SHEET_FILE)
    return results


def measure_case(case: Case, references: StyleReferences) -> tuple[CaseResult, SheetRow]:
    """The measures of a finished case, and its pictures."""
    with open_as_it_is(case.texture) as file:
        texture = np.asarray(file.convert("RGB"))
    mesh = case.mesh.mesh
    views = textured_views(mesh, texture)
    coverage = measure_coverage(mesh, EmbreeRasteriser(mesh), ViewSampling().distance[0], len(texture))
    signature = StyleSignature(views)
    judge, judged = references.judge, None
    if judge is not None:
        own = judge.signature(views)
        judged = {name: judge.distance(own, other) for name, other in references.judged.items()}
    report = case.report()
    extent = report["settings"]["statistics"]["style_extent"]
    seams = measure_seams(mesh, texture, coverage)
    result = CaseResult(
        style=case.style.name,
        mesh=case.mesh.name,
        style_distances={name: signature.distance(other) for name, other in references.signatures.items()},
        judge_distances=judged,
        place=None if references.places is None else references.places.measure(mesh, texture, case.style.name, extent),
        leakage=measure_leakage(references.views[case.style.name], views, motif_sizes(mesh, extent)),
        ceiling_leakage=references.ceiling_leakage(case, extent),
        palette=measure_palette(mesh, texture, case.style.picture, known_parts(case.mesh.name, mesh)),
        contrast=measure_contrast(mesh, texture, case.style.picture, extent),
        seams=seams,
        baked_light=measure_baked_light(mesh, texture, coverage),
        undersides=undersides(mesh, texture, references.signatures[case.style.name]),
        coverage=report["coverage"],
        seconds=sum(report["seconds"].values()),
    )
    maps = {
        "coverage": coverage_map(mesh, coverage, case.cameras(report["steps_done"])),
        "seams": seam_map(coverage, seams),
    }
    return result, SheetRow(case.style, [view.image for view in views], maps)


def motif_sizes(mesh: Mesh, extent: float) -> tuple[float, float]:
    """How large the style image is in views of the mesh, in its middle and at its front; see ``measure_leakage``."""
    middle = extent / (2.0 * bounding_radius(mesh))
    return middle, _NEARER * middle


def undersides(mesh: Mesh, texture: NDArray[np.uint8], style: StyleSignature) -> float | None:
    """How much further from the style the views from below are than those from above; 1 is as good."""
    above, below = (StyleSignature(views).distance(style).total for views in steep_views(mesh, texture))
    return below / above if above else None
