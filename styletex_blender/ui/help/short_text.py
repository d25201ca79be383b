# SPDX-License-Identifier: GPL-3.0-or-later
"""Long messages in a few lines; a click shows all of them, and so does the tooltip."""

from __future__ import annotations

from bpy.types import Context, UILayout

from ...translation.translate import _, said
from ..drawing import draw_text
from ..panel_text import wrap

MOST_LINES = 3
"""Of a message, in the panel."""
MOST_WARNINGS = 3
"""Warnings in the panel; the others are behind a click."""


def draw_short(layout: UILayout, context: Context, message: str, hint: str = "", icon: str = "ERROR") -> None:
    """A message in red and what to do about it; where that is long, its beginning and a button that shows it all."""
    lines = wrap(message, context.region.width / context.preferences.system.ui_scale)
    column = layout.column(align=True)
    column.alert = True
    if len(lines) <= MOST_LINES:
        draw_text(column, context, message, icon)
    else:
        # Without its last word there is room for the dots.
        beginning = " ".join(lines[:MOST_LINES]).rpartition(" ")[0]
        draw_text(column, context, beginning.rstrip(".,;: ") + " …", icon)
        whole = f"{message}\n{hint}" if hint else message
        layout.operator("styletex.show_message", text=_("Show All"), icon="TEXT").message = whole
    if hint:
        draw_text(layout, context, hint, "BLANK1")


def draw_warnings(layout: UILayout, context: Context, warnings: list[str]) -> None:
    """The first warnings, and a button that shows all where there are more."""
    warnings = [said(warning) for warning in warnings]
    for warning in warnings[:MOST_WARNINGS]:
        draw_text(layout, context, warning, "INFO")
    if (more := len(warnings) - MOST_WARNINGS) > 0:
        text = _("{count} more warnings").format(count=more)
        layout.operator("styletex.show_message", text=text, icon="TEXT").message = "\n".join(warnings)
