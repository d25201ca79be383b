# SPDX-License-Identifier: GPL-3.0-or-later
"""How the run goes that is going on."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from ...translation.translate import _
from ...worker import runner
from ...worker.run_state import Run
from ..drawing import draw_button, draw_text
from ..help.short_text import draw_warnings
from ..operators import STYLETEX_OT_again
from ..panel_text import changes_text, object_line, progress_line, saved_text
from .sidebar import SidebarPanel, draw_switch_to_textures


class STYLETEX_PT_progress(SidebarPanel, Panel):
    """How the texture comes on"""

    bl_label = "Progress"
    bl_parent_id = "STYLETEX_PT_main"
    bl_order = 0

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only while a texture is made, or when it is paused."""
        return runner.unfinished() is not None

    def draw(self, context: Context) -> None:
        """Object, progress, the ways to end it, and what has changed meanwhile."""
        run = runner.unfinished()
        if run is not None and run.paused:
            _draw_paused(self.layout, run)
        elif run is not None:
            _draw(self.layout, context, run)


def _draw_paused(layout: UILayout, run: Run) -> None:
    task = run.open_tasks[0]
    step, steps = run.saved.get(task.key, (0, 0))
    layout.label(text=task.name, icon="MESH_DATA", translate=False)
    saved = saved_text(run, task)
    text = _("Paused, goes on from {percent}").format(percent=saved) if saved else _("Paused")
    layout.progress(factor=step / steps if steps else 0.0, text=text)
    row = layout.row(align=True)
    row.operator("styletex.resume", icon="PLAY")
    row.operator("styletex.queue_cancel", text=_("Cancel")).key = task.key


def _draw(layout: UILayout, context: Context, run: Run) -> None:
    layout.label(text=object_line(run), icon="MESH_DATA", translate=False)
    layout.progress(factor=run.fraction, text=progress_line(run))
    draw_switch_to_textures(layout, context)
    if (begun := run.begun) is not None and (saved := saved_text(run, begun)):
        layout.label(text=_("Saved up to {percent}").format(percent=saved), icon="CHECKMARK")
    row = layout.row(align=True)
    cancelling = run.stops_this or run.wants_again
    if run.wants_pause:
        row.operator("styletex.resume", text="", icon="PLAY")
    else:
        row.operator("styletex.pause", text="", icon="PAUSE")
    finishing = run.wants_finish and not cancelling
    row.operator("styletex.finish", text=_("Finishing") if finishing else _("Stop and Keep"))
    cancel = _("Canceling") if cancelling else _("Cancel")
    if begun is not None and len(run.open_tasks) > 1:
        row.operator("styletex.queue_cancel", text=cancel).key = begun.key
    else:
        row.operator("styletex.cancel", text=cancel)
    if run.waits_for:
        draw_text(layout, context, _("A finished texture waits for {what}").format(what=run.waits_for), "SORTTIME")
    if text := changes_text(run):
        column = layout.column(align=True)
        column.alert = run.object_gone or bool(run.changes.unfit)
        draw_text(column, context, text, "ERROR" if column.alert else "INFO")
        if not run.object_gone:
            draw_button(layout, context, STYLETEX_OT_again, icon="FILE_REFRESH")
    draw_warnings(layout, context, run.warnings)
