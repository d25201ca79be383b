# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "StyleTex" in the sidebar of the 3D viewport."""

from __future__ import annotations

import bpy
from bpy.types import Context, Panel, UILayout

from ..names import name_of
from ..settings import PROMPT_OPTIONAL
from ..translation.translate import _
from ..worker import runner
from ..worker.environment import NOT_INSTALLED
from .availability import selected_meshes, why_no_worker, why_not
from .drawing import draw_button, draw_text
from .history.history_panel import STYLETEX_PT_history
from .models.model_drawing import draw_missing, draw_own_files, missing_model
from .operators import STYLETEX_OT_stylize
from .presets.preset_menu import STYLETEX_PT_presets
from .properties import ObjectSettings
from .queue.queue_panel import STYLETEX_PT_queue
from .region.region_panel import STYLETEX_PT_region, part_in_words
from .results.kept_textures import draw_kept, kept_textures
from .results.outcome_panel import STYLETEX_PT_outcome
from .results.progress_panel import STYLETEX_PT_progress
from .results.sidebar import SidebarPanel
from .styles.more_styles import draw_more_styles
from .styles.shown_words import draw_asking, draw_words

_SMALLEST, _LARGEST = 2.0, 4.0
"""Sides of the style image's thumbnail, in heights of a button: the button below is to be seen on a small screen."""
_ROW = 20.0
"""Height of a button in pixels, at an interface scale of 1."""
_OTHER_ROWS = 14.0
"""Heights of a button that all but the thumbnail takes: the sidebar's top, words, button, and a reason below it."""
_TITLES_SHARE = 0.28
"""Of the width, for the titles beside text fields."""


class STYLETEX_PT_main(SidebarPanel, Panel):
    """What to make, and the button that makes it"""

    bl_label = "StyleTex"

    def draw_header_preset(self, _context: Context) -> None:
        """Help, and the menu of presets."""
        row = self.layout.row(align=True)
        row.emboss = "NONE"
        row.operator("styletex.open_help", text="", icon="QUESTION")
        STYLETEX_PT_presets.draw_panel_header(row)

    def draw(self, context: Context) -> None:
        """Settings, then the button; what becomes of them has panels of its own."""
        _draw_settings(self.layout, context, context.scene.styletex)
        _draw_button(self.layout, context)


class STYLETEX_PT_kept(SidebarPanel, Panel):
    """Finished textures that are not on their objects; each is kept for 30 days of use, or until it is removed"""

    bl_label = "Kept Textures"
    bl_parent_id = "STYLETEX_PT_main"
    bl_order = 2

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only when there are any that nothing is being done with."""
        return runner.running() is None and bool(kept_textures())

    def draw(self, context: Context) -> None:
        """Each with its buttons."""
        for texture in kept_textures():
            draw_kept(self.layout, context, texture)


class STYLETEX_PT_object(SidebarPanel, Panel):
    """Words, style and seed for the active object alone; hold Alt to set them for all selected objects"""

    bl_label = "Own Settings"
    bl_parent_id = "STYLETEX_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 3

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only for a mesh."""
        return context.object is not None and context.object.type == "MESH"

    def draw_header(self, context: Context) -> None:
        """Whether they count."""
        self.layout.prop(context.object.styletex, "use_own", text="")

    def draw(self, context: Context) -> None:
        """The object's own style image, words and seed."""
        layout, own = self.layout, context.object.styletex
        layout.active = own.use_own
        layout.label(text=name_of(context.object), icon="OBJECT_DATA", translate=False)
        _draw_style(layout, own, scale=3.0)
        column = layout.column(align=True)
        _draw_words(column, _("Object"), own, "prompt", _("as for all"))
        if own.style_image is not None:
            _draw_shown(column, context, own)
        row = layout.split(factor=_TITLES_SHARE, align=True)
        row.label(text=_("Seed"))
        field = row.row()
        field.prop(own, "use_seed", text="")
        value = field.row()
        value.active = own.use_seed
        value.prop(own, "seed", text="")


class STYLETEX_PT_texture(SidebarPanel, Panel):
    """What the texture is like and where it goes"""

    bl_label = "Texture"
    bl_parent_id = "STYLETEX_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 4

    def draw(self, context: Context) -> None:
        """Size, seed, place, and what to start from."""
        layout, settings = _property_layout(self.layout, context)
        for name in ("texture_size", "tiles", "seed", "variations", "destination", "material"):
            layout.prop(settings, name)
        _draw_optional(layout, settings, "relief", "use_relief", _("Relief"))
        _draw_optional(layout, settings, "restyle_strength", "start_from_present", _("Restyle"))
        layout.prop(settings, "history_limit")


class STYLETEX_PT_style(SidebarPanel, Panel):
    """How the style is taken from its image"""

    bl_label = "Style and Model"
    bl_parent_id = "STYLETEX_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 5

    def draw(self, context: Context) -> None:
        """Model, how strong and how large the style is, what of it is kept out, colors and light."""
        layout, settings = _property_layout(self.layout, context)
        layout.prop(settings, "profile")
        if settings.profile in PROMPT_OPTIONAL:
            draw_text(layout, context, _("This model makes little of what the object is called"), "INFO")
        draw_own_files(layout, context, settings)
        draw_more_styles(layout, settings)
        layout.prop(settings, "style_strength")
        row = layout.row()
        row.active = bool(settings.content.strip())
        row.prop(settings, "content_removal")
        for name, heading in (
            ("stroke_size", _("Strokes")),
            ("detail", _("Detail")),
            ("tone", _("Color Match")),
        ):
            _draw_optional(layout, settings, name, f"use_{name}", heading)
        layout.prop(settings, "shading")


def _draw_optional(layout: UILayout, settings: bpy.types.PropertyGroup, name: str, switch: str, heading: str) -> None:
    """A value that counts where the box before it is ticked."""
    row = layout.row(heading=heading)
    row.prop(settings, switch, text="")
    value = row.row()
    value.active = getattr(settings, switch)
    value.prop(settings, name, text="")


def _property_layout(layout: UILayout, context: Context) -> tuple[UILayout, bpy.types.PropertyGroup]:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column(), context.scene.styletex


def _thumbnail(context: Context) -> float:
    """How large the style image is: where the sidebar is low, button and reason come before it."""
    rows = context.region.height / (_ROW * context.preferences.system.ui_scale)
    return min(_LARGEST, max(_SMALLEST, rows - _OTHER_ROWS))


def _draw_settings(layout: UILayout, context: Context, settings: bpy.types.PropertyGroup) -> None:
    _draw_style(layout, settings, _thumbnail(context))
    column = layout.column(align=True)
    if settings.prompt_from_name:
        hint = _("its name")
    else:
        hint = _("optional") if settings.profile in PROMPT_OPTIONAL else _("a wooden chest")
    row = _draw_words(column, _("Object"), settings, "prompt", hint, active=not settings.prompt_from_name)
    row.prop(settings, "prompt_from_name", text="", icon="SORTALPHA")
    _draw_shown(column, context, settings)
    layout.row(align=True).prop(settings, "preset", expand=True)


def _draw_style(layout: UILayout, settings: bpy.types.PropertyGroup, scale: float) -> None:
    """The style image: a click on it shows the thumbnails."""
    column = layout.column(align=True)
    column.template_icon_view(settings, "style_choice", show_labels=True, scale=scale, scale_popup=5.0)
    row = column.row(align=True)
    # Not template_ID: of the samples, which are packed, it offers to unpack them in place of opening another one.
    row.prop(settings, "style_image", text="")
    button = row.operator("styletex.use_style", text="", icon="FILE_FOLDER")
    button.for_object = isinstance(settings, ObjectSettings)
    row.operator("styletex.choose_styles_folder", text="", icon="FILE_CACHE")


def _draw_words(
    layout: UILayout, title: str, settings: bpy.types.PropertyGroup, name: str, hint: str, active: bool = True
) -> UILayout:
    """A text field with its title before it; returns where more can stand behind it."""
    row = layout.split(factor=_TITLES_SHARE, align=True)
    row.label(text=title)
    field = row.row(align=True)
    words = field.row(align=True)
    words.active = active
    words.prop(settings, name, text="", placeholder=hint)
    return field


def _draw_shown(layout: UILayout, context: Context, settings: bpy.types.PropertyGroup) -> None:
    """The words for what the style image shows, and those that the model proposes."""
    profile, for_object = context.scene.styletex.profile, isinstance(settings, ObjectSettings)
    field = _draw_words(layout, _("Shown"), settings, "content", _("nothing but pattern"))
    draw_asking(field, settings, profile, for_object)
    draw_words(layout, context, settings, profile, for_object)


def _draw_button(layout: UILayout, context: Context) -> None:
    settings = context.scene.styletex
    if not why_no_worker() and (model := missing_model(settings.profile, settings.own_model)) is not None:
        draw_missing(layout, context, model)
        return
    count = len(selected_meshes(context)) * context.scene.styletex.variations
    row = layout.row()
    row.scale_y = 1.6
    if runner.unfinished() is not None:
        text = _("Add {count} to Queue").format(count=count) if count > 1 else _("Add to Queue")
    else:
        text = _("Stylize {count} Textures").format(count=count) if count > 1 else _("Stylize Texture")
    draw_button(row, context, STYLETEX_OT_stylize, text)
    if part := part_in_words(context):
        layout.label(text=_("Only here: {part}").format(part=_(part)), icon="MOD_MASK", translate=False)
    if reason := why_not(context):
        draw_text(layout, context, reason, "INFO")
        if why_no_worker():
            text = _("Install in Preferences") if _(NOT_INSTALLED) in reason else _("Open Preferences")
            layout.operator("styletex.open_preferences", text=text, icon="PREFERENCES")


_CLASSES = (
    STYLETEX_PT_main,
    STYLETEX_PT_progress,
    STYLETEX_PT_queue,
    STYLETEX_PT_outcome,
    STYLETEX_PT_history,
    STYLETEX_PT_kept,
    STYLETEX_PT_object,
    STYLETEX_PT_region,
    STYLETEX_PT_texture,
    STYLETEX_PT_style,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
