# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue: what is made, what waits, what failed, and how long all of it will take."""

from __future__ import annotations

import bpy
from bpy.types import Context, Panel, UILayout

from ... import api
from ...install.quantities import duration
from ...library.thumbnails import icon_of_image
from ...translation.translate import _, said
from ...worker import runner
from ...worker.queue import listing, order, time_left
from ...worker.queue.order import State
from ...worker.run_state import Run, Task
from ..drawing import draw_button, draw_text
from ..help.help_buttons import draw_help
from ..help.short_text import draw_short
from ..panel_text import saved_text
from ..results.outcome_panel import shows_error_of
from ..results.sidebar import SidebarPanel
from .farm_box import draw_farm
from .queue_list import is_gone
from .queue_operators import STYLETEX_OT_stylize_collection

_MOST_ROWS = 6


class STYLETEX_PT_queue(SidebarPanel, Panel):
    """Textures that are made one after another"""

    bl_label = "Queue"
    bl_parent_id = "STYLETEX_PT_main"
    bl_order = 0

    def draw(self, context: Context) -> None:
        """The list with its buttons, the whole time left, and what is known of the chosen one."""
        layout, run = self.layout, runner.current_run()
        # First, since what is below it comes and goes.
        _draw_collection(layout, context)
        is_listed = run is not None and bool(run.tasks) and (_failed(run) or not run.finished)
        if is_listed and run is not None:
            _draw_list(layout, context, run)
            _draw_whole(layout, run)
        else:
            draw_text(layout, context, _("What you add while a texture is made waits here"), "INFO")
        if is_listed and run is not None:
            _draw_chosen(layout, context, run)
        for outcome in run.refused if run is not None and not run.finished else []:
            if outcome.error is not None:
                text = _("{name} was not added: {why}").format(name=outcome.name, why=said(outcome.error.message))
                draw_short(layout, context, text)
        draw_farm(layout, context)


def _draw_collection(layout: UILayout, context: Context) -> None:
    count = len(api.meshes_of(context.collection, context.view_layer))
    text = _("Stylize Collection ({count})").format(count=count) if count else ""
    draw_button(layout, context, STYLETEX_OT_stylize_collection, text, icon="OUTLINER_COLLECTION")


def _failed(run: Run) -> bool:
    """Whether there is something that can be tried again."""
    return any(order.state_of(run, task) is State.FAILED for task in run.tasks)


def _draw_list(layout: UILayout, context: Context, run: Run) -> None:
    manager, rows = context.window_manager, min(max(len(run.tasks), 4), _MOST_ROWS)
    row = layout.row()
    row.template_list("STYLETEX_UL_queue", "", manager, "styletex_queue", manager, "styletex_queue_index", rows=rows)
    column = row.column(align=True)
    column.operator("styletex.queue_move", text="", icon="TRIA_UP").up = True
    column.operator("styletex.queue_move", text="", icon="TRIA_DOWN").up = False
    column.separator()
    column.operator("styletex.queue_retry", text="", icon="FILE_REFRESH")
    column.operator("styletex.queue_cancel", text="", icon="X")


def _draw_chosen(layout: UILayout, context: Context, run: Run) -> None:
    task = order.find(run, listing.chosen_key())
    if task is None:
        return
    column = layout.column(align=True)
    style = bpy.data.images.get(task.settings["style_image"])
    icon = icon_of_image(style) if style is not None else 0
    picture = {"icon_value": icon} if icon else {"icon": "IMAGE_DATA"}
    column.label(text=task.settings["style_image"], translate=False, **picture)
    column.label(text=_("Seed {seed}").format(seed=task.settings["seed"]), icon="BLANK1", translate=False)
    if words := task.settings["prompt"].strip():
        column.label(text=words, icon="BLANK1", translate=False)
    if task.linked:
        text = _("Also for {count} objects with the same mesh").format(count=len(task.linked))
        draw_text(column, context, text, "LINKED")
    outcome = run.outcome_of(task)
    if outcome is not None and shows_error_of(run, task.key):
        return
    if outcome is not None and outcome.error is not None:
        error = outcome.error
        draw_short(layout.box(), context, said(error.message), said(error.hint))
        draw_help(layout, context, [error.code])
    elif line := _at_length(run, task):
        draw_text(column, context, line, "BLANK1")


def _draw_whole(layout: UILayout, run: Run) -> None:
    if not run.finished:
        left = time_left.seconds_left(run)
        if left is not None and len(run.open_tasks) > 1:
            layout.label(text=_("All done in {time}").format(time=duration(left)), icon="TIME")
        row = layout.row(align=True)
        if run.paused or run.wants_pause:
            row.operator("styletex.resume", icon="PLAY")
        else:
            row.operator("styletex.pause", icon="PAUSE")
        row.operator("styletex.cancel", text=_("Canceling") if run.wants_cancel else _("Cancel All"))
    if _failed(run):
        layout.operator("styletex.queue_retry", text=_("Retry Failed"), icon="FILE_REFRESH").all = True
    if run.finished:
        layout.operator("styletex.dismiss", text=_("Clear"))


def _at_length(run: Run, task: Task) -> str:
    """How a task stands, in a line; nothing where its row says it all, or the panel above."""
    if is_gone(task, order.state_of(run, task)):
        return _("Its object is gone: undo or redo (Ctrl+Shift+Z) brings it back")
    if task != run.begun and task in run.open_tasks and (saved := saved_text(run, task)):
        return _("Goes on from {percent}").format(percent=saved)
    return ""
