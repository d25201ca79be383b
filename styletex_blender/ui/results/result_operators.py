# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of a finished image: look at it in the Image Editor, save it as a file."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy.types import Area, Context, Event, Image, Operator

from ...library.paths import file_of
from ...translation.translate import _
from ...worker.run_state import find_image


class _OfImage:
    image_uid: IntProperty(options={"SKIP_SAVE", "HIDDEN"})

    def found(self) -> Image | None:
        """The image; reported when it is gone."""
        image = find_image(self.image_uid)
        if image is None:
            self.report({"ERROR"}, _("The image is not there any more"))  # pyright: ignore[reportAttributeAccessIssue]
        return image


class STYLETEX_OT_show_image(_OfImage, Operator):
    """Show this image in the Image Editor that is open, or in a new window"""

    bl_idname = "styletex.show_image"
    bl_label = "Show in Image Editor"
    bl_options = {"INTERNAL"}

    def execute(self, context: Context) -> set[str]:
        """Show it."""
        image = self.found()
        if image is None:
            return {"CANCELLED"}
        _image_editor(context).spaces.active.image = image
        return {"FINISHED"}


class STYLETEX_OT_save_image(_OfImage, Operator):
    """Save a copy of this image as a file; the one that the object has stays as it is"""

    bl_idname = "styletex.save_image"
    bl_label = "Save Image"
    bl_options = {"INTERNAL"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    check_existing: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_glob: StringProperty(default="*.png", options={"HIDDEN"})

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask where."""
        image = self.found()
        if image is None:
            return {"CANCELLED"}
        self.filepath = bpy.path.clean_name(image.name) + (".<UDIM>.png" if image.source == "TILED" else ".png")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: Context) -> set[str]:
        """Write it."""
        image = self.found()
        if image is None:
            return {"CANCELLED"}
        path = Path(bpy.path.abspath(bpy.path.ensure_ext(self.filepath, ".png")))
        try:
            written = save_copy(image, path)
        except (OSError, RuntimeError) as error:
            self.report({"ERROR"}, _("The image cannot be saved: {error}").format(error=error))
            return {"CANCELLED"}
        self.report({"INFO"}, _("Saved {name}").format(name=", ".join(path.name for path in written)))
        return {"FINISHED"}


def save_copy(image: Image, path: Path) -> list[Path]:
    """Write an image to ``path``, as it is packed or on disk where nobody painted on it; returns what was written.

    Args:
        image: the image, which stays as it is.
        path: with tiles, ``<UDIM>`` in its name stands for their numbers, and is put before the end of a name without.

    Raises:
        OSError: it cannot be written or read.
        RuntimeError: Blender cannot write it.
    """
    if image.source == "TILED":
        if "<UDIM>" not in path.name:
            path = path.with_name(f"{path.stem}.<UDIM>{path.suffix}")
        files = [path.with_name(path.name.replace("<UDIM>", str(tile.number))) for tile in image.tiles]
        image.save(filepath=str(path), save_copy=True)
        return files
    packed, source = image.packed_file, file_of(image)
    if not image.is_dirty and packed is not None:
        path.write_bytes(packed.data)
    elif not image.is_dirty and source is not None:
        path.write_bytes(source.read_bytes())
    else:
        image.save(filepath=str(path), save_copy=True)
    return [path]


def _image_editor(context: Context) -> Area:
    manager = context.window_manager
    for window in manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                return area
    bpy.ops.wm.window_new()
    area = manager.windows[-1].screen.areas[0]
    area.type = "IMAGE_EDITOR"
    return area


register, unregister = bpy.utils.register_classes_factory((STYLETEX_OT_show_image, STYLETEX_OT_save_image))
