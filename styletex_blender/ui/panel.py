# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "StyleTex" in the sidebar of the 3D viewport."""

from __future__ import annotations

import bpy
from bpy.types import Context, Panel, UILayout

from ..worker import runner
from ..worker.environment import NOT_INSTALLED
from ..worker.run_state import Run
from .availability import selected_meshes, why_no_worker, why_not
from .draw_text import draw_text
from .panel_text import object_line, outcome_line, progress_line

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
        settings_column = layout.column()
        settings_column.enabled = running is None
        _draw_settings(settings_column, context.scene.styletex)
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
        layout, settings = _property_layout(self.layout), context.scene.styletex
        layout.prop(settings, "texture_size")
        layout.prop(settings, "tiles")
        layout.prop(settings, "seed")
        layout.prop(settings, "destination")
        row = layout.row(heading="Restyle")
        row.prop(settings, "start_from_present", text="")
        value = row.row()
        value.active = settings.start_from_present
        value.prop(settings, "restyle_strength", text="")


class STYLETEX_PT_style(_StyleTexPanel, Panel):
    """How the style is taken from its image"""

    bl_label = "Style and Model"
    bl_parent_id = "STYLETEX_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Model, how strong and how large the style is, what of it is kept out, tone and light."""
        layout, settings = _property_layout(self.layout), context.scene.styletex
        layout.prop(settings, "profile")
        layout.prop(settings, "style_strength")
        row = layout.row()
        row.active = bool(settings.content.strip())
        row.prop(settings, "content_removal")
        for name, heading in (("stroke_size", "Strokes"), ("detail", "Detail"), ("tone", "Tone")):
            _draw_optional(layout, settings, name, heading)
        layout.prop(settings, "shading")


def _draw_optional(layout: UILayout, settings: bpy.types.PropertyGroup, name: str, heading: str) -> None:
    """A value that counts where the box before it is ticked."""
    row = layout.row(heading=heading)
    row.prop(settings, f"use_{name}", text="")
    value = row.row()
    value.active = getattr(settings, f"use_{name}")
    value.prop(settings, name, text="")


def _property_layout(layout: UILayout) -> UILayout:
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.enabled = runner.running() is None
    return layout.column()


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
    row.operator("styletex.stylize", text=f"Stylize {count} Textures" if count > 1 else "Stylize Texture")
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
    row.operator("styletex.finish")
    row.operator("styletex.cancel")


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
    codes = {error.code for _, error in run.failures}
    if codes & _SETUP_CODES:
        row.operator("styletex.open_preferences")
    if codes - _PLAIN_CODES:
        row.operator("styletex.open_log")
    row.operator("styletex.dismiss")


_CLASSES = (STYLETEX_PT_main, STYLETEX_PT_texture, STYLETEX_PT_style)


def register() -> None:
    """Add the panels."""
    for panel in _CLASSES:
        bpy.utils.register_class(panel)


def unregister() -> None:
    """Take them away."""
    for panel in reversed(_CLASSES):
        bpy.utils.unregister_class(panel)
