# SPDX-License-Identifier: GPL-3.0-or-later
"""Adjust Last Operation (F9) for a finished texture.

Stylize Texture returns long before its texture is there, so it cannot be the operation that is adjusted. That is this
one, which the landing of a texture calls as its undo step. To change a setting there costs nothing yet; *Make Anew*
takes the texture back and makes it with what is set.
"""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from collections.abc import Callable
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy.types import Context, Object, Operator

from ....core.job import JobError
from ... import api
from ...history.record import read_record
from ...names import name_of, readable
from ...translation.translate import _
from ...worker.run_state import find_image
from ..operators import refuse
from ..weighted_list import as_text
from .settings_properties import SWITCHES, SettingsProperties

_AS_TEXT = ("loras", "more_styles")
"""Settings that the operator has as a text."""


_COUNTS_WITH: dict[str, Callable[[Any], bool]] = {
    "style_weight": lambda operator: bool(operator.more_styles.strip()),
    "region_slot": lambda operator: operator.region == "slot",
}
"""Settings that are drawn only where another one makes them count: the panel is as high as a small screen."""


class STYLETEX_OT_adjust(SettingsProperties, Operator):
    """Make this texture anew with other settings"""

    bl_idname = "styletex.adjust"
    bl_label = "Stylize Texture"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    object_uid: IntProperty(options={"SKIP_SAVE", "HIDDEN"})
    image_uid: IntProperty(options={"SKIP_SAVE", "HIDDEN"})
    linked_uids: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
    anew: BoolProperty(
        name="Make Anew",
        description="Take the texture back, and make it again with these settings",
        options={"SKIP_SAVE"},
    )

    def execute(self, context: Context) -> set[str]:
        """The first time, be the undo step of the texture; adjusted or repeated, make it anew."""
        target = self._target()
        if not (self.options.is_repeat or self.options.is_repeat_last):
            self._take_over()
            return {"FINISHED"}
        if not self.anew and not self.options.is_repeat_last:
            return {"CANCELLED"}
        self.anew = False
        if target is None:
            self.report({"ERROR"}, _("The object is not there any more"))
            return {"CANCELLED"}
        try:
            # What is set here goes before the object's own settings, which it was filled in with.
            api.stylize([target, *self._linked(target)], self.settings(context.scene), own_settings=False)
        except JobError as error:
            return refuse(self, error)
        return {"FINISHED"}

    def _target(self) -> Object | None:
        return next((found for found in bpy.data.objects if found.session_uid == self.object_uid), None)

    def _linked(self, target: Object) -> list[Object]:
        """The objects that share its mesh and got the texture too."""
        uids = {int(uid) for uid in self.linked_uids.split()}
        return [found for found in bpy.data.objects if found.session_uid in uids and found.data == target.data]

    def _take_over(self) -> None:
        """Show the settings that the texture was made with."""
        image = find_image(self.image_uid)
        record = read_record(image) if image is not None else None
        if record is None:
            return
        used = record.settings
        for name, value in used.items():
            known = self.properties.bl_rna.properties.get(name)
            if known is None or value is None:
                continue
            if name in _AS_TEXT:
                value = as_text(value)
            setattr(self, name, readable(str(value)) if known.type in {"ENUM", "STRING"} else value)
        for name, switch in SWITCHES.items():
            if switch not in used:
                # Without relief its strength is 0; what the others have without a tick is nothing.
                value = used.get(name)
                setattr(self, switch, bool(value) if name == "relief" else value is not None)

    def draw(self, _context: Context) -> None:
        """The settings in their order, then the switch that does it."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        if (target := self._target()) is not None:
            layout.label(text=name_of(target), icon="MESH_DATA", translate=False)
        layout.prop_search(self, "style_image", bpy.data, "images")
        shown: set[str] = {"style_image", *SWITCHES.values()}
        for name in [*SettingsProperties.__annotations__]:
            if name in shown or (name in _COUNTS_WITH and not _COUNTS_WITH[name](self)):
                continue
            if name in SWITCHES:
                _draw_optional(layout, self, name)
            else:
                layout.prop(self, name)
        layout.prop(self, "anew", toggle=True, icon="FILE_REFRESH")


def _draw_optional(layout: bpy.types.UILayout, operator: Any, name: str) -> None:
    row = layout.row(heading=operator.properties.bl_rna.properties[name].name)
    row.prop(operator, SWITCHES[name], text="")
    value = row.row()
    value.active = getattr(operator, SWITCHES[name])
    value.prop(operator, name, text="")


register, unregister = bpy.utils.register_classes_factory((STYLETEX_OT_adjust,))
