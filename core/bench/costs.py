# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of a job, taken from outside: a whole process with the product's own command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..job import EXIT_STATUS, REPORT_FILE, JobError
from ..rehearsal.memory import as_bytes
from .ways import Way

_ROOT = Path(__file__).parents[2]
_HEADINGS = {
    "start": "start",
    "model": "model",
    "before": "before",
    "a step": "step",
    "after": "after",
    "whole": "whole",
    "processor": "processor",
}
"""Of the table's columns of seconds, with the field of ``Cost`` that each shows."""
_RATIOS = {"whole": "whole", "a step": "step", "processor": "processor"}
"""Of the columns of ratios to the first way, likewise."""


@dataclass(frozen=True)
class Cost:
    """Of one job, in seconds unless said."""

    whole: float
    """From the start of the process to its end."""
    start: float
    """What no phase of the job accounts for: starting Python and PyTorch, reading and writing files."""
    model: float
    """Loading the model."""
    before: float
    """Before the first step, but for the model: the mesh, its views, words and style, the first sketch."""
    step: float
    """One step of the optimisation."""
    after: float
    """After the last step: strokes, baking, and drawing the preview."""
    processor: float | None
    """Of all processor cores together, which counts less of what other programs do; ``None`` on Windows."""
    peak_memory: int | None
    """Largest resident set in bytes; ``None`` on Windows, which does not tell it of a process that has ended."""


def measure(way: Way, options: Sequence[str], output: Path) -> Cost:
    """Run one job.

    Args:
        way: what is different in it.
        options: of ``python -m core stylize``, but ``--output``.
        output: folder for its results, which are left there.

    Raises:
        JobError: the job failed; with what it said.
    """
    command = [sys.executable, "-m", "core", "stylize", *options, *way.options, "--output", str(output)]
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(command, cwd=way.root or _ROOT, env=os.environ | way.environment, stderr=said) as process:
            processor, peak = _wait(process)
        whole = time.monotonic() - begun
        said.seek(0)
        last_words = said.read().strip()
    if process.returncode != 0:
        code = next((code for code, status in EXIT_STATUS.items() if status == process.returncode), "internal")
        raise JobError(code, f"The job ended with exit status {process.returncode}", last_words)
    report = json.loads((output / REPORT_FILE).read_text(encoding="utf-8"))
    seconds: dict[str, float] = report["seconds"]
    # In the order in which they were.
    phases = list(seconds)
    steps = phases.index("optimise")
    return Cost(
        whole=whole,
        start=whole - sum(seconds.values()),
        model=seconds["models"],
        before=sum(seconds[phase] for phase in phases[:steps] if phase != "models"),
        step=seconds["optimise"] / report["steps_done"],
        after=sum(seconds[phase] for phase in phases[steps + 1 :]),
        processor=processor,
        peak_memory=peak,
    )


def _wait(process: subprocess.Popen[bytes]) -> tuple[float | None, int | None]:
    """Wait for the end of ``process``; its processor seconds, and its largest resident set in bytes."""
    if sys.platform == "win32":
        process.wait()
        return None, None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, as_bytes(usage.ru_maxrss)


def as_table(costs: Mapping[str, Sequence[Cost]]) -> str:
    """A Markdown table, one row a way: medians over the rounds, and the ratios to the first way with their range.

    Args:
        costs: of each way by its name, round by round; all have as many.
    """
    first, reference = next(iter(costs.items()))
    shares = " | ".join(f"{heading} / {first}" for heading in _RATIOS)
    lines = [
        f"| way | {' | '.join(f'{heading}, s' for heading in _HEADINGS)} | {shares} | memory, GiB |",
        f"|---|{'---:|' * (len(_HEADINGS) + len(_RATIOS) + 1)}",
    ]
    for name, rounds in costs.items():
        cells = [_middle([getattr(cost, field) for cost in rounds]) for field in _HEADINGS.values()]
        for field in _RATIOS.values():
            pairs = zip(rounds, reference, strict=True)
            cells.append(_ratio([(getattr(cost, field), getattr(other, field)) for cost, other in pairs]))
        peaks = [cost.peak_memory for cost in rounds if cost.peak_memory is not None]
        memory = f"{max(peaks) / 2**30:.2f}" if peaks else "–"
        lines.append(f"| {name} | {' | '.join(cells)} | {memory} |")
    return "\n".join(lines) + "\n"


def _middle(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.2f}" if known else "–"


def _ratio(pairs: Sequence[tuple[float | None, float | None]]) -> str:
    """The median of the ratios of pairs, and the range."""
    ratios = [one / other for one, other in pairs if one is not None and other]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else "–"
