# SPDX-License-Identifier: GPL-3.0-or-later
"""What all panels of the tab have in common."""

from __future__ import annotations

from bpy.types import Context, UILayout

from ...translation.translate import _


class SidebarPanel:
    """Beside ``bpy.types.Panel``: a panel of the tab "StyleTex" in the sidebar of the 3D viewport."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "StyleTex"


def draw_switch_to_textures(layout: UILayout, context: Context) -> None:
    """A way to a view that shows textures, where this one does not; the view changes by the user's click alone."""
    shading = context.space_data.shading
    if shading.type == "WIREFRAME" or (shading.type == "SOLID" and shading.color_type != "TEXTURE"):
        layout.prop_enum(shading, "type", "MATERIAL", text=_("Show in Material Preview"))
