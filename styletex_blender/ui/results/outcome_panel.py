# SPDX-License-Identifier: GPL-3.0-or-later
"""How the last run came out: its images, and what went wrong."""

from __future__ import annotations

from bpy.types import Context, Panel, UILayout

from ...install.quantities import duration
from ...library.thumbnails import icon_of_image
from ...names import name_of
from ...translation.translate import _, said
from ...worker import runner
from ...worker.run_state import Outcome, Run
from ..drawing import draw_text
from ..help.help_buttons import draw_help
from ..help.short_text import draw_short, draw_warnings
from ..operators import STYLETEX_OT_again
from ..panel_text import outcome_line
from .sidebar import SidebarPanel, draw_switch_to_textures

_MOST_IMAGES = 8
"""So many images are listed."""
_MOST_ERRORS = 3
"""So many errors are; the queue's list has all of them."""


class STYLETEX_PT_outcome(SidebarPanel, Panel):
    """How the last textures came out"""

    bl_label = "Result"
    bl_parent_id = "STYLETEX_PT_main"
    bl_order = 1

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only when there is something to say: a texture that was undone is forgotten."""
        run = runner.current_run()
        return run is not None and run.finished and bool(images_of(run) or run.failures or run.warnings)

    def draw(self, context: Context) -> None:
        """Images, errors, warnings, and what can be done about them."""
        run = runner.current_run()
        if run is None:
            return
        draw_images(self.layout, context, run)
        if run.failures or run.warnings:
            _draw_problems(self.layout, context, run)
        else:
            self.layout.operator("styletex.dismiss")


def images_of(run: Run) -> list[Outcome]:
    """The objects of a run that have their texture still: an undo takes its image away."""
    return [outcome for outcome in run.outcomes if outcome.finished_image() is not None]


def shows_error_of(run: Run, key: str) -> bool:
    """Whether the error of a task, by its key, is among those that the panel shows."""
    failed = [outcome for outcome in run.outcomes if outcome.error is not None]
    return run.finished and key in {outcome.key for outcome in failed[:_MOST_ERRORS]}


def draw_images(layout: UILayout, context: Context, run: Run) -> None:
    """Each finished image with its object and its time, and the ways to see and to save it."""
    images = images_of(run)
    if not images:
        return
    if len(run.outcomes) > 1:
        draw_text(layout, context, outcome_line(len(images), len(run.outcomes)), "CHECKMARK")
    for outcome in images[:_MOST_IMAGES]:
        column = layout.column(align=True)
        row = column.row()
        row.label(text=outcome.name, icon="MESH_DATA", translate=False)
        time = row.row()
        time.alignment = "RIGHT"
        time.label(text=duration(outcome.seconds), translate=False)
        row = column.row(align=True)
        image = outcome.finished_image()
        if image is None:
            continue
        show = row.operator("styletex.show_image", text=name_of(image), icon_value=icon_of_image(image))
        show.image_uid = image.session_uid
        row.operator("styletex.save_image", text="", icon="FILE_TICK").image_uid = image.session_uid
        touch_up = row.operator("styletex.touch_up", text="", icon="TPAINT_HLT")
        touch_up.image_uid, touch_up.object_uid = image.session_uid, outcome.object_uid
    if len(images) > _MOST_IMAGES:
        layout.label(text=_("and {count} more").format(count=len(images) - _MOST_IMAGES))
    draw_switch_to_textures(layout, context)


def _draw_problems(layout: UILayout, context: Context, run: Run) -> None:
    box = layout.box()
    for object_name, error in run.failures[:_MOST_ERRORS]:
        several = len(run.tasks) + len(run.refused) > 1
        message = f"{object_name}: {said(error.message)}" if several else said(error.message)
        draw_short(box, context, message, said(error.hint))
    if (more := len(run.failures) - _MOST_ERRORS) > 0:
        box.label(text=_("and {count} more").format(count=more), icon="ERROR")
    draw_warnings(box, context, run.warnings)
    row = box.row(align=True)
    for outcome in run.kept_back if len(run.kept_back) == 1 else []:
        if outcome.kept is not None:
            row.operator("styletex.apply_kept").folder = outcome.kept.name
    if run.kept_back and not STYLETEX_OT_again.why_not(context):
        row.operator("styletex.again", icon="FILE_REFRESH")
    codes = {error.code for _name, error in run.failures}
    (draw_help(box, context, codes) if codes else box).operator("styletex.dismiss")
