# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sets, kept in the scene so that it is saved with the file."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty
from bpy.types import Object, PropertyGroup, Scene

from ...core.job import PRESETS, PROFILES, STROKE_SIZES, TEXTURE_SIZES, UV_TILES
from ..settings import MOST_VARIATIONS
from .models.properties import LoraItem, OwnFiles
from .region.properties import RegionProperties
from .styles.choice import StyleChoice
from .styles.more_styles import MoreStyle, MoreStyles

_PRESET_TEXTS = {
    "draft": ("Draft", "A quick look: at most half the steps of Balanced"),
    "balanced": ("Balanced", "Good quality in reasonable time"),
    "paper": ("Best", "The most steps and the longest wait; with Stable Diffusion 1.5, the published settings"),
}
_PROFILE_TEXTS = {
    "bundled": (
        "Bundled",
        "A small model that comes with StyleTex and needs no network. It was trained on generated patterns: it brings "
        "palette and stroke, and simple patterns; it does not know what most objects look like",
    ),
    "sd15": (
        "Stable Diffusion 1.5",
        "The model of the StyleTex paper. It needs about 10 GB of model files and a graphics card with 8 GB of memory",
    ),
    "sdxl": (
        "Stable Diffusion XL",
        "A larger model with the same method. It needs about 17 GB of model files and a graphics card with 12 GB of "
        "memory; with 24 GB it sees more",
    ),
}

_TILES_TEXTS = {
    "auto": ("Automatic", "Tell from the UV map whether it is meant as UDIM"),
    "one": ("One Image", "One image; UVs beyond its borders repeat it"),
    "udim": ("UDIM", "An image for each tile of the UV map"),
}


class SceneSettings(StyleChoice, MoreStyles, RegionProperties, OwnFiles, PropertyGroup):
    """Settings of Stylize Texture"""

    prompt: StringProperty(
        name="Object",
        description='What the object is, in a few words: "a wooden chest". The bundled model makes little of '
        "it, so there it may be left empty",
    )
    prompt_from_name: BoolProperty(
        name="Object's Name as Description",
        description="Each object's own name says what it is",
        default=False,
    )
    preset: EnumProperty(
        name="Preset",
        description="How long to work on the texture",
        items=[(key, *_PRESET_TEXTS[key]) for key in PRESETS],
        default="balanced",
    )
    profile: EnumProperty(
        name="Model",
        description="The diffusion model that judges the texture",
        items=[(key, *_PROFILE_TEXTS[key]) for key in PROFILES],
        default="bundled",
    )
    texture_size: EnumProperty(
        name="Size",
        description="Width and height of the texture",
        items=[(str(size), f"{size} px", f"{size} x {size} texels") for size in TEXTURE_SIZES],
        default="1024",
    )
    tiles: EnumProperty(
        name="UV Tiles",
        description="What becomes of UVs outside of the first tile",
        items=[(key, *_TILES_TEXTS[key]) for key in UV_TILES],
        default="auto",
    )
    seed: IntProperty(
        name="Seed",
        description="The same seed and settings give the same texture again; another seed gives another",
        default=0,
        min=0,
        max=2**31 - 1,
    )
    variations: IntProperty(
        name="Variations",
        description="How many textures to make of each object, each with the next seed. The first is put on the "
        "object; all are in its history, to be looked at and applied",
        default=1,
        min=1,
        max=MOST_VARIATIONS,
    )
    history_limit: IntProperty(
        name="Keep Results",
        description="How many results of an object its history keeps in the file. The oldest go first, and never the "
        "one that is applied",
        default=10,
        min=1,
        max=100,
    )
    content_removal: FloatProperty(
        name="Keep Out",
        description="How much of what the style image shows is kept out of the texture (content removal). "
        "Lower it when colors get lost",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    use_tone: BoolProperty(
        name="Set Color Match",
        description="Set how strongly the texture follows the style image's colors and strokes; otherwise the model's "
        "own value is used",
        default=False,
    )
    tone: FloatProperty(
        name="Color Match",
        description="How strongly the texture follows the style image's colors and strokes (the weight of the style "
        "statistics); 0 leaves it to the model, and the bundled model's own value is 3",
        default=3.0,
        min=0.0,
        soft_max=10.0,
    )
    style_strength: FloatProperty(
        name="Strength",
        description="How strongly the style is laid on: by the model, in color and in detail",
        default=1.0,
        min=0.0,
        max=2.0,
        subtype="FACTOR",
    )
    use_stroke_size: BoolProperty(
        name="Set Stroke Size",
        description="Set how large the strokes are; otherwise a pixel of the style image is about as large as a texel",
        default=False,
    )
    stroke_size: FloatProperty(
        name="Stroke Size",
        description="How much of the object the style image would cover: 1 is its largest side, less is finer",
        default=0.75,
        min=STROKE_SIZES[0],
        max=STROKE_SIZES[1],
        soft_min=0.25,
        soft_max=2.0,
    )
    use_detail: BoolProperty(
        name="Set Detail",
        description="Set how much of the style image's own detail goes into the texture; otherwise the preset's value "
        "is used",
        default=False,
    )
    detail: FloatProperty(
        name="Detail",
        description="The style image's own detail: 0 is none, 0.5 its fine strokes over the model's colors, 1 its "
        "colors too",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    start_from_present: BoolProperty(
        name="Start from Present Color",
        description="Start from the base color that the object's material has now, an image on the active UV map or a "
        "plain color, and keep its layout of light and dark",
        default=False,
    )
    restyle_strength: FloatProperty(
        name="Restyle",
        description="How far to go from the present color: 0 keeps it as it is, 1 forgets it",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    shading: BoolProperty(
        name="Avoid Baked Light",
        description="Let the model see the object in light from many sides, so that it does not paint light and shade "
        "into the texture. The bundled model and the published settings (Stable Diffusion 1.5, Best) never do",
        default=True,
    )
    destination: EnumProperty(
        name="Keep Image",
        description="Where the finished texture goes",
        items=[
            ("packed", "In the File", "Pack the image into the .blend file"),
            ("beside", "Beside the File", 'Save the image as a PNG in a folder "textures" beside the .blend file'),
        ],
        default="packed",
    )
    material: EnumProperty(
        name="Material",
        description="What becomes of the object's materials; one undo brings them back in any case",
        items=[
            (
                "keep",
                "Keep Materials",
                "Put the image into Base Color of a copy of each material: roughness, normal, alpha and all other "
                "nodes stay",
            ),
            ("new", "New Material", "Give the object one new material with the image in Base Color"),
        ],
        default="keep",
    )
    use_relief: BoolProperty(
        name="Make Up Relief",
        description="Add a Bump node on the texture's brightness. The relief is made up: bright strokes stand out; it "
        "is not measured geometry",
        default=False,
    )
    relief: FloatProperty(
        name="Relief",
        description="How strong the relief made up from the texture's brightness is; it is not measured geometry",
        default=0.3,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )


class ObjectSettings(StyleChoice, RegionProperties, PropertyGroup):
    """Settings of Stylize Texture for one object"""

    use_own: BoolProperty(
        name="Own Settings",
        description="Use what is set here for this object, and the scene's settings for all else. Hold Alt to set it "
        "for all selected objects",
        default=False,
        options=set(),
    )
    prompt: StringProperty(
        name="Object",
        description="What this object is, in a few words; leave it empty to use the scene's words",
    )
    use_region: BoolProperty(
        name="Own Part",
        description="Choose for this object alone which part of it to texture",
        default=False,
    )
    sent: StringProperty(
        name="On a Farm",
        description="The textures that a farm makes for this object",
        options={"HIDDEN"},
    )
    use_seed: BoolProperty(
        name="Own Seed",
        description="Use another seed for this object than the scene's",
        default=False,
    )
    seed: IntProperty(
        name="Seed",
        description="The same seed and settings give the same texture again; another seed gives another",
        default=0,
        min=0,
        max=2**31 - 1,
    )


def register() -> None:
    """Add ``scene.styletex`` and ``object.styletex``."""
    bpy.utils.register_class(LoraItem)
    bpy.utils.register_class(MoreStyle)
    bpy.utils.register_class(SceneSettings)
    bpy.utils.register_class(ObjectSettings)
    Scene.styletex = PointerProperty(type=SceneSettings)
    Object.styletex = PointerProperty(type=ObjectSettings)


def unregister() -> None:
    """Take them away."""
    del Object.styletex
    del Scene.styletex
    bpy.utils.unregister_class(ObjectSettings)
    bpy.utils.unregister_class(SceneSettings)
    bpy.utils.unregister_class(MoreStyle)
    bpy.utils.unregister_class(LoraItem)
