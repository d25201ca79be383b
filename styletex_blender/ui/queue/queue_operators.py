# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of the queue. Those beside the list are never grey: where they can do nothing, they say so."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from collections.abc import Callable

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, StringProperty
from bpy.types import Context, Event, Operator, PropertyGroup, WindowManager

from ....core.job import JobError
from ... import api
from ...names import name_of
from ...translation.translate import _, said_whole
from ...worker import runner
from ...worker.queue import listing, order
from ...worker.run_state import Run
from ..availability import why_no_meshes, why_no_worker, why_not_collection
from ..operators import start_with
from ..reasoned_operator import ReasonedOperator
from ..scripting.settings_properties import SettingsProperties

_A_HANDFUL = 4
"""So many objects are textured without a question."""


class QueueRow(PropertyGroup):
    """A texture in the queue; its name is the key of its task"""


class STYLETEX_OT_stylize_collection(SettingsProperties, ReasonedOperator, Operator):
    """Texture all mesh objects of the active collection that can be seen, one after another"""

    bl_idname = "styletex.stylize_collection"
    bl_label = "Stylize Collection"
    bl_options = {"REGISTER"}

    why_not = staticmethod(why_not_collection)

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether it can run with the right settings: a caller may give them."""
        if reason := why_no_worker() or why_no_meshes(context):
            cls.poll_message_set(reason)
            return False
        return True

    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask first where it is much: a click that was meant for another button starts hours of work."""
        count = len(api.meshes_of(context.collection, context.view_layer))
        if count <= _A_HANDFUL:
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=_("Texture {count} Objects?").format(count=count),
            message=_("All of the collection {name}").format(name=name_of(context.collection)),
            confirm_text=_("Stylize Collection"),
        )

    def execute(self, context: Context) -> set[str]:
        """Start the run, or add to the one that goes on."""
        return start_with(self, context, api.meshes_of(context.collection, context.view_layer))


class STYLETEX_OT_pause(ReasonedOperator, Operator):
    """Stop for now, which frees the graphics card; it goes on from here later, also when the file is opened again"""

    bl_idname = "styletex.pause"
    bl_label = "Pause"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        return "" if runner.running() is not None else _("No texture is being made")

    def execute(self, _context: Context) -> set[str]:
        """Ask for it."""
        runner.pause()
        return {"FINISHED"}


class STYLETEX_OT_resume(ReasonedOperator, Operator):
    """Go on with what waits in the queue"""

    bl_idname = "styletex.resume"
    bl_label = "Resume"
    bl_options = {"INTERNAL"}

    @staticmethod
    def why_not(_context: Context) -> str:
        run = runner.unfinished()
        if run is None or not (run.paused or run.wants_pause):
            return _("Nothing is paused")
        return why_no_worker()

    def execute(self, _context: Context) -> set[str]:
        """Go on."""
        return _tried(self, api.resume)


class STYLETEX_OT_queue_move(Operator):
    """Make this texture earlier or later"""

    bl_idname = "styletex.queue_move"
    bl_label = "Move in Queue"
    bl_options = {"INTERNAL"}

    up: BoolProperty(name="Up", description="Whether it is made earlier", options={"SKIP_SAVE"})

    def execute(self, _context: Context) -> set[str]:
        """Move the one that is chosen."""
        run = runner.unfinished()
        if run is None or not order.move(run, listing.chosen_key(), self.up):
            self.report({"INFO"}, _("Only textures that wait can change places"))
            return {"CANCELLED"}
        return {"FINISHED"}


class STYLETEX_OT_queue_cancel(Operator):
    """Take this texture off the queue; if it is being made, stop and leave the object as it was"""

    bl_idname = "styletex.queue_cancel"
    bl_label = "Cancel This"
    bl_options = {"INTERNAL"}

    key: StringProperty(name="Key", description="Which one; the one that is chosen without", options={"SKIP_SAVE"})

    def execute(self, _context: Context) -> set[str]:
        """Cancel it."""
        run, key = runner.unfinished(), self.key or listing.chosen_key()
        task = order.find(run, key) if run is not None else None
        if run is None or task not in run.open_tasks:
            self.report({"INFO"}, _("It is not in the queue any more"))
            return {"CANCELLED"}
        if len(run.open_tasks) == 1:
            runner.cancel()
        else:
            order.cancel(run, key)
        return {"FINISHED"}


class STYLETEX_OT_queue_retry(Operator):
    """Try again what failed; it goes on from where it stopped, if that was saved"""

    bl_idname = "styletex.queue_retry"
    bl_label = "Try Again"
    bl_options = {"INTERNAL"}

    all: BoolProperty(name="All", description="All that failed, not only the one chosen", options={"SKIP_SAVE"})

    def execute(self, _context: Context) -> set[str]:
        """Have it wait again; when nothing runs, begin."""
        keys = () if self.all else (listing.chosen_key(),)
        return _tried(self, lambda: api.retry(keys=keys))


def _tried(operator: Operator, call: Callable[[], Run]) -> set[str]:
    try:
        call()
    except JobError as error:
        operator.report({"ERROR"}, said_whole(error))
        return {"CANCELLED"}
    return {"FINISHED"}


_CLASSES = (
    QueueRow,
    STYLETEX_OT_stylize_collection,
    STYLETEX_OT_pause,
    STYLETEX_OT_resume,
    STYLETEX_OT_queue_move,
    STYLETEX_OT_queue_cancel,
    STYLETEX_OT_queue_retry,
)


def register() -> None:
    """Add the operators, and the rows of the list to the window manager."""
    for found in _CLASSES:
        bpy.utils.register_class(found)
    WindowManager.styletex_queue = CollectionProperty(type=QueueRow)
    WindowManager.styletex_queue_index = IntProperty(name="Texture", description="The one that is chosen")


def unregister() -> None:
    """Take them away."""
    del WindowManager.styletex_queue_index
    del WindowManager.styletex_queue
    for found in reversed(_CLASSES):
        bpy.utils.unregister_class(found)
