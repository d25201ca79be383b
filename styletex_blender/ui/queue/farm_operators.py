# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of a farm: send objects there, take a texture back, and have it go on."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Operator

from ....core.job import JobError
from ... import api
from ...farm import watching
from ...farm.job import JobState
from ...farm.place import preferred_address
from ...settings import Values
from ...translation.translate import _, said
from ..availability import selected_meshes, why_not, why_not_now, why_not_these
from ..operators import refuse
from ..reasoned_operator import ReasonedOperator
from ..scripting.settings_properties import SettingsProperties


def _why_not_send(context: Context) -> str:
    if not bpy.data.filepath:
        return _("Save the file first: the textures come back when it is opened")
    return why_not(context)


class STYLETEX_OT_send(SettingsProperties, ReasonedOperator, Operator):
    """Have the selected objects textured by the farm of the preferences, which goes on when Blender is closed"""

    bl_idname = "styletex.send"
    bl_label = "Send to Farm"
    bl_options = {"REGISTER"}

    address: StringProperty(
        name="Farm",
        description="local, the address of a Ray cluster, or a folder; empty for that of the preferences",
        options={"SKIP_SAVE"},
    )

    why_not = staticmethod(_why_not_send)

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whether it can run with the right settings: a caller may give them."""
        if reason := why_not_now(context):
            cls.poll_message_set(reason)
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        """Send them."""
        objects = selected_meshes(context)
        try:
            if reason := why_not_these(context, objects, Values(context.scene.styletex, self.given())):
                self.report({"ERROR"}, reason)
                return {"CANCELLED"}
            settings = self.settings(context.scene)
            jobs, refused = api.send(objects, settings, self.address or preferred_address())
        except JobError as error:
            return refuse(self, error)
        watching.begin()
        for outcome in refused:
            if outcome.error is not None:
                self.report({"WARNING"}, f"{outcome.object_name}: {said(outcome.error.message)}")
        self.report({"INFO"}, _("Sent to the farm: {count}").format(count=len(jobs)))
        return {"FINISHED"}


class STYLETEX_OT_farm_take_back(Operator):
    """Take this texture off the farm; what is made of it is dropped"""

    bl_idname = "styletex.farm_take_back"
    bl_label = "Take Back"
    bl_options = {"INTERNAL"}

    key: StringProperty(name="Key", description="Which one", options={"SKIP_SAVE"})

    def execute(self, _context: Context) -> set[str]:
        """Take it back."""
        found = next((found for found in watching.seen() if found.job.key == self.key), None)
        if found is None:
            self.report({"INFO"}, _("It is not on the farm any more"))
            return {"CANCELLED"}
        try:
            api.take_back(found.job)
        except OSError as error:
            return _cannot_change(self, error)
        watching.begin()
        return {"FINISHED"}


class STYLETEX_OT_farm_resume(Operator):
    """Have the farm go on with what it was stopped at, and try again what failed"""

    bl_idname = "styletex.farm_resume"
    bl_label = "Go On"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Context) -> set[str]:
        """Start its command again."""
        jobs = [found.job for found in watching.seen() if found.state in (JobState.STOPPED, JobState.FAILED)]
        try:
            api.resume_farm(jobs)
        except JobError as error:
            return refuse(self, error)
        except OSError as error:
            return _cannot_change(self, error)
        watching.begin()
        return {"FINISHED"}


def _cannot_change(operator: Operator, error: OSError) -> set[str]:
    text = _("The farm's folder cannot be changed: {why}").format(why=error.strerror or error)
    operator.report({"ERROR"}, text)
    return {"CANCELLED"}


register, unregister = bpy.utils.register_classes_factory(
    (STYLETEX_OT_send, STYLETEX_OT_farm_take_back, STYLETEX_OT_farm_resume)
)
