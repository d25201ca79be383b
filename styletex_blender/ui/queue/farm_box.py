# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on farms for this file, in the queue's panel."""

from __future__ import annotations

from bpy.types import Context, UILayout

from ...farm import watching
from ...farm.job import JobState
from ...farm.watching import Seen
from ...translation.translate import _, said
from ..drawing import draw_button, draw_text
from ..help.help_buttons import draw_help
from ..help.short_text import draw_short
from .farm_operators import STYLETEX_OT_send

_ICONS = {
    JobState.WAITING: "SORTTIME",
    JobState.WORKING: "RENDER_STILL",
    JobState.STOPPED: "PAUSE",
    JobState.FINISHED: "CHECKMARK",
    JobState.FAILED: "ERROR",
}
_MOST_ROWS = 12
_MOST_ERRORS = 3


def draw_farm(layout: UILayout, context: Context) -> None:
    """The button, a row for each texture that a farm makes, and what went wrong."""
    draw_button(layout, context, STYLETEX_OT_send, icon="NETWORK_DRIVE")
    jobs = watching.seen()
    if jobs:
        box = layout.box()
        box.label(text=_("On the Farm"))
        _draw_rows(box, jobs)
        _draw_problems(box, context, jobs)
    for text in watching.told():
        draw_short(layout, context, text)


def _draw_rows(layout: UILayout, jobs: list[Seen]) -> None:
    column = layout.column(align=True)
    for found in jobs[:_MOST_ROWS]:
        row = column.row(align=True)
        row.alert = found.state is JobState.FAILED
        row.label(text=found.job.sent.object_name, icon=_ICONS[found.state], translate=False)
        state = row.row()
        state.alignment = "RIGHT"
        state.label(text=f"#{found.job.sent.settings['seed']}  {_(found.state.value)}", translate=False)
        row.operator("styletex.farm_take_back", text="", icon="X").key = found.job.key
    if len(jobs) > _MOST_ROWS:
        column.label(text=_("and {count} more").format(count=len(jobs) - _MOST_ROWS))


def _draw_problems(layout: UILayout, context: Context, jobs: list[Seen]) -> None:
    failed = [found for found in jobs if found.error is not None]
    for found in failed[:_MOST_ERRORS]:
        if found.error is not None:
            draw_short(
                layout, context, f"{found.job.sent.object_name}: {said(found.error.message)}", said(found.error.hint)
            )
    if codes := [found.error.code for found in failed if found.error is not None]:
        draw_help(layout, context, codes)
    stopped = [found for found in jobs if found.state is JobState.STOPPED]
    if stopped:
        why = stopped[0].said
        draw_text(layout, context, _("The farm's command has ended") + (f": {_(why)}" if why else ""), "INFO")
    if stopped or any(found.state is JobState.FAILED for found in jobs):
        layout.operator("styletex.farm_resume", icon="PLAY")
