# SPDX-License-Identifier: GPL-3.0-or-later
"""Text over several lines, which Blender's labels are not."""

from __future__ import annotations

from bpy.types import Context, UILayout

from .panel_text import wrap


def draw_text(layout: UILayout, context: Context, text: str, icon: str) -> None:
    """Text over as many lines as the region's width asks for; the icon stands before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    width = context.region.width / context.preferences.system.ui_scale
    for number, line in enumerate(wrap(text, width)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")
