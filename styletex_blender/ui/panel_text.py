# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the panel."""

from __future__ import annotations

import textwrap

from ..install.quantities import duration
from ..translation.translate import _
from ..worker.run_state import Run, Task

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
    if count == 1:
        return run.task.name
    return _("{name} ({number} of {count})").format(name=run.task.name, number=run.index + 1, count=count)


def progress_line(run: Run) -> str:
    """The stage and the time left: "Optimizing · 1 min 20 s left"."""
    if run.wants_cancel or run.seconds_left is None or not run.steps:
        return _(run.stage)
    return _("{stage} · {time} left").format(stage=_(run.stage), time=duration(run.seconds_left))


def changes_text(run: Run) -> str:
    """What has changed of the object since its job began, and what comes of it; or nothing."""
    if run.object_gone:
        return _("Its object is gone: undo or redo (Ctrl+Shift+Z) brings it back. Until then its texture is kept")
    changes = run.changes
    if changes.unfit:
        text = _("Meanwhile {what}, so this texture will not fit. Undo that, or stylize again")
        return text.format(what=changes.unfit)
    if changes.replaced:
        return _("Meanwhile {what}. The texture will be kept until you press Apply").format(what=changes.replaced)
    return (
        _("Meanwhile {what}. The texture is of how it was before").format(what=changes.stale) if changes.stale else ""
    )


def percent(fraction: float) -> str:
    """A share as a percentage: 0.57 is "57%"."""
    return f"{100.0 * fraction:.0f}%"


def saved_text(run: Run, task: Task) -> str:
    """How far a task goes on from: "57%"; nothing where it begins at the beginning."""
    step, steps = run.saved.get(task.key, (0, 0))
    return percent(step / steps) if step else ""


def outcome_line(textured: int, count: int) -> str:
    """How many of several textures were made: "Made 2 of 3 textures"."""
    return _("Made {number} of {count} textures").format(number=textured, count=count)
