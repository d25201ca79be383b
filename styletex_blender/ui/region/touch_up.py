# SPDX-License-Identifier: GPL-3.0-or-later
"""Touch Up: from a finished texture to painting on it, with one click."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from __future__ import annotations

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Operator

from ...translation.translate import _


class STYLETEX_OT_touch_up(Operator):
    """Paint on this texture in Texture Paint"""

    bl_idname = "styletex.touch_up"
    bl_label = "Touch Up"
    bl_options = {"INTERNAL", "UNDO"}

    image: StringProperty(name="Image", description="Name of the image", options={"SKIP_SAVE", "HIDDEN"})
    object_name: StringProperty(name="Object", description="Name of the object", options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        """Make the object active, go into Texture Paint, and have the brush paint on the image."""
        target, image = bpy.data.objects.get(self.object_name), bpy.data.images.get(self.image)
        problem = _why_not(context, target, image)
        if problem:
            self.report({"ERROR"}, problem)
            return {"CANCELLED"}
        if context.object is not None and context.object.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        for other in context.selected_objects:
            other.select_set(False)
        target.select_set(True)
        context.view_layer.objects.active = target
        # The canvas is chosen first: without one, Blender's own set-up would add a slot.
        paint = context.tool_settings.image_paint
        if not _paint_slot(target, image):
            paint.mode, paint.canvas = "IMAGE", image
        else:
            paint.mode = "MATERIAL"
        bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
        _choose_slot(target, image)
        return {"FINISHED"}


def _why_not(context: Context, target: bpy.types.Object | None, image: bpy.types.Image | None) -> str:
    if target is None or context.view_layer.objects.get(target.name) != target:
        return _("The object is not in the view layer any more")
    if image is None:
        return _("The image is not there any more")
    if not target.visible_get():
        return _("The object is hidden")
    if target.library or target.override_library or target.data.library:
        return _("The object is linked from another file")
    return ""


def _paint_slot(target: bpy.types.Object, image: bpy.types.Image) -> bool:
    """Have the object's materials show the image as what is painted on, where it is in all of them that have faces."""
    materials = {slot.material for slot in target.material_slots if slot.material is not None}
    found = False
    for material in materials:
        if (tree := material.node_tree) is None:
            return False
        node = next((node for node in tree.nodes if node.type == "TEX_IMAGE" and node.image == image), None)
        if node is None:
            return False
        # The active node is what is painted on, and what Solid mode shows.
        tree.nodes.active = node
        found = True
    return found


def _choose_slot(target: bpy.types.Object, image: bpy.types.Image) -> None:
    for slot in target.material_slots:
        if slot.material is None:
            continue
        for number, painted in enumerate(slot.material.texture_paint_images):
            if painted == image:
                slot.material.paint_active_slot = number


def register() -> None:
    """Add the operator."""
    bpy.utils.register_class(STYLETEX_OT_touch_up)


def unregister() -> None:
    """Take it away."""
    bpy.utils.unregister_class(STYLETEX_OT_touch_up)
