# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture dropped on the 3D viewport becomes the style image; a folder of one's own joins the thumbnails."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import contextlib
import os
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty
from bpy.types import Context, Event, FileHandler, Operator

from ...library import thumbnails
from ...library.paths import file_of, plain
from ...library.pictures import SUFFIXES, own_folder, picture_at
from ...library.readable import problem_of
from ...translation.translate import _
from ...worker.environment import PACKAGE
from ..operators import refuse
from ..reasoned_operator import ReasonedOperator
from .choice import choose_file, image_of, loaded

_PATTERNS = ";".join(f"*{suffix}" for suffix in SUFFIXES)


class STYLETEX_OT_use_style(Operator):
    """Open a picture, and take it as the style image"""

    bl_idname = "styletex.use_style"
    bl_label = "Use as Style Image"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default=_PATTERNS, options={"SKIP_SAVE", "HIDDEN"})
    filter_image: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"SKIP_SAVE", "HIDDEN"})
    # Thumbnails, with Blender's own number of them.
    display_type: EnumProperty(items=[("THUMBNAIL", "", "", 3)], options={"SKIP_SAVE", "HIDDEN"})
    for_object: BoolProperty(
        name="For the Object",
        description="Take it for the active object alone",
        default=False,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    further: IntProperty(
        name="Further Picture",
        description="Take it for this one of the pictures that are blended with the style image, counted from 0",
        default=-1,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Take what was dropped; without a file, ask for one."""
        if self.filepath:
            return self.execute(context)
        self.filepath = f"{self._folder(context)}{os.sep}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        """Load it, unless it is no picture that can be read."""
        path = plain(Path(bpy.path.abspath(self.filepath)))
        known = image_of(path)
        try:
            image = known or _load(context, path)
        except RuntimeError:
            self.report({"ERROR"}, _("This picture cannot be read: {path}").format(path=path))
            return {"CANCELLED"}
        if (problem := problem_of(image)) is not None:
            if known is None:
                bpy.data.images.remove(image)
            return refuse(self, problem)
        if self.further >= 0:
            context.scene.styletex.more_styles[self.further].image = loaded(picture_at(path))
        else:
            choose_file(self._settings(context), path)
        for area in context.screen.areas if context.screen else []:
            area.tag_redraw()
        self.report({"INFO"}, _("Style image: {name}").format(name=path.name))
        return {"FINISHED"}

    def _settings(self, context: Context) -> bpy.types.PropertyGroup:
        return (context.object if self.for_object else context.scene).styletex

    def _folder(self, context: Context) -> Path:
        """Where the artist's pictures are, probably."""
        image = self._settings(context).style_image
        path = file_of(image)
        if path is not None and not image.packed_file:
            return path.parent
        return own_folder() or (Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home())


def _load(context: Context, path: Path) -> bpy.types.Image:
    """The file as an image, relative to the .blend file where the artist prefers that.

    Raises:
        RuntimeError: Blender cannot open it.
    """
    image = bpy.data.images.load(str(path))
    if bpy.data.is_saved and context.preferences.filepaths.use_relative_paths:
        with contextlib.suppress(ValueError):  # It is on another drive of Windows.
            image.filepath = bpy.path.relpath(str(path))
    return image


class STYLETEX_OT_choose_styles_folder(ReasonedOperator, Operator):
    """Choose a folder of your own pictures, which then stand among the styles"""

    bl_idname = "styletex.choose_styles_folder"
    bl_label = "Choose Styles Folder"
    bl_options = {"INTERNAL"}

    directory: StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

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
