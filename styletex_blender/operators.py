# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators: they read what the user set, call ``api`` or ``runner``, and report."""

from __future__ import annotations

import bpy
from bpy.types import Context, Operator

from ..core.job import JobError
from . import api, runner
from .availability import selected_meshes, why_not
from .settings import Settings
from .worker_environment import PACKAGE, is_extension, log_path, preference


class STYLETEX_OT_stylize(Operator):
    """Texture the selected objects in the style of the chosen image, one after another"""

    # No UNDO: the step is pushed when the texture is there, not when the work begins (see ``runner``).
    bl_idname = "styletex.stylize"
    bl_label = "Stylize Texture"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether there is all that a run needs."""
        if reason := why_not(context):
            cls.poll_message_set(reason)
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        """Start the run; in the background, do it."""
        try:
            settings = Settings.from_scene(context.scene, str(preference("device", "auto")))
            run = api.stylize(selected_meshes(context), settings)
        except JobError as error:
            self.report({"ERROR"}, f"{error.message}. {error.hint}" if error.hint else error.message)
            return {"CANCELLED"}
        for object_name, error in run.failures:
            self.report({"WARNING"}, f"{object_name}: {error.message}")
        return {"FINISHED"}


class STYLETEX_OT_cancel(Operator):
    """Stop, and leave the object as it was; objects that are done keep their textures"""

    bl_idname = "styletex.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Whether there is something to cancel."""
        run = runner.running()
        if run is None:
            cls.poll_message_set("No texture is being made")
            return False
        if run.wants_cancel:
            cls.poll_message_set("It is being cancelled")
            return False
        return True

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        runner.cancel()
        return {"FINISHED"}


class STYLETEX_OT_finish(Operator):
    """Stop here and keep the texture as it is now"""

    bl_idname = "styletex.finish"
    bl_label = "Stop and Keep"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Whether there is a texture that can be kept."""
        run = runner.running()
        if run is None or run.wants_cancel:
            cls.poll_message_set("No texture is being made")
            return False
        if run.wants_finish:
            cls.poll_message_set("It is being finished")
            return False
        if run.frame is None:
            cls.poll_message_set("There is nothing to keep yet")
            return False
        return True

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        runner.finish()
        return {"FINISHED"}


class STYLETEX_OT_dismiss(Operator):
    """Close this message"""

    bl_idname = "styletex.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Context) -> set[str]:
        """Forget the last run."""
        runner.dismiss()
        return {"FINISHED"}


class STYLETEX_OT_open_log(Operator):
    """Open the worker's log, which says more about what went wrong"""

    bl_idname = "styletex.open_log"
    bl_label = "Open Log"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Whether there is a log."""
        if not log_path().is_file():
            cls.poll_message_set("There is no log yet: the worker has not run")
            return False
        return True

    def execute(self, _context: Context) -> set[str]:
        """Open it in the system's viewer for text files."""
        bpy.ops.wm.path_open(filepath=str(log_path()))
        return {"FINISHED"}


class STYLETEX_OT_open_preferences(Operator):
    """Open the add-on's preferences, where the worker's Python is chosen"""

    bl_idname = "styletex.open_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Whether there are preferences: not when the add-on runs from a checkout."""
        if not is_extension():
            cls.poll_message_set("StyleTex is not installed as an extension, so it has no preferences")
            return False
        return True

    def execute(self, _context: Context) -> set[str]:
        """Show them."""
        bpy.ops.preferences.addon_show(module=PACKAGE)
        return {"FINISHED"}


_CLASSES = (
    STYLETEX_OT_stylize,
    STYLETEX_OT_cancel,
    STYLETEX_OT_finish,
    STYLETEX_OT_dismiss,
    STYLETEX_OT_open_log,
    STYLETEX_OT_open_preferences,
)


def register() -> None:
    """Add the operators."""
    for operator in _CLASSES:
        bpy.utils.register_class(operator)


def unregister() -> None:
    """Take them away."""
    for operator in reversed(_CLASSES):
        bpy.utils.unregister_class(operator)
