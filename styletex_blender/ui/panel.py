# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "StyleTex" in the sidebar of the 3D viewport."""

from __future__ import annotations

import bpy
from bpy.types import Context, Panel, UILayout

from ..names import name_of
from ..worker import runner
from ..worker.environment import NOT_INSTALLED
from ..worker.run_state import Run
from .availability import selected_meshes, why_no_worker, why_not
from .drawing import draw_button, draw_property, draw_text, value_text
from .kept_textures import draw_kept, kept_textures
from .operators import (
    STYLETEX_OT_again,
    STYLETEX_OT_open_log,
    STYLETEX_OT_stylize,
)
from .panel_text import changes_text, object_line, outcome_line, progress_line

_SETUP_CODES = frozenset({"dependencies"})
"""Errors that the preferences can cure."""
_PLAIN_CODES = frozenset({"bad_image", "bad_mesh", "bad_request", "bad_setting"})
"""Errors that the log has nothing to add to."""


class _StyleTexPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "StyleTex"


class STYLETEX_PT_main(_StyleTexPanel, Panel):
    """What to make, and the button that makes it"""

    bl_label = "StyleTex"

    def draw(self, context: Context) -> None:
        """Settings, then the button or the progress, then what went wrong."""
        layout = self.layout
        running = runner.running()
        if running is None:
            _draw_settings(layout, context.scene.styletex)
        else:
            _draw_locked_settings(layout, context.scene.styletex)
        layout.separator()
        if running is not None:
            _draw_progress(layout, context, running)
            return
        _draw_button(layout, context)
        if (last := runner.current_run()) is not None:
            _draw_outcome(layout, context, last)


class STYLETEX_PT_texture(_StyleTexPanel, Panel):
    """What the texture is like and where it goes"""

    bl_label = "Texture"
    bl_parent_id = "STYLETEX_PT_main"

    def draw(self, context: Context) -> None:
        """Size, seed, place, and what to start from."""
        layout, settings, locked = *_property_layout(self.layout, context), runner.running() is not None
        for name in ("texture_size", "tiles", "seed", "destination"):
            draw_property(layout, settings, name, locked)
        _draw_optional(layout, settings, "restyle_strength", "start_from_present", "Restyle", locked)


class STYLETEX_PT_style(_StyleTexPanel, Panel):
    """How the style is taken from its image"""

    bl_label = "Style and Model"
    bl_parent_id = "STYLETEX_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Model, how strong and how large the style is, what of it is kept out, tone and light."""
        layout, settings, locked = *_property_layout(self.layout, context), runner.running() is not None
        draw_property(layout, settings, "profile", locked)
        draw_property(layout, settings, "style_strength", locked)
        row = layout.row()
        row.active = bool(settings.content.strip())
        draw_property(row, settings, "content_removal", locked)
        for name, heading in (("stroke_size", "Strokes"), ("detail", "Detail"), ("tone", "Tone")):
            _draw_optional(layout, settings, name, f"use_{name}", heading, locked)
        draw_property(layout, settings, "shading", locked)


class STYLETEX_PT_kept(_StyleTexPanel, Panel):
    """Finished textures that are not on their objects; each is kept for 30 days of use, or until it is removed"""

    bl_label = "Kept Textures"
    bl_parent_id = "STYLETEX_PT_main"

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only when there are any that nothing is being done with."""
        return runner.running() is None and bool(kept_textures())

    def draw(self, context: Context) -> None:
        """Each with its buttons."""
        for texture in kept_textures():
            draw_kept(self.layout, context, texture)


def _draw_optional(
    layout: UILayout, settings: bpy.types.PropertyGroup, name: str, switch: str, heading: str, locked: bool
) -> None:
    """A value that counts where the box before it is ticked."""
    is_on = getattr(settings, switch)
    if locked:
        draw_property(layout, settings, name if is_on else switch, locked, text=heading)
        return
    row = layout.row(heading=heading)
    row.prop(settings, switch, text="")
    value = row.row()
    value.active = is_on
    value.prop(settings, name, text="")


def _property_layout(layout: UILayout, context: Context) -> tuple[UILayout, bpy.types.PropertyGroup]:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column(), context.scene.styletex


def _draw_locked_settings(layout: UILayout, settings: bpy.types.PropertyGroup) -> None:
    """What is being made, while it cannot be changed, line by line where the fields were."""
    column = layout.column(align=True)
    column.label(text="Style Image")
    if settings.style_image is not None:
        column.box().template_icon(settings.style_image.preview_ensure().icon_id, scale=7.0)
        column.label(text=name_of(settings.style_image), icon="IMAGE_DATA")
    for title, text in (
        ("The object is", settings.prompt),
        ("The style image shows", settings.content.strip() or "nothing but pattern"),
    ):
        column = layout.column(align=True)
        column.label(text=title)
        column.label(text=text, icon="BLANK1")
    layout.label(text=value_text(settings, "preset"), icon="BLANK1")


def _draw_settings(layout: UILayout, settings: bpy.types.PropertyGroup) -> None:
    column = layout.column(align=True)
    column.label(text="Style Image")
    if settings.style_image is not None:
        box = column.box()
        box.template_icon(settings.style_image.preview_ensure().icon_id, scale=7.0)
    column.template_ID(settings, "style_image", open="image.open")
    column = layout.column(align=True)
    column.label(text="The object is")
    column.prop(settings, "prompt", text="", placeholder="a wooden treasure chest")
    column = layout.column(align=True)
    column.label(text="The style image shows")
    column.prop(settings, "content", text="", placeholder="nothing but pattern")
    layout.row(align=True).prop(settings, "preset", expand=True)


def _draw_button(layout: UILayout, context: Context) -> None:
    count = len(selected_meshes(context))
    row = layout.row()
    row.scale_y = 1.6
    draw_button(row, context, STYLETEX_OT_stylize, f"Stylize {count} Textures" if count > 1 else "Stylize Texture")
    if reason := why_not(context):
        draw_text(layout, context, reason, "INFO")
        if why_no_worker():
            text = "Install in Preferences" if NOT_INSTALLED in reason else "Open Preferences"
            layout.operator("styletex.open_preferences", text=text, icon="PREFERENCES")


def _draw_progress(layout: UILayout, context: Context, run: Run) -> None:
    box = layout.box()
    box.label(text=object_line(run), icon="MESH_DATA")
    box.progress(factor=run.fraction, text=progress_line(run))
    _draw_switch_to_textures(box, context)
    row = box.row(align=True)
    cancelling = run.wants_cancel or run.wants_again
    row.operator("styletex.finish", text="Finishing" if run.wants_finish and not cancelling else "Stop and Keep")
    row.operator("styletex.cancel", text="Cancelling" if cancelling else "Cancel")
    if run.waits_for:
        draw_text(box, context, f"A finished texture waits for {run.waits_for}", "SORTTIME")
    if text := changes_text(run):
        column = box.column(align=True)
        column.alert = bool(run.changes.unfit)
        draw_text(column, context, text, "ERROR" if run.changes.unfit else "INFO")
        draw_button(box, context, STYLETEX_OT_again, icon="FILE_REFRESH")
    for warning in run.warnings:
        draw_text(box, context, warning, "INFO")


def _draw_switch_to_textures(layout: UILayout, context: Context) -> None:
    """A way to a view that shows textures, where this one does not; the view changes by the user's click alone."""
    shading = context.space_data.shading
    if shading.type == "WIREFRAME" or (shading.type == "SOLID" and shading.color_type != "TEXTURE"):
        layout.prop_enum(shading, "type", "MATERIAL", text="Show in Material Preview")


def _draw_outcome(layout: UILayout, context: Context, run: Run) -> None:
    if line := outcome_line(run):
        layout.label(text=line, icon="CHECKMARK")
        _draw_switch_to_textures(layout, context)
    if not run.failures and not run.warnings:
        return
    box = layout.box()
    for object_name, error in run.failures:
        several = len(run.tasks) + len(run.refused) > 1
        message = f"{object_name}: {error.message}" if several else error.message
        column = box.column(align=True)
        column.alert = True
        draw_text(column, context, message, "ERROR")
        if error.hint:
            draw_text(box, context, error.hint, "BLANK1")
    for warning in run.warnings:
        draw_text(box, context, warning, "INFO")
    row = box.row(align=True)
    for outcome in run.kept_back if len(run.kept_back) == 1 else []:
        if outcome.kept is not None:
            row.operator("styletex.apply_kept").folder = outcome.kept.name
    if run.kept_back and not STYLETEX_OT_again.why_not(context):
        row.operator("styletex.again", icon="FILE_REFRESH")
    row = box.row(align=True)
    codes = {error.code for _, error in run.failures}
    if codes & _SETUP_CODES:
        row.operator("styletex.open_preferences")
    if codes - _PLAIN_CODES and not STYLETEX_OT_open_log.why_not(context):
        row.operator("styletex.open_log")
    row.operator("styletex.dismiss")


_CLASSES = (STYLETEX_PT_main, STYLETEX_PT_kept, STYLETEX_PT_texture, STYLETEX_PT_style)


def register() -> None:
    """Add the panels."""
    for panel in _CLASSES:
        bpy.utils.register_class(panel)


def unregister() -> None:
    """Take them away."""
    for panel in reversed(_CLASSES):
        bpy.utils.unregister_class(panel)
