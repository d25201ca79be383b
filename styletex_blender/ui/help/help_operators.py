# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that help when something went wrong."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import webbrowser
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy.types import Context, Event, Operator, OperatorProperties

from ...translation.translate import _
from ...worker import runner, warm_worker
from ...worker.environment import PACKAGE_FOLDER, jobs_folder, log_path
from ...worker.run_state import Outcome, find_object
from ..panel_text import wrap
from ..reasoned_operator import ReasonedOperator
from .open_file import open_in_blender, open_in_system
from .ways_out import GUIDE, line_of

_DIALOG_WIDTH = 560


def show_log(operator: Operator, context: Context, path: Path) -> set[str]:
    """Open a log in the system's viewer or, where there is none, in Blender's Text Editor."""
    if open_in_system(path):
        return {"FINISHED"}
    try:
        open_in_blender(context, path)
    except RuntimeError as error:
        operator.report({"ERROR"}, str(error).strip())
        return {"CANCELLED"}
    return {"FINISHED"}


class STYLETEX_OT_open_log(ReasonedOperator, Operator):
    """Open the log, which says more about what went wrong"""

    bl_idname = "styletex.open_log"
    bl_label = "Open Log"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return "" if log_path().is_file() else _("There is no log yet: no texture has been made")

    def execute(self, context: Context) -> set[str]:
        """Open it."""
        return show_log(self, context, log_path())


class STYLETEX_OT_open_help(Operator):
    """Open what StyleTex's manual, which came with it, says of this"""

    bl_idname = "styletex.open_help"
    bl_label = "Help"
    bl_options = {"INTERNAL"}

    code: StringProperty(name="Code", description="Of an error; empty for the whole manual", options={"SKIP_SAVE"})
    section: StringProperty(name="Section", default="Errors", options={"SKIP_SAVE", "HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        """Show the manual in the browser, or what it says of an error in the Text Editor, which can go to its line."""
        manual = PACKAGE_FOLDER / "README.md"
        try:
            if self.code:
                open_in_blender(context, GUIDE, line_of(self.code, self.section))
            elif not webbrowser.open(manual.as_uri()):
                open_in_blender(context, manual)
        except (OSError, RuntimeError) as error:
            self.report({"ERROR"}, str(error).strip())
            return {"CANCELLED"}
        return {"FINISHED"}


class STYLETEX_OT_show_message(Operator):
    """Show the whole message"""

    bl_idname = "styletex.show_message"
    bl_label = "Show All"
    bl_options = {"INTERNAL"}

    message: StringProperty(name="Message", options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def description(cls, _context: Context, properties: OperatorProperties) -> str:
        """The message itself, for whoever rests the pointer on the button."""
        return properties.message

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Show it in a window of its own."""
        return context.window_manager.invoke_popup(self, width=_DIALOG_WIDTH)

    def execute(self, _context: Context) -> set[str]:
        """There is nothing to do but to show."""
        return {"FINISHED"}

    def draw(self, _context: Context) -> None:
        """All lines, as wide as the window."""
        column = self.layout.column(align=True)
        for paragraph in self.message.splitlines():
            for line in wrap(paragraph, _DIALOG_WIDTH + 60.0):
                column.label(text=line, translate=False)


class STYLETEX_OT_free_memory(ReasonedOperator, Operator):
    """Take the model out of memory, also out of the graphics card's; the next texture starts a little later"""

    bl_idname = "styletex.free_memory"
    bl_label = "Free Memory"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        if runner.running() is not None:
            return _("A texture is being made: wait for it, or cancel it")
        return "" if warm_worker.is_warm() else _("StyleTex holds nothing in memory")

    def execute(self, _context: Context) -> set[str]:
        """End the process that holds it."""
        warm_worker.close()
        self.report({"INFO"}, _("The model is out of memory"))
        return {"FINISHED"}


class STYLETEX_OT_open_style(Operator):
    """Choose another picture as the style image"""

    bl_idname = "styletex.open_style"
    bl_label = "Choose Style Image"
    bl_options = {"INTERNAL"}

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Open the file browser."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: Context) -> set[str]:
        """Take it."""
        return bpy.ops.styletex.use_style("EXEC_DEFAULT", True, filepath=self.filepath)


class STYLETEX_OT_open_data_folder(Operator):
    """Open the folder in which StyleTex keeps unfinished textures and those that are on no object"""

    bl_idname = "styletex.open_data_folder"
    bl_label = "Open Data Folder"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Context) -> set[str]:
        """Open it in the system's file browser, or at least name it."""
        folder = jobs_folder().parent
        if not open_in_system(folder):
            self.report({"WARNING"}, _("This computer opens no folders; it is {path}").format(path=folder))
        return {"FINISHED"}


class STYLETEX_OT_select_failed(ReasonedOperator, Operator):
    """Select the objects whose meshes could not be textured, and nothing else"""

    bl_idname = "styletex.select_failed"
    bl_label = "Select Objects"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @staticmethod
    def why_not(context: Context) -> str:
        if context.mode != "OBJECT":
            return _("Switch to Object Mode")
        return "" if _failed(context) else _("They are not in this view layer any more")

    def execute(self, context: Context) -> set[str]:
        """Select them."""
        found = _failed(context)
        for other in context.view_layer.objects:
            other.select_set(other in found)
        context.view_layer.objects.active = found[0]
        return {"FINISHED"}


def _failed(context: Context) -> list[bpy.types.Object]:
    """The objects of the last run whose meshes could not be textured."""
    run = runner.current_run()
    outcomes: list[Outcome] = run.outcomes if run is not None else []
    wrong = [outcome for outcome in outcomes if outcome.error is not None and outcome.error.code == "bad_mesh"]
    found = (find_object(outcome.object_uid, outcome.object_name) for outcome in wrong)
    return [target for target in found if target is not None and target.name in context.view_layer.objects]


register, unregister = bpy.utils.register_classes_factory(
    (
        STYLETEX_OT_open_log,
        STYLETEX_OT_open_help,
        STYLETEX_OT_show_message,
        STYLETEX_OT_free_memory,
        STYLETEX_OT_open_style,
        STYLETEX_OT_open_data_folder,
        STYLETEX_OT_select_failed,
    )
)
