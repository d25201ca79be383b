# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the active object."""

from __future__ import annotations

import time
from collections import Counter

import bpy
from bpy.types import Context, Panel, UILayout

from ...history import entries, shown
from ...history.record import Record, read_record
from ...library.thumbnails import icon_of_image
from ...names import name_of
from ...scene.image import missing_file
from ...translation.translate import _
from ..drawing import draw_button, draw_text
from ..results.sidebar import SidebarPanel
from .history_operators import (
    STYLETEX_OT_history_apply,
    STYLETEX_OT_history_compare,
    STYLETEX_OT_history_copy_settings,
    STYLETEX_OT_history_rerun,
    object_of,
    why_not_changed,
)

_COLUMN_WIDTH = 70.0
"""Least width of a thumbnail, in pixels at interface scale 1."""
_MARGINS = 40.0
_FEWEST_COLUMNS = 2
_THUMBNAIL = 3.2
"""Its side, in heights of a button."""
_MEGABYTE = 1e6


class STYLETEX_PT_history(SidebarPanel, Panel):
    """What was made for the active object before: click a result to look at it on the object"""

    bl_label = "History"
    bl_parent_id = "STYLETEX_PT_main"
    bl_order = 2

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only for a mesh that has results."""
        return object_of(context) is not None

    def draw(self, context: Context) -> None:
        """The thumbnails, then the chosen one and what can be done with it."""
        target = object_of(context)
        if target is None:
            return
        images = entries.images_of(target)
        records = [read_record(image) for image in images]
        chosen, on_it, applied = entries.chosen_image(target), shown.shown_images(target), shown.applied_images(target)
        may_change = not why_not_changed(context)
        grid = self.layout.grid_flow(row_major=True, columns=_columns(context), even_columns=True, align=False)
        for number, (image, text) in enumerate(zip(images, _labels(records), strict=True)):
            column = grid.column(align=True)
            column.template_icon(icon_value=icon_of_image(image), scale=_THUMBNAIL)
            icon = "CHECKMARK" if image in applied else "NONE"
            if may_change:
                column.operator("styletex.history_show", text=text, icon=icon, depress=image in on_it).number = number
            else:
                column.label(text=text, icon=icon, translate=False)
        if chosen is not None:
            record = records[images.index(chosen)]
            _draw_chosen(self.layout, context, chosen, record, on_it, applied, may_change)
        _draw_size(self.layout, images, context.scene.styletex.history_limit, may_change)
        # Last, since it comes and goes: Compare stays where the pointer is.
        if text := _note(target, on_it, applied):
            draw_text(self.layout, context, text, "INFO")


def _labels(records: list[Record | None]) -> list[str]:
    """A label for each tile, the newest first: its seed, with a number behind the later ones of the same seed, and a
    star where only a part was textured.
    """
    made: Counter[int] = Counter()
    found: list[str] = []
    for record in reversed(records):
        if record is None:
            found.append("?")
            continue
        made[record.seed] += 1
        count = f" ({made[record.seed]})" if made[record.seed] > 1 else ""
        found.append(f"{record.seed}{'*' if record.region_digest else ''}{count}")
    return found[::-1]


def _note(target: bpy.types.Object, on_it: list[bpy.types.Image], applied: list[bpy.types.Image]) -> str:
    """What is special about what the object shows, or nothing."""
    if on_it and on_it == applied:
        gone = next((path for image in applied if (path := missing_file(image)) is not None), None)
        return _("The file of the applied result is gone: {path}").format(path=gone) if gone is not None else ""
    if applied:
        return _("You are looking at it; another one is applied")
    return _("The image that was applied is deleted: apply another result") if shown.is_textured(target) else ""


def _columns(context: Context) -> int:
    width = context.region.width / context.preferences.system.ui_scale - _MARGINS
    return max(_FEWEST_COLUMNS, int(width / _COLUMN_WIDTH))


def _draw_chosen(
    layout: UILayout,
    context: Context,
    image: bpy.types.Image,
    record: Record | None,
    on_it: list[bpy.types.Image],
    applied: list[bpy.types.Image],
    may_change: bool,
) -> None:
    column = layout.column(align=True)
    column.label(text=_headline(record), icon="CHECKMARK" if image in applied else "HIDE_OFF", translate=False)
    detail = column.column(align=True)
    detail.active = False
    detail.label(text=_origin(image, record), icon="BLANK1", translate=False)
    if image not in applied:
        row = layout.row(align=True)
        text = _("Back to Applied") if image in on_it else _("Compare")
        draw_button(row, context, STYLETEX_OT_history_compare, text, icon="ARROW_LEFTRIGHT")
        draw_button(row, context, STYLETEX_OT_history_apply, _("Apply"))
    row = layout.row(align=True)
    draw_button(row, context, STYLETEX_OT_history_rerun, _("Make Again"), icon="FILE_REFRESH")
    draw_button(row, context, STYLETEX_OT_history_copy_settings, _("Copy Settings"))
    row = layout.row(align=True)
    row.operator("styletex.show_image", text=name_of(image), icon="IMAGE_DATA").image_uid = image.session_uid
    row.operator("styletex.save_image", text="", icon="FILE_TICK").image_uid = image.session_uid
    if image not in applied and may_change:
        row.operator("styletex.history_delete", text="", icon="TRASH")


def _headline(record: Record | None) -> str:
    """What was asked for: "Seed 3 · Balanced · 1024 px"."""
    if record is None:
        return _("Not known how it was made")
    presets = bpy.types.Scene.bl_rna.properties["styletex"].fixed_type.properties["preset"].enum_items
    preset = str(record.settings.get("preset", ""))
    words = [_("Seed {seed}").format(seed=record.seed), _(presets[preset].name) if preset in presets else preset]
    if record.region_digest:
        words.append(_("* a part alone"))
    if record.settings.get("start_from_present"):
        words.append(_("Restyle"))
    return " · ".join(words)


def _origin(image: bpy.types.Image, record: Record | None) -> str:
    """Its style image, and when it was made."""
    if record is None:
        return name_of(image)
    return f"{record.settings['style_image']} · {time.strftime('%d %b %H:%M', time.localtime(record.made))}"


def _draw_size(layout: UILayout, images: list[bpy.types.Image], limit: int, may_change: bool) -> None:
    """How many there are of how many, how large they are, and a way to have fewer."""
    row = layout.row()
    size = sum(entries.size_of(image) for image in images) / _MEGABYTE
    text = _("{count} of {limit}, {size:.1f} MB").format(count=len(images), limit=limit, size=size)
    row.label(text=text, icon="FILE_BLEND", translate=False)
    if len(images) > 1 and may_change:
        row.operator("styletex.history_clean_up")
