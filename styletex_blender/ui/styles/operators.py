# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture dropped on the 3D viewport becomes the style image; a folder of one's own joins the thumbnails."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Event, FileHandler, Operator

from ...library import thumbnails
from ...library.pictures import SUFFIXES, own_folder
from ...translation.translate import _
from ...worker.environment import PACKAGE
from ..reasoned_operator import ReasonedOperator
from .choice import choose_file


class STYLETEX_OT_use_style(Operator):
    """Take this picture as the style image"""

    bl_idname = "styletex.use_style"
    bl_label = "Use as Style Image"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        """Load it."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            choose_file(context.scene.styletex, path)
        except RuntimeError:
            self.report({"ERROR"}, _("This picture cannot be read: {path}").format(path=path))
            return {"CANCELLED"}
        for area in context.screen.areas if context.screen else []:
            area.tag_redraw()
        self.report({"INFO"}, _("Style image: {name}").format(name=path.name))
        return {"FINISHED"}


class STYLETEX_OT_choose_styles_folder(ReasonedOperator, Operator):
    """Choose a folder of your own pictures, which then stand among the styles"""

    bl_idname = "styletex.choose_styles_folder"
    bl_label = "Choose Styles Folder"
    bl_options = {"INTERNAL"}

    directory: StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @staticmethod
    def why_not(context: Context) -> str:
        if PACKAGE in context.preferences.addons:
            return ""
        return _("StyleTex is not installed as an extension, so it has no preferences")

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Open the file browser, in the folder that is chosen now."""
        if (folder := own_folder()) is not None:
            self.directory = str(folder)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        """Remember it in the preferences."""
        if not Path(self.directory).is_dir():
            self.report({"ERROR"}, _("There is no folder {path}").format(path=self.directory))
            return {"CANCELLED"}
        context.preferences.addons[PACKAGE].preferences.styles_folder = self.directory
        context.preferences.is_dirty = True
        return {"FINISHED"}


class STYLETEX_FH_style(FileHandler):
    """Pictures that are dropped"""

    bl_idname = "STYLETEX_FH_style"
    bl_label = "Style Image"
    bl_import_operator = "styletex.use_style"
    bl_file_extensions = ";".join(SUFFIXES)

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        """Only on a 3D viewport."""
        return context.area is not None and context.area.type == "VIEW_3D"


_CLASSES = (STYLETEX_OT_use_style, STYLETEX_OT_choose_styles_folder, STYLETEX_FH_style)


def register() -> None:
    """Add the operators and the file handler."""
    for found in _CLASSES:
        bpy.utils.register_class(found)


def unregister() -> None:
    """Take them away, and free the thumbnails."""
    for found in reversed(_CLASSES):
        bpy.utils.unregister_class(found)
    thumbnails.forget()
