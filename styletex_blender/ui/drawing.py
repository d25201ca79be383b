# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's layouts lack: text over several lines, and buttons and fields that work under a resting pointer.

Blender keeps a button that the pointer is on from one drawing to the next, and with it that it is grey: once grey, it
stays dead until the pointer has left it. So what cannot be used now is not drawn grey but as text, which Blender cannot
take for the button that it becomes. A button that people wait for with the pointer on it is never grey at all, since a
new one wakes up only when the pointer moves.
"""

from __future__ import annotations

from bpy.types import Context, OperatorProperties, UILayout

from ..translation.translate import _
from .panel_text import wrap
from .reasoned_operator import ReasonedOperator


def draw_text(layout: UILayout, context: Context, text: str, icon: str) -> None:
    """Text over as many lines as the region's width asks for; the icon stands before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    width = context.region.width / context.preferences.system.ui_scale
    for number, line in enumerate(wrap(text, width)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1", translate=False)


def draw_button(
    layout: UILayout,
    context: Context,
    operator: type[ReasonedOperator],
    text: str = "",
    icon: str = "NONE",
    unusable: str = "",
) -> OperatorProperties | None:
    """A button, or where it cannot be used grey words of its size: ``unusable``, or the same ones.

    Returns:
        What to set the operator's properties on; ``None`` where there is no button.
    """
    if not operator.why_not(context):
        named = {"text": text} if text else {}
        return layout.operator(operator.bl_idname, icon=icon, **named)
    row = layout.box().row()
    row.active = False
    row.scale_y = 0.7
    row.label(text=unusable or text or _(operator.bl_label), icon=icon)
    return None
