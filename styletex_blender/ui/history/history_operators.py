# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with the results of the active object. Those that change the file are steps of undo."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import bpy
from bpy.props import IntProperty
from bpy.types import Context, Image, Object, Operator

from ....core.job import JobError
from ... import api
from ...history import entries, shown
from ...landing.put_back import check_file, map_for, put_back, slot_of
from ...names import name_of
from ...rerunning import with_pictures
from ...translation.translate import _, said_whole
from ...worker.queue.linked import by_mesh
from ..availability import selected_meshes, why_no_worker
from ..reasoned_operator import ReasonedOperator


def object_of(context: Context) -> Object | None:
    """The active object, if it is a mesh that has results."""
    target = context.object
    has = target is not None and target.type == "MESH" and bool(entries.images_of(target))
    return target if has else None


def why_nothing_chosen(context: Context) -> str:
    """Why there is no result to do something with, or nothing."""
    return "" if object_of(context) is not None else _("The active object has no results")


def why_not_changed(context: Context) -> str:
    """Why a result cannot be shown or applied now, or nothing."""
    if reason := why_nothing_chosen(context):
        return reason
    if context.object.library or context.object.override_library:
        return _("The object is linked from another file")
    return "" if context.mode == "OBJECT" else _("Switch to Object Mode")


def _why_not_another(context: Context) -> str:
    """Why the chosen result cannot take the place of the applied one, or nothing."""
    if reason := why_not_changed(context):
        return reason
    target = context.object
    return _("It is applied already") if entries.chosen_image(target) in shown.applied_images(target) else ""


def _chosen(context: Context) -> tuple[Object, Image]:
    target = context.object
    image = entries.chosen_image(target)
    if image is None:
        raise JobError("bad_request", _("The active object has no results"))
    return target, image


def _refuse(operator: Operator, error: JobError) -> set[str]:
    operator.report({"ERROR"}, said_whole(error))
    return {"CANCELLED"}


class STYLETEX_OT_history_show(ReasonedOperator, Operator):
    """Look at this result on the object; what is applied comes back with Back to Applied"""

    bl_idname = "styletex.history_show"
    bl_label = "Show Result"
    bl_options = {"UNDO", "INTERNAL"}

    number: IntProperty(name="Number", description="The newest result is 0", options={"SKIP_SAVE"})

    why_not = staticmethod(why_not_changed)

    def execute(self, context: Context) -> set[str]:
        """Choose it, and show it."""
        target, images = context.object, entries.images_of(context.object)
        if not 0 <= self.number < len(images):
            return {"CANCELLED"}
        target.styletex_history.chosen = images[self.number]
        return _show(self, context, images[self.number])


def _alike(context: Context) -> list[Object]:
    """The active object, and those selected ones that have its mesh and its materials."""
    target = context.object
    return next(group for group in by_mesh([target, *_others(context)]) if target in group)


def _others(context: Context) -> list[Object]:
    return [other for other in selected_meshes(context) if other != context.object]


def _show(operator: Operator, context: Context, image: Image) -> set[str]:
    target, objects = context.object, _alike(context)
    try:
        if image in shown.applied_images(target):
            check_file(image)
            shown.show_applied(objects)
            return {"FINISHED"}
        uv_map = map_for(target, image)
    except JobError as error:
        return _refuse(operator, error)
    for earlier in entries.present_images(target):
        entries.add(target, earlier)
    if not shown.show(objects, image, uv_map, slot_of(image)):
        operator.report({"INFO"}, _("The object has another material now; press Apply to put this result there"))
    return {"FINISHED"}


class STYLETEX_OT_history_compare(ReasonedOperator, Operator):
    """Change between the chosen result and the applied one, at each click"""

    bl_idname = "styletex.history_compare"
    bl_label = "Compare"
    bl_options = {"UNDO", "INTERNAL"}

    @staticmethod
    def why_not(context: Context) -> str:
        if reason := _why_not_another(context):
            return reason if context.mode != "OBJECT" else _("Choose another result than the applied one")
        target = context.object
        if shown.is_textured(target) and not shown.applied_images(target):
            return _("The image that was applied is deleted")
        return ""

    def execute(self, context: Context) -> set[str]:
        """Show the other one."""
        target, chosen = _chosen(context)
        applied = shown.applied_images(target)
        return _show(self, context, applied[0] if applied and chosen in shown.shown_images(target) else chosen)


class STYLETEX_OT_history_apply(ReasonedOperator, Operator):
    """Put the chosen result on the object, and on the selected objects that share its mesh"""

    bl_idname = "styletex.history_apply"
    bl_label = "Apply Result"
    bl_options = {"UNDO", "INTERNAL"}

    why_not = staticmethod(_why_not_another)

    def execute(self, context: Context) -> set[str]:
        """Apply it."""
        target, chosen = _chosen(context)
        linked = [other for other in _others(context) if other.data == target.data]
        try:
            put_back(target, chosen, linked)
        except JobError as error:
            return _refuse(self, error)
        for other in linked:
            entries.add(other, chosen, entries.styles_of(target, chosen))
        return {"FINISHED"}


class STYLETEX_OT_history_rerun(ReasonedOperator, Operator):
    """Make the chosen result again from the same settings, style and start; a processor makes the very same one"""

    bl_idname = "styletex.history_rerun"
    bl_label = "Make Again"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(context: Context) -> str:
        return why_not_changed(context) or why_no_worker()

    def execute(self, context: Context) -> set[str]:
        """Start it, or add it to the queue."""
        try:
            api.rerun(*_chosen(context))
        except JobError as error:
            return _refuse(self, error)
        return {"FINISHED"}


class STYLETEX_OT_history_copy_settings(ReasonedOperator, Operator):
    """Set the panel to what the chosen result was made with"""

    bl_idname = "styletex.history_copy_settings"
    bl_label = "Copy Settings"
    bl_options = {"UNDO", "INTERNAL"}

    why_not = staticmethod(why_nothing_chosen)

    def execute(self, context: Context) -> set[str]:
        """Set them; a style image that is gone is named."""
        try:
            target, chosen = _chosen(context)
            settings = api.settings_of(chosen)
            if settings is None:
                raise JobError("bad_request", _("How {name} was made is not known").format(name=name_of(chosen)))
        except JobError as error:
            return _refuse(self, error)
        settings, missing = with_pictures(settings, entries.styles_of(target, chosen))
        settings.to_scene(context.scene)
        for name in missing:
            self.report({"WARNING"}, _("The style image {name} is not in the file any more").format(name=name))
        return {"FINISHED"}


class STYLETEX_OT_history_delete(ReasonedOperator, Operator):
    """Delete the chosen result, unless it is the one that is applied; a file beside the .blend file stays"""

    bl_idname = "styletex.history_delete"
    bl_label = "Delete Result"
    bl_options = {"UNDO", "INTERNAL"}

    why_not = staticmethod(_why_not_another)

    def execute(self, context: Context) -> set[str]:
        """Delete it."""
        try:
            api.forget(*_chosen(context))
        except JobError as error:
            return _refuse(self, error)
        return {"FINISHED"}


class STYLETEX_OT_history_clean_up(ReasonedOperator, Operator):
    """Delete all results but the applied one and the one that is looked at; files beside the .blend file stay"""

    bl_idname = "styletex.history_clean_up"
    bl_label = "Clean Up"
    bl_options = {"UNDO", "INTERNAL"}

    why_not = staticmethod(why_not_changed)

    def execute(self, context: Context) -> set[str]:
        """Delete them."""
        count = entries.clean_up(context.object)
        self.report({"INFO"}, _("Deleted {count} results").format(count=count))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        STYLETEX_OT_history_show,
        STYLETEX_OT_history_compare,
        STYLETEX_OT_history_apply,
        STYLETEX_OT_history_rerun,
        STYLETEX_OT_history_copy_settings,
        STYLETEX_OT_history_delete,
        STYLETEX_OT_history_clean_up,
    )
)
