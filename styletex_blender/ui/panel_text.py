# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the panel."""

from __future__ import annotations

import textwrap

from ..install.quantities import duration
from ..worker.run_state import Run

_LETTER_WIDTH = 6.2
"""Mean width of a letter of Blender's interface font at scale 1, in pixels."""
_MARGINS = 90.0
"""Width of the icon, the box and the tabs."""


def wrap(text: str, width: float) -> list[str]:
    """Lines of ``text`` for a region ``width`` pixels wide, at interface scale 1."""
    return textwrap.wrap(text, max(16, int((width - _MARGINS) / _LETTER_WIDTH)))


def object_line(run: Run) -> str:
    """Which object is being textured: "Suzanne" or "Suzanne (2 of 3)"."""
    count = len(run.tasks)
    return f"{run.task.object_name} ({run.index + 1} of {count})" if count > 1 else run.task.object_name


def progress_line(run: Run) -> str:
    """The stage and the time left: "Optimising · 1 min 20 s left"."""
    if run.wants_cancel or run.seconds_left is None or not run.steps:
        return run.stage
    return f"{run.stage} · {duration(run.seconds_left)} left"


def changes_text(run: Run) -> str:
    """What has changed of the object since its job began, and what comes of it; or nothing."""
    if run.changes.unfit:
        return f"Meanwhile {run.changes.unfit}, so this texture will not fit. Undo that, or stylize again"
    if run.changes.replaced:
        return f"Meanwhile {run.changes.replaced}. The texture will be kept until you press Apply"
    return f"Meanwhile {run.changes.stale}. The texture is of how it was before" if run.changes.stale else ""


def outcome_line(run: Run) -> str:
    """What was done: "Textured in 1 min 20 s" or "Textured 2 of 3 objects"; nothing when nothing was."""
    textured = [outcome for outcome in run.outcomes if outcome.textured]
    if len(run.outcomes) > 1 and textured:
        return f"Textured {len(textured)} of {len(run.outcomes)} objects"
    return f"Textured in {duration(textured[0].seconds)}" if textured else ""
