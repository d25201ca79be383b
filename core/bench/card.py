# SPDX-License-Identifier: GPL-3.0-or-later
"""What a graphics card does with whole jobs: ``python -m core bench card``, some eight minutes on a large one.

Stable Diffusion's weights are not needed: networks of its real sizes with random numbers take as long.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ..devices.devices import choose_device
from ..evaluation.shapes import SHAPES
from ..evaluation.styles import sample_paths
from ..job import REPORT_FILE
from ..models.profiles import profile
from ..rehearsal.stand_in import write_stand_in
from .costs import measure
from .share import Share, measure_share
from .ways import Way

JOBS = (("bundled", "draft"), ("sd15", "draft"), ("sd15", "balanced"), ("sd15", "paper"))
"""Model and preset, the quickest first: where the time runs out, the first are there."""
MOST_SECONDS = {("bundled", "draft"): 8.0, ("sd15", "balanced"): 40.0, ("sd15", "paper"): 150.0}
"""What the optimisation may take on a card like an H100."""
MOST_RATIO = {("sd15", "paper"): 1.25}
"""What a step may take over its networks' own kernels there."""
TESTS = ("tests/core/views/test_rasteriser.py", "tests/core/diffusion", "tests/core/texture_field")
"""Those of the optimizer that do more where there is a card."""
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class JobCost:
    """Of one job, in seconds and bytes."""

    model: str
    """Name of its profile."""
    preset: str
    """Its preset."""
    whole: float
    """From the start of the process to its end."""
    load: float
    """Loading the model."""
    optimise: float
    """All steps."""
    step: float
    """One of them."""
    left_out: int
    """Steps whose gradient was not finite."""
    planned: int | None
    """Memory that the job was planned with."""
    most: int | None
    """Memory of the card that was in use at most; ``None`` on a processor."""


def measure_jobs(jobs: Sequence[tuple[str, str]], device: str, folder: Path) -> list[JobCost]:
    """Do jobs on one mesh, each in a process of its own.

    Args:
        jobs: model and preset of each.
        device: one of ``core.job.DEVICES``.
        folder: for files and results, with room for the networks (5.6 GB for ``sd15``).

    Raises:
        JobError: a job failed.
    """
    mesh = folder / "torus.ply"
    SHAPES["torus"]().export(mesh)
    found = []
    for model, preset in jobs:
        options = [str(mesh), f"--style={sample_paths()[0]}", "--prompt=a torus", "--content=a wave"]
        options += [f"--preset={preset}", f"--profile={model}", f"--device={device}"]
        if model != "bundled":
            networks = folder / model
            if not networks.exists():
                write_stand_in(profile(model, networks), networks, seed=0)
            options.append(f"--models={networks}")
        output = folder / f"{model}_{preset}"
        cost = measure(Way(), options, output)
        report = json.loads((output / REPORT_FILE).read_text(encoding="utf-8"))
        memory, seconds = report["memory"], report["seconds"]
        costs = (cost.whole, cost.model, seconds["optimise"], cost.step)
        found.append(JobCost(model, preset, *costs, report["left_out"], memory["planned"], memory["most"]))
    return found


def measure_shares(jobs: Sequence[tuple[str, str]], device: str, folder: Path) -> list[Share]:
    """Take steps of jobs apart; ``folder`` is the one in which ``measure_jobs`` did them.

    Raises:
        JobError: a job failed.
    """
    return [
        measure_share(
            model, preset, device, folder / f"{model}_{preset}_apart", None if model == "bundled" else folder / model
        )
        for model, preset in jobs
    ]


def run_tests() -> str:
    """The tests that do more where there is a card; the last line of what they say."""
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-m", "not slow", *TESTS]
    said = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return re.sub(r"[^\w ,.]", "", said.splitlines()[-1]).strip() if said else "no tests"


def as_page(costs: Sequence[JobCost], shares: Sequence[Share], device: str, tests: str) -> str:
    """The page ``docs/card.md``."""
    choice = choose_device(device).device
    lines = [
        "# What a graphics card does",
        "",
        "Made by `python -m core bench card --output docs/card.md`: jobs on a torus, each in a process of its own."
        " Stable Diffusion has networks of its real sizes with random numbers.",
        "",
        f"{choice}; PyTorch {torch.__version__}, {platform.system()}.",
        "",
        "| model | preset | whole, s | loading, s | optimizing, s | at most | a step, s | left out | GiB (planned) |",
        f"|---|---|{'---:|' * 7}",
    ]
    for cost in costs:
        bound = MOST_SECONDS.get((cost.model, cost.preset))
        most, planned = (f"{value / 2**30:.1f}" if value else "–" for value in (cost.most, cost.planned))
        lines.append(
            f"| {cost.model} | {cost.preset} | {cost.whole:.1f} | {cost.load:.1f} | {cost.optimise:.1f}"
            f" | {'–' if bound is None else f'{bound:.0f}'} | {cost.step:.3f} | {cost.left_out} | {most} ({planned}) |"
        )
    lines += [
        "",
        "A step by the clock, and what its networks' kernels take of it by PyTorch's profiler.",
        "",
        "| model | preset | a step, s | its networks, s | ratio | at most | kernels a step |",
        f"|---|---|{'---:|' * 5}",
    ]
    for share in shares:
        bound = MOST_RATIO.get((share.model, share.preset))
        lines.append(
            f"| {share.model} | {share.preset} | {share.step:.3f} | {share.networks:.3f} | {share.ratio:.2f}"
            f" | {'–' if bound is None else bound} | {'–' if share.launches is None else share.launches} |"
        )
    return "\n".join([*lines, "", f"Tests there: {tests}.", ""])


def as_json(costs: Sequence[JobCost], shares: Sequence[Share]) -> str:
    """The same figures for programs."""
    found = {"jobs": [asdict(cost) for cost in costs], "shares": [asdict(share) for share in shares]}
    return json.dumps(found, indent=2)
