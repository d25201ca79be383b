# SPDX-License-Identifier: GPL-3.0-or-later
"""All settings as an operator's properties. Those that are not given are the scene's."""

# pyright: reportInvalidTypeForm=false
# (Blender reads properties from annotations that are calls.)

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import CollectionProperty, EnumProperty, PointerProperty, StringProperty

from ....core.job import JobError
from ...settings import Settings
from ...worker.environment import preference
from ..models.properties import OwnFiles, read_loras
from ..preferences import DEVICE_ITEMS
from ..properties import SceneSettings
from ..region.properties import RegionProperties
from ..styles.choice import StyleChoice
from ..styles.more_styles import MoreStyles, read_styles

SWITCHES = {
    "tone": "use_tone",
    "detail": "use_detail",
    "stroke_size": "use_stroke_size",
    "restyle_strength": "start_from_present",
    "relief": "use_relief",
}
"""Settings that count only where another one is on: giving one turns that on."""
_NOT_OF_A_TEXTURE = frozenset({"history_limit", "content_filled_in"})
"""Properties of the scene that say nothing of how a texture is made."""


class SettingsProperties:
    """Beside ``bpy.types.Operator``: every setting of the panel, by the same name and in the same range."""

    style_image: StringProperty(
        name="Style Image",
        description="Name of the image in this file that gives the style; empty for the scene's",
        options={"SKIP_SAVE"},
    )
    region_mask: StringProperty(
        name="Mask",
        description="Name of the image in this file that is white where the texture is to be made anew; empty for the "
        "scene's",
        options={"SKIP_SAVE"},
    )
    loras: StringProperty(
        name="LoRAs",
        description='Files that change the model, each with its weight: "ink.safetensors:0.8; detail.safetensors:0.4". '
        "Those of the scene where nothing is given",
        options={"SKIP_SAVE"},
    )
    more_styles: StringProperty(
        name="Blend With",
        description='Images in this file that the style is taken from too, each with its weight: "ink.png:0.8; '
        'paper.jpg:0.4". Those of the scene where nothing is given',
        options={"SKIP_SAVE"},
    )
    device: EnumProperty(
        name="Device",
        description="Where the texture is computed; the one of the preferences where it is not given",
        items=DEVICE_ITEMS,
        default="auto",
        options={"SKIP_SAVE"},
    )

    if TYPE_CHECKING:
        properties: Any
        """Blender's."""
        report: Callable[[set[str], str], None]
        """Blender's."""

    def given(self) -> dict[str, Any]:
        """What the caller set, by the names of the scene's settings; ``style_image`` and ``region_mask`` as images.

        Raises:
            JobError: ``bad_image``: there is no such image; ``bad_setting``: a weight is no number.
        """
        names = [*SettingsProperties.__annotations__]
        found = {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}
        found.pop("device", None)
        if "loras" in found:
            found["loras"] = read_loras(found["loras"])
        if "more_styles" in found:
            found["more_styles"] = read_styles(found["more_styles"])
        for name, switch in SWITCHES.items():
            if name in found:
                found.setdefault(switch, True)
        for role in ("style_image", "region_mask"):
            if name := found.pop(role, ""):
                found[role] = bpy.data.images.get(name)
                if found[role] is None:
                    raise JobError("bad_image", f"There is no image {name!r} in this file", "Load it first")
        return found

    def settings(self, scene: bpy.types.Scene) -> Settings:
        """The scene's settings with what the caller set in their place.

        Raises:
            JobError: ``bad_image``, ``bad_setting``.
        """
        chosen = self.device if self.properties.is_property_set("device") else str(preference("device", "auto"))
        return Settings.from_scene(scene, chosen, self.given())


def _of_operator(declared: Any) -> Any:
    """The same property, not remembered from one call to the next: what is not given is the scene's."""
    # What the scene does when one is changed is not the operator's: its images are names.
    keywords = {name: value for name, value in declared.keywords.items() if name != "update"}
    return declared.function(**{**keywords, "options": {"SKIP_SAVE"}})


SettingsProperties.__annotations__.update(
    {
        name: _of_operator(declared)
        for group in (SceneSettings, StyleChoice, MoreStyles, RegionProperties, OwnFiles)
        for name, declared in group.__annotations__.items()
        if name not in {*SettingsProperties.__annotations__, *_NOT_OF_A_TEXTURE}
        and declared.function not in (PointerProperty, CollectionProperty)
        and "get" not in declared.keywords
    }
)
