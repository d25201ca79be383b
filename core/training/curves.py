# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws how the losses of the training stages fell."""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure

from .loop import LOSSES_FILE


def draw_losses(work: Path, path: Path) -> None:
    """Write a picture with one plot a stage that has begun in ``work``: each loss by step, on a logarithmic scale."""
    logs = sorted(work.glob(f"*/{LOSSES_FILE}"))
    figure = Figure((4.5 * len(logs), 3.4), layout="constrained")
    for plot, log in zip(figure.subplots(1, len(logs), squeeze=False)[0], logs, strict=True):
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        losses = [name for name in lines[0] if name not in ("step", "seconds")]
        for name in losses:
            plot.plot([line["step"] for line in lines], [line[name] for line in lines], label=name, linewidth=1.0)
        plot.set(title=log.parent.name, xlabel="step", yscale="log")
        plot.grid(alpha=0.3)
        plot.legend(fontsize="small")
    figure.savefig(path, dpi=110)
