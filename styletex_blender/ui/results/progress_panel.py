# SPDX-License-Identifier: GPL-3.0-or-later
"""How the run goes that is going on."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from ...translation.translate import _
from ...worker import runner
from ...worker.run_state import Run
from ..drawing import draw_button, draw_text
from ..operators import STYLETEX_OT_again
from ..panel_text import changes_text, object_line, progress_line
from .sidebar import SidebarPanel, draw_switch_to_textures


class STYLETEX_PT_progress(SidebarPanel, Panel):
    """How the texture comes on"""

    bl_label = "Progress"
    bl_parent_id = "STYLETEX_PT_main"
    bl_order = 0

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only while a texture is made."""
        return runner.running() is not None

    def draw(self, context: Context) -> None:
        """Object, progress, the ways to end it, and what has changed meanwhile."""
        run = runner.running()
        if run is not None:
            _draw(self.layout, context, run)


def _draw(layout: UILayout, context: Context, run: Run) -> None:
    layout.label(text=object_line(run), icon="MESH_DATA", translate=False)
    layout.progress(factor=run.fraction, text=progress_line(run))
    draw_switch_to_textures(layout, context)
    row = layout.row(align=True)
    cancelling = run.wants_cancel or run.wants_again
    finishing = run.wants_finish and not cancelling
    row.operator("styletex.finish", text=_("Finishing") if finishing else _("Stop and Keep"))
    row.operator("styletex.cancel", text=_("Canceling") if cancelling else _("Cancel"))
    if run.waits_for:
        draw_text(layout, context, _("A finished texture waits for {what}").format(what=run.waits_for), "SORTTIME")
    if text := changes_text(run):
        column = layout.column(align=True)
        column.alert = bool(run.changes.unfit)
        draw_text(column, context, text, "ERROR" if run.changes.unfit else "INFO")
        draw_button(layout, context, STYLETEX_OT_again, icon="FILE_REFRESH")
    for warning in run.warnings:
        draw_text(layout, context, warning, "INFO")
