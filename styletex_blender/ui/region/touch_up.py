# SPDX-License-Identifier: GPL-3.0-or-later
"""Touch Up: from a finished texture to painting on it, with one click."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from __future__ import annotations

import bpy
from bpy.props import IntProperty
from bpy.types import Context, Operator

from ....core.job import JobError
from ...history import entries, shown
from ...landing.put_back import map_for, slot_of
from ...translation.translate import _
from ...worker.run_state import find_image, find_object
from ..operators import refuse


class STYLETEX_OT_touch_up(Operator):
    """Paint on this texture in Texture Paint"""

    bl_idname = "styletex.touch_up"
    bl_label = "Touch Up"
    # No UNDO: in Texture Paint Blender would make a step of the image alone, which does not know of the mode.
    bl_options = {"INTERNAL"}

    image_uid: IntProperty(options={"SKIP_SAVE", "HIDDEN"})
    object_uid: IntProperty(options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        """Make the object active, show the image on it, and have the brush of Texture Paint paint on it."""
        target, image = find_object(self.object_uid, ""), find_image(self.image_uid)
        problem = _why_not(context, target, image)
        if problem or target is None or image is None:
            self.report({"ERROR"}, problem)
            return {"CANCELLED"}
        try:
            _show(target, image)
        except JobError as error:
            return refuse(self, error)
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
        # Without an active object the step is one of the whole file.
        with context.temp_override(active_object=None):
            bpy.ops.ed.undo_push(message=self.bl_label)
        return {"FINISHED"}


def _show(target: bpy.types.Object, image: bpy.types.Image) -> None:
    """Have the object show a result that it does not show: nobody paints on what cannot be seen.

    Raises:
        JobError: the result does not fit the object any more, or its file is gone.
    """
    if image in entries.images_of(target) and image not in shown.shown_images(target):
        shown.show([target], image, map_for(target, image), slot_of(image))
        target.styletex_history.chosen = image


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


register, unregister = bpy.utils.register_classes_factory((STYLETEX_OT_touch_up,))
