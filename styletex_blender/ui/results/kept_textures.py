# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished textures that could not be put on their objects: the list of them, and what can be done with each."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import time
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Event, Operator, UILayout

from ....core.job import JobError
from ...folders import kept
from ...folders.kept import KeptTexture
from ...landing.land import land
from ...names import name_of
from ...translation.translate import _, said, said_whole
from ...worker import runner
from ...worker.environment import kept_folder
from ...worker.run_state import find_object

_NO_ROOM = frozenset({"bad_setting", "disk_full"})
"""Errors of an image that cannot be put where it was to go."""
_read: tuple[int, list[KeptTexture]] = (0, [])


def kept_textures() -> list[KeptTexture]:
    """All that are there, the newest first; read anew when the folder has changed."""
    global _read
    try:
        place = kept_folder()
        changed = place.stat().st_mtime_ns
    except OSError:
        return []  # The person's own folder cannot be written: Stylize Texture says so.
    if changed != _read[0]:
        found = []
        for folder in kept.kept_folders(place):
            try:
                found.append(kept.read(folder))
            except (OSError, ValueError):
                continue  # Half removed, by another Blender or by hand: there is nothing to offer.
        _read = (changed, found[::-1])
    return _read[1]


def object_for(texture: KeptTexture, context: Context) -> bpy.types.Object | None:
    """Where a texture belongs: the object it was made for, one of that name, or else the active one."""
    run = runner.current_run()
    for outcome in run.outcomes if run is not None else ():
        if outcome.kept == texture.folder and (found := find_object(outcome.object_uid, outcome.object_name)):
            return found
    named = bpy.data.objects.get(texture.landing.object_name)
    found = named if named is not None and named.type == "MESH" else context.object
    return found if found is not None and found.type == "MESH" else None


def linked_to(texture: KeptTexture) -> list[bpy.types.Object]:
    """The objects that shared the mesh of the one that a texture was made for, and were to have it too."""
    run = runner.current_run()
    for outcome in run.outcomes if run is not None else ():
        task = next((task for task in run.tasks if task.key == outcome.key), None) if run is not None else None
        if outcome.kept == texture.folder and task is not None:
            return task.linked_targets()
    found = (bpy.data.objects.get(name) for name in texture.landing.linked)
    return [other for other in found if other is not None and other.users_scene]


class _OfTexture:
    bl_options = {"INTERNAL"}

    folder: StringProperty(name="Folder", description="Name of the texture's folder", options={"SKIP_SAVE"})

    def texture(self) -> KeptTexture:
        """The one that is meant.

        Raises:
            JobError: it is gone.
        """
        try:
            return kept.read(kept_folder() / Path(self.folder).name)
        except (OSError, ValueError) as error:
            raise JobError("bad_request", _("This texture is no longer there")) from error


class STYLETEX_OT_apply_kept(_OfTexture, Operator):
    """Put this finished texture on its object, as one step of undo"""

    bl_idname = "styletex.apply_kept"
    bl_label = "Apply"

    def execute(self, context: Context) -> set[str]:
        """Put it there and remove it from the kept ones."""
        try:
            texture = self.texture()
            target = object_for(texture, context)
            if target is None:
                name = texture.landing.object_name
                text = _("There is no object {name}").format(name=repr(name))
                raise JobError("bad_mesh", text, _("Select the object that it is for"))
            warnings = _land(target, texture, context.scene.styletex.destination)
        except JobError as error:
            self.report({"ERROR"}, said_whole(error))
            return {"CANCELLED"}
        runner.settle(texture.folder)
        texture.remove()
        for warning in warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, _("Textured {name}").format(name=name_of(target)))
        return {"FINISHED"}


def _land(target: bpy.types.Object, texture: KeptTexture, wished_now: str) -> list[str]:
    """Put a texture on its object, with its image where that was to go, or where that cannot be had, where it is to go
    now; what the user should know.

    Raises:
        JobError: why it cannot be done.
    """
    warnings: list[str] = []
    others, wished = linked_to(texture), texture.landing.destination
    try:
        land(target, texture, wished, over_changes=True, linked=others, warnings=warnings)
    except JobError as error:
        if error.code not in _NO_ROOM or wished == wished_now:
            raise
        land(target, texture, wished_now, over_changes=True, linked=others, warnings=warnings)
        warnings.append(_("The image is in the file: it could not be saved beside it"))
    return warnings


class STYLETEX_OT_remove_kept(_OfTexture, Operator):
    """Remove this finished texture from the disk"""

    bl_idname = "styletex.remove_kept"
    bl_label = "Remove"

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask first."""
        return context.window_manager.invoke_confirm(
            self, event, title=_("Remove This Texture?"), message=_("It is not on any object"), confirm_text=_("Remove")
        )

    def execute(self, _context: Context) -> set[str]:
        """Remove it."""
        try:
            texture = self.texture()
        except JobError as error:
            self.report({"ERROR"}, said(error.message))
            return {"CANCELLED"}
        runner.settle(texture.folder)
        texture.remove()
        return {"FINISHED"}


class STYLETEX_OT_open_kept(_OfTexture, Operator):
    """Open the folder that this finished texture is kept in"""

    bl_idname = "styletex.open_kept"
    bl_label = "Open Folder"

    def execute(self, _context: Context) -> set[str]:
        """Open it in the system's file browser."""
        try:
            bpy.ops.wm.path_open(filepath=str(self.texture().folder))
        except JobError as error:
            self.report({"ERROR"}, said(error.message))
            return {"CANCELLED"}
        return {"FINISHED"}


def draw_kept(layout: UILayout, context: Context, texture: KeptTexture) -> None:
    """One of them, with its buttons."""
    box = layout.box()
    made = time.strftime("%d %b %H:%M", time.localtime(texture.made))
    row = box.row()
    row.label(text=texture.landing.object_name, icon="TEXTURE", translate=False)
    when = row.row()
    when.alignment = "RIGHT"
    when.active = False
    when.label(text=made, translate=False)
    row = box.row(align=True)
    target = object_for(texture, context)
    if target is not None:
        row.operator(
            "styletex.apply_kept", text=_("Apply to {name}").format(name=name_of(target))
        ).folder = texture.folder.name
    else:
        row.label(text=_("Select its object to apply it"))
    row.operator("styletex.open_kept", text="", icon="FILE_FOLDER").folder = texture.folder.name
    row.operator("styletex.remove_kept", text="", icon="TRASH").folder = texture.folder.name


register, unregister = bpy.utils.register_classes_factory(
    (STYLETEX_OT_apply_kept, STYLETEX_OT_remove_kept, STYLETEX_OT_open_kept)
)
