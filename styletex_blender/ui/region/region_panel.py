# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel in which the part of the object is chosen that is to be textured alone."""

from __future__ import annotations

import bpy
from bpy.types import Context, Panel, UILayout

from ...names import name_of
from ...translation.translate import _
from ..drawing import draw_text
from ..results.sidebar import SidebarPanel


class STYLETEX_PT_region(SidebarPanel, Panel):
    """Texture a part of the object alone; the rest of its texture stays as it is"""

    bl_label = "Only Here"
    bl_parent_id = "STYLETEX_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 3

    def draw(self, context: Context) -> None:
        """The scene's part, or the object's own where that counts."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        target, settings = context.object, context.scene.styletex
        own = target.styletex if target is not None and target.type == "MESH" and target.styletex.use_own else None
        if own is not None:
            row = layout.row(heading=_("Own Part"))
            row.prop(own, "use_region", text=name_of(target), translate=False)
            settings = own if own.use_region else settings
        draw_region(layout.column(), context, settings)


def part_in_words(context: Context) -> str:
    """What will be textured alone, by the name that the panel gives it; empty for all of the object."""
    target, settings = context.object, context.scene.styletex
    if target is not None and target.type == "MESH" and target.styletex.use_own and target.styletex.use_region:
        settings = target.styletex
    if settings.region == "all":
        return ""
    return settings.bl_rna.properties["region"].enum_items[settings.region].name


def draw_region(layout: UILayout, context: Context, settings: bpy.types.PropertyGroup) -> None:
    """What is chosen, and by what it is known."""
    target = context.object
    layout.prop(settings, "region", text=_("Part"))
    if settings.region == "all":
        return
    if settings.region == "slot":
        layout.prop(settings, "region_slot")
        slots = target.material_slots if target is not None else []
        if settings.region_slot <= len(slots) and (material := slots[settings.region_slot - 1].material) is not None:
            row = layout.row()
            row.alignment = "RIGHT"
            row.label(text=name_of(material), icon="MATERIAL", translate=False)
    elif settings.region == "group" and target is not None and target.type == "MESH":
        layout.prop_search(settings, "region_group", target, "vertex_groups")
    elif settings.region == "group":
        layout.prop(settings, "region_group")
    elif settings.region == "mask":
        layout.template_ID(settings, "region_mask", new="image.new", open="image.open")
    layout.prop(settings, "region_border")
    if settings.region != "faces" or target is None or target.type != "MESH":
        return
    count = selected_faces(target)
    if count == 0:
        draw_text(layout, context, _("No face is selected"), "INFO")
    elif count is not None:
        layout.label(text=_("{count} faces").format(count=count), icon="FACESEL")


def selected_faces(target: bpy.types.Object) -> int | None:
    """How many faces are selected in Edit Mode; ``None`` outside of it, where counting them takes its time."""
    return target.data.total_face_sel if target.mode == "EDIT" else None
