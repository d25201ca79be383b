# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators: they read what the user set, call ``api`` or ``runner``, and report."""

from __future__ import annotations

import contextlib

import bpy
from bpy.types import Context, Operator

from ...core.job import JobError
from .. import api
from ..library import recent
from ..library.paths import file_of
from ..library.readable import is_readable
from ..settings import Settings, Values
from ..translation.translate import _, said, said_whole
from ..worker import runner
from ..worker.environment import PACKAGE, is_extension, preference
from ..worker.run_state import find_object
from .availability import left_out, selected_meshes, why_not, why_not_now, why_not_these
from .reasoned_operator import ReasonedOperator
from .scripting.settings_properties import SettingsProperties


class STYLETEX_OT_stylize(SettingsProperties, ReasonedOperator, Operator):
    """Texture the selected objects in the style of the chosen image, one after another"""

    # No UNDO: the step is pushed when the texture is there, not when the work begins (see ``runner``).
    bl_idname = "styletex.stylize"
    bl_label = "Stylize Texture"
    bl_options = {"REGISTER"}

    why_not = staticmethod(why_not)

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether it can run with the right settings: a caller may give them."""
        if reason := why_not_now(context):
            cls.poll_message_set(reason)
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        """Start the run; in the background, do it."""
        beside = left_out(context)
        result = start_with(self, context, selected_meshes(context))
        run = runner.current_run()
        if result == {"FINISHED"} and run is not None:
            for text in beside:
                run.warn(text)
                self.report({"WARNING"}, text)
        return result


def start_with(operator: SettingsProperties, context: Context, objects: list[bpy.types.Object]) -> set[str]:
    """Texture objects with the operator's own settings and, for what it was not given, the scene's."""
    try:
        if reason := why_not_these(context, objects, Values(context.scene.styletex, operator.given())):
            operator.report({"ERROR"}, reason)
            return {"CANCELLED"}
        settings = operator.settings(context.scene)
    except JobError as error:
        return refuse(operator, error)
    return start(operator, context, objects, settings)


def start(
    operator: Operator, context: Context, objects: list[bpy.types.Object], settings: Settings | None = None
) -> set[str]:
    """Texture objects, or add them to the queue; what is refused is said at once. Without settings, the scene's."""
    before = run.outcomes if (run := runner.current_run()) is not None else []
    try:
        if settings is None:
            settings = Settings.from_scene(context.scene, str(preference("device", "auto")))
        run = api.stylize(objects, settings, before_start=_leave_edit_mode)
    except JobError as error:
        return refuse(operator, error)
    _remember_style(context.scene.styletex)
    for outcome in run.outcomes:
        if outcome.error is not None and outcome not in before:
            operator.report({"WARNING"}, f"{outcome.name}: {said(outcome.error.message)}")
    return {"FINISHED"}


def _leave_edit_mode() -> None:
    """As a step of its own: the texture's is to be undone in Object Mode, since Edit Mode's knows of no materials."""
    if bpy.context.mode == "EDIT_MESH":
        bpy.ops.object.mode_set("EXEC_DEFAULT", True, mode="OBJECT")


def refuse(operator: Operator, error: JobError) -> set[str]:
    """Say why nothing was begun."""
    operator.report({"ERROR"}, said_whole(error))
    return {"CANCELLED"}


def _remember_style(settings: bpy.types.PropertyGroup) -> None:
    """Put the style among those last used; that its folder cannot be written is no reason to make no texture.
    A picture that is damaged is none to come back to.
    """
    path = file_of(settings.style_image)
    if path is not None and path.is_file() and is_readable(settings.style_image):
        with contextlib.suppress(OSError):
            recent.remember(path, settings.content)


def _why_nothing_runs(_context: Context) -> str:
    return "" if runner.running() is not None else _("No texture is being made")


def _why_nothing_waits(_context: Context) -> str:
    return "" if runner.unfinished() is not None else _("No texture is being made")


class STYLETEX_OT_cancel(ReasonedOperator, Operator):
    """Stop everything, and leave the objects as they were; those that are done keep their textures"""

    # While a run lasts these two are never grey: see ``drawing``. Pressed again they change nothing.
    bl_idname = "styletex.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    why_not = staticmethod(_why_nothing_waits)

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        runner.cancel()
        return {"FINISHED"}


class STYLETEX_OT_finish(ReasonedOperator, Operator):
    """Stop here and keep the texture as it is now; before there is any, as soon as there is"""

    bl_idname = "styletex.finish"
    bl_label = "Stop and Keep"
    bl_options = {"INTERNAL"}

    why_not = staticmethod(_why_nothing_runs)

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        runner.finish()
        return {"FINISHED"}


class STYLETEX_OT_again(ReasonedOperator, Operator):
    """Texture the object anew, as it is now"""

    bl_idname = "styletex.again"
    bl_label = "Stylize Again"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(context: Context) -> str:
        run = runner.current_run()
        if runner.running() is not None and run is not None:
            return "" if run.changes.any and not (run.wants_cancel or run.wants_again) else _("Nothing has changed")
        if run is None or not run.kept_back:
            return _("There is no texture that could not be put on its object")
        return why_not(context, objects_needed=False)

    def execute(self, context: Context) -> set[str]:
        """Begin the present object anew, or start a run of those that could not take their textures."""
        run = runner.current_run()
        if runner.running() is not None or run is None:
            runner.again()
            return {"FINISHED"}
        found = (find_object(outcome.object_uid, outcome.object_name) for outcome in run.kept_back)
        return start(self, context, [target for target in found if target is not None])


class STYLETEX_OT_dismiss(Operator):
    """Close this message"""

    bl_idname = "styletex.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Context) -> set[str]:
        """Forget the last run."""
        runner.dismiss()
        return {"FINISHED"}


class STYLETEX_OT_open_preferences(ReasonedOperator, Operator):
    """Open the add-on's preferences, where what StyleTex computes with is installed"""

    bl_idname = "styletex.open_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return "" if is_extension() else _("StyleTex is not installed as an extension, so it has no preferences")

    def execute(self, _context: Context) -> set[str]:
        """Show them."""
        bpy.ops.preferences.addon_show(module=PACKAGE)
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        STYLETEX_OT_stylize,
        STYLETEX_OT_cancel,
        STYLETEX_OT_finish,
        STYLETEX_OT_again,
        STYLETEX_OT_dismiss,
        STYLETEX_OT_open_preferences,
    )
)
