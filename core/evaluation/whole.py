# SPDX-License-Identifier: GPL-3.0-or-later
"""What the diffusion model and the style's statistics do together that either does not do alone.

    python -m core.evaluation.whole docs/whole.jpg --work DIR

Prints tables: the judge's distance and the share of colour that goes by the object's parts for the whole method, the
model alone and the statistics alone, and how far words change the texture; each with a bootstrap interval. The picture
shows the cases side by side. What is finished in ``DIR`` is not made again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from scipy.stats import bootstrap

from ..commands.options import OptionParser
from ..commands.stylize import ConsoleReporter
from ..inputs.pictures import open_as_it_is
from ..results.preview import contact_sheet
from ..stylize import LoadedModels
from .ablation import VARIANTS, variant_cases
from .cases import Case, RunSettings, finish_case, make_cases
from .judge import Judge
from .meshes import EvaluationMesh, evaluation_mesh
from .parts import known_parts, part_share
from .styles import SAMPLES, Style, style
from .views import SHEET_VIEWS, picture_view, textured_views
from .words import word_effect

STYLES = ("great_wave", "poppies", "stained_glass")
MESHES = ("suzanne", "chair", "cup")
WAYS = ("statistics alone", "model alone", "whole method")
"""Of ``ablation.VARIANTS``."""
WORDS = ("wooden", "stone")
"""Put before what the mesh is."""
SEEDS = (0, 1, 2)
SETTINGS = RunSettings("draft", "bundled", 512, seed=0, content_removal=1.0, tone=None, device="auto")
_QUALITY = 76
_CELL = 192


@dataclass(frozen=True)
class Measured:
    """One case by one way."""

    judge: float
    """Distance to the own style image."""
    parts: float
    """See ``parts.part_share``."""


def all_cases(work: Path) -> dict[str, list[Case]]:
    """The cases by each of ``WAYS``, in one order."""
    models = LoadedModels()
    styles, meshes = [_sample(name) for name in STYLES], [evaluation_mesh(name) for name in MESHES]
    return {
        way: variant_cases(VARIANTS[way], styles, meshes, SETTINGS, work / way.replace(" ", "-"), models)
        for way in WAYS
    }


def word_cases(work: Path) -> Iterator[dict[str, list[Case]]]:
    """For each style and mesh the cases of each of ``WORDS``, one a seed."""
    meshes = [evaluation_mesh(name) for name in MESHES]
    for name in STYLES:
        for mesh in meshes:
            yield {word: [_worded(name, mesh, word, seed, work / f"{word}-{seed}") for seed in SEEDS] for word in WORDS}


def measure(case: Case, judge: Judge) -> Measured:
    """The measures of a finished case."""
    texture = texture_of(case)
    own = judge.signature([picture_view(case.style.picture)])
    parts = known_parts(case.mesh.name, case.mesh.mesh)
    if parts is None:
        raise ValueError(f"{case.mesh.name} has no known parts")
    return Measured(
        judge.distance(judge.signature(textured_views(case.mesh.mesh, texture)), own),
        part_share(case.mesh.mesh, parts, texture),
    )


def interval(values: Sequence[float]) -> str:
    """Mean and 95 % bootstrap interval of the mean."""
    found = bootstrap((np.asarray(values),), np.mean, n_resamples=9999, method="percentile", rng=0)
    low, high = found.confidence_interval
    return f"{np.mean(values):+.3f} ({low:+.3f} to {high:+.3f})"


def as_table(found: dict[str, list[Measured]]) -> str:
    """One row a way: means, and how much more than the statistics alone."""
    lines = [
        "| way | judge | parts | judge less that of the statistics alone | parts likewise |",
        "|---|---:|---:|---|---|",
    ]
    alone = found["statistics alone"]
    for way, cases in found.items():
        judges, parts = [case.judge for case in cases], [case.parts for case in cases]
        cells = ["–", "–"]
        if cases is not alone:
            cells = [
                interval([one.judge - other.judge for one, other in zip(cases, alone, strict=True)]),
                interval([one.parts - other.parts for one, other in zip(cases, alone, strict=True)]),
            ]
        lines.append(f"| {way} | {np.mean(judges):.3f} | {np.mean(parts):+.3f} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def as_sheet(cases: dict[str, list[Case]]) -> Image.Image:
    """One row a case: the style image, and two sides by each way."""
    rows = []
    for together in zip(*cases.values(), strict=True):
        views = [
            textured_views(case.mesh.mesh, texture_of(case), _CELL)[number].image
            for case in together
            for number in SHEET_VIEWS[:2]
        ]
        labels = [together[0].style.name, *(label for way in cases for label in (way, ""))]
        rows.append(contact_sheet(together[0].style.picture, views, labels))
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), "white")
    for number, row in enumerate(rows):
        sheet.paste(row, (0, sum(other.height for other in rows[:number])))
    return sheet


def finish(case: Case) -> None:
    """Stylize ``case`` without a word."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(file=nowhere)
        with Progress(console=console) as progress:
            finish_case(case, ConsoleReporter(progress, console), LoadedModels())


def _sample(name: str) -> Style:
    return style(SAMPLES / f"{name}.jpg")


def _worded(name: str, mesh: EvaluationMesh, word: str, seed: int, folder: Path) -> Case:
    prompt = f"a {word} {mesh.prompt.removeprefix('a ')}"
    (case,) = make_cases([_sample(name)], [replace(mesh, prompt=prompt)], replace(SETTINGS, seed=seed), folder)
    return case


def texture_of(case: Case) -> NDArray[np.uint8]:
    """The texture of a finished case, uint8 [S, S, 3]."""
    with open_as_it_is(case.texture) as file:
        return np.asarray(file.convert("RGB"))


def main() -> None:
    """Make what is missing, as many at a time as there are cores, and print the tables."""
    parser = OptionParser(description="The whole method beside its two halves")
    parser.add_argument("picture", type=Path, metavar="FILE.jpg")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for the textures")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="textures at a time")
    arguments = parser.parse_args()
    ways, words = all_cases(arguments.work), list(word_cases(arguments.work))
    everything = [case for cases in ways.values() for case in cases]
    everything += [case for pair in words for cases in pair.values() for case in cases]
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as processes:
        for _ in processes.map(finish, everything):
            pass
    judge = Judge()
    print(as_table({way: [measure(case, judge) for case in cases] for way, cases in ways.items()}))
    effects = [
        word_effect(
            {word: [textured_views(case.mesh.mesh, texture_of(case)) for case in cases] for word, cases in pair.items()}
        )
        for pair in words
    ]
    print(f"Words ({' or '.join(WORDS)}) over seeds {SEEDS}: {interval(effects)} further apart; 0 without the model.")
    as_sheet(ways).save(arguments.picture, quality=_QUALITY, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
