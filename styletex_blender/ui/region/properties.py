# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of an object to texture, for the scene and for an object of its own."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from bpy.props import EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty
from bpy.types import Image

from ....core.job import LARGEST_BORDER
from ...region.choice import REGIONS, RegionChoice

_TEXTS = {
    "all": ("Whole Object", "Texture all of it", "MESH_DATA"),
    "faces": ("Selected Faces", "Texture the faces that are selected in Edit Mode", "FACESEL"),
    "slot": ("Material Slot", "Texture the faces of one material slot", "MATERIAL"),
    "group": ("Vertex Group", "Texture a vertex group, as far as its weights say", "GROUP_VERTEX"),
    "mask": ("Mask Image", "Texture where an image on the active UV map is white", "IMAGE_DATA"),
}


class RegionProperties:
    """Beside ``bpy.types.PropertyGroup``: a part of an object."""

    region: EnumProperty(
        name="Only Here",
        description="Which part of the object to texture; the rest of its texture stays as it is, to the last bit",
        items=[(key, *_TEXTS[key], number) for number, key in enumerate(REGIONS)],
        default="all",
    )
    region_slot: IntProperty(
        name="Slot",
        description="Number of the material slot, counted from 1",
        default=RegionChoice.slot,
        min=1,
        soft_max=16,
    )
    region_group: StringProperty(name="Vertex Group", description="Name of the vertex group")
    region_mask: PointerProperty(
        name="Mask",
        description="The image on the active UV map that is white where the texture is to be made anew, and black "
        "where it stays",
        type=Image,
    )
    region_border: FloatProperty(
        name="Soft Border",
        description="How far inside its edge the part goes over into what is around it, as a share of the object's "
        "largest side; 0 is a hard edge",
        default=RegionChoice.border,
        min=0.0,
        max=LARGEST_BORDER,
        soft_max=0.1,
        precision=3,
        step=1,
    )
