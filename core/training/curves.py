# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws how the losses of the training stages fell."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure

from .loop import LOSSES_FILE

STAGES = ("vae", "clip", "denoiser", "judge")
"""Folders of the stages that log their losses, in the order in which they are trained."""


def draw_losses(work: Path, path: Path) -> None:
    """Write a picture with one plot a stage that has begun in ``work``: each loss by step, on a logarithmic scale."""
    logs = {stage: log for stage in STAGES if (log := work / stage / LOSSES_FILE).is_file()}
    figure = Figure((4.5 * max(1, len(logs)), 3.4), layout="constrained")
    for plot, (stage, log) in zip(figure.subplots(1, len(logs), squeeze=False)[0], logs.items(), strict=True):
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        for name in (name for name in lines[0] if name not in ("step", "seconds")):
            plot.plot([line["step"] for line in lines], [line[name] for line in lines], label=name, linewidth=1.0)
        plot.set(title=stage, xlabel="step", yscale="log")
        plot.grid(alpha=0.3)
        plot.legend(fontsize="small")
    figure.savefig(path, dpi=110)
