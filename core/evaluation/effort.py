# SPDX-License-Identifier: GPL-3.0-or-later
"""What more steps bring: ``python -m core.evaluation.effort --work DIR``.

The recipe of the Stable Diffusion profiles on the bundled model, with the model alone (no statistics, no strokes), by
different numbers of steps. Prints a table of operations against the independent judge's distance, and how much the
judge sees between two numbers of steps, with a bootstrap interval. What is finished in ``DIR`` is not made again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

from ..commands.options import OptionParser
from ..models.profiles import profile
from ..optimisation.presets import OptimisationSettings, interval_settings
from ..rehearsal.flops import count_mean_step
from ..rehearsal.random_networks import networks_without_numbers
from .cases import Case, RunSettings, make_cases
from .judge import Judge
from .meshes import evaluation_mesh
from .styles import SAMPLES, style
from .views import picture_view, textured_views
from .whole import finish, interval, texture_of

STYLES = ("great_wave", "poppies", "stained_glass")
MESHES = ("suzanne",)
SETTINGS = RunSettings("balanced", "bundled", 512, seed=0, content_removal=1.0, tone=0.0, device="auto")
STEPS = (100, 300, 800)
"""Of the runs that are compared."""


def settings_of(steps: int) -> OptimisationSettings:
    """Of a run of so many steps on the bundled model."""
    settings = interval_settings(profile("bundled"), steps, published=False, statistics_weight=0.0)
    return replace(settings, detail=replace(settings.detail, strength=0.0))


def cases_of(steps: int, folder: Path) -> list[Case]:
    """Every style on every mesh."""
    styles = [style(SAMPLES / f"{name}.jpg") for name in STYLES]
    meshes = [evaluation_mesh(name) for name in MESHES]
    return [
        replace(case, settings=settings_of(steps)) for case in make_cases(styles, meshes, SETTINGS, folder / str(steps))
    ]


def operations(steps: int) -> float:
    """Of a run of so many steps."""
    return count_mean_step(networks_without_numbers(profile("bundled")), settings_of(steps)).total * steps


def judged(cases: Sequence[Case], judge: Judge) -> list[float]:
    """The judge's distance of each finished case to its style."""
    found = []
    for case in cases:
        views = textured_views(case.mesh.mesh, texture_of(case))
        own = judge.signature([picture_view(case.style.picture)])
        found.append(judge.distance(judge.signature(views), own))
    return found


def as_table(operations: dict[int, float], distances: dict[int, list[float]]) -> str:
    """One row a number of steps, each compared with the first."""
    lines = ["| steps | TFLOP | judge | less than the first row |", "|---:|---:|---:|---|"]
    first = next(iter(distances.values()))
    for steps, found in distances.items():
        less = "–"
        if found is not first:
            less = interval([before - now for before, now in zip(first, found, strict=True)])
        lines.append(f"| {steps} | {operations[steps] / 1e12:.2f} | {fmean(found):.3f} | {less} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make what is missing, as many at a time as there are cores, and print the table."""
    parser = OptionParser(description="What more steps bring")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for the textures")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="textures at a time")
    arguments = parser.parse_args()
    made = {steps: cases_of(steps, arguments.work) for steps in STEPS}
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(finish, [case for cases in made.values() for case in cases]))
    judge = Judge()
    distances = {steps: judged(cases, judge) for steps, cases in made.items()}
    print(as_table({steps: operations(steps) for steps in made}, distances), end="")


if __name__ == "__main__":
    main()
