# SPDX-License-Identifier: GPL-3.0-or-later
"""Further style images and their weights: the textures then have something of each."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from types import SimpleNamespace
from typing import Any

import bpy
from bpy.props import CollectionProperty, FloatProperty, PointerProperty
from bpy.types import Context, Image, Operator, PropertyGroup, UILayout

from ....core.job import JobError
from ...translation.translate import _
from ..reasoned_operator import ReasonedOperator
from ..weighted_list import RemoveItem, from_text
from .choice import is_picture

MOST = 8
"""Further pictures at most: of more, none has a share that is seen."""


class MoreStyle(PropertyGroup):
    """A picture that is blended with the style image"""

    image: PointerProperty(
        type=Image, name="Picture", description="A picture that the style is taken from too", poll=is_picture
    )
    weight: FloatProperty(
        name="Weight",
        description="How much of the texture takes after this picture, beside the weights of the others",
        default=1.0,
        min=0.0,
        max=10.0,
    )


class MoreStyles:
    """Beside ``bpy.types.PropertyGroup``: what is blended with the style image."""

    style_weight: FloatProperty(
        name="Style Image",
        description="How much of the texture takes after the style image, beside the weights of the pictures below",
        default=1.0,
        min=0.0,
        max=10.0,
    )
    more_styles: CollectionProperty(
        name="Blend With", description="Pictures that the style is taken from too", type=MoreStyle
    )


def read_styles(text: str) -> list[Any]:
    """Further pictures as operators take them, like items of the scene; a weight may be left out.

    Raises:
        JobError: ``bad_setting``: a weight is no number; ``bad_image``: there is no such image.
    """
    found = []
    for name, weight in from_text(text, lambda part: part in bpy.data.images):
        image = bpy.data.images.get(name)
        if image is None:
            raise JobError("bad_image", f"There is no image {name!r} in this file", "Load it first")
        found.append(SimpleNamespace(image=image, weight=weight))
    return found


def draw_more_styles(layout: UILayout, settings: PropertyGroup) -> None:
    """The pictures and their weights, in the panel."""
    heading = layout.row(align=True)
    heading.label(text=_("Blend With"))
    heading.operator("styletex.add_style", text="", icon="ADD")
    if not settings.more_styles:
        return
    layout.prop(settings, "style_weight")
    for number, item in enumerate(settings.more_styles):
        column = layout.column(align=True)
        row = column.row(align=True)
        row.prop(item, "image", text="")
        row.operator("styletex.use_style", text="", icon="FILE_FOLDER").further = number
        row.operator("styletex.remove_style", text="", icon="REMOVE").number = number
        weight = column.row()
        weight.active = item.image is not None
        weight.prop(item, "weight")


class STYLETEX_OT_add_style(ReasonedOperator, Operator):
    """Take the style from another picture too"""

    bl_idname = "styletex.add_style"
    bl_label = "Blend With a Picture"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @staticmethod
    def why_not(context: Context) -> str:
        full = len(context.scene.styletex.more_styles) >= MOST
        return _("There are as many pictures as can be blended") if full else ""

    def execute(self, context: Context) -> set[str]:
        """Add a row for it."""
        context.scene.styletex.more_styles.add()
        return {"FINISHED"}


class STYLETEX_OT_remove_style(RemoveItem, Operator):
    """Blend with this picture no more; it stays in the file"""

    bl_idname = "styletex.remove_style"
    bl_label = "Remove Picture"
    list_name = "more_styles"

    @staticmethod
    def why_not(context: Context) -> str:
        return "" if len(context.scene.styletex.more_styles) else _("There is no picture")


register, unregister = bpy.utils.register_classes_factory((STYLETEX_OT_add_style, STYLETEX_OT_remove_style))
