# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu of presets in the panel's header; the artist's own are files in Blender's folder of presets."""

from __future__ import annotations

from pathlib import Path

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel
from bpy.types import Context, Operator, Panel

SUBFOLDER = "styletex"
"""Of Blender's folder of presets."""
_SHIPPED = str(Path(__file__).parent / "shipped")
PRESET_NAMES = (
    "preset",
    "profile",
    "texture_size",
    "tiles",
    "content_removal",
    "style_strength",
    "use_stroke_size",
    "stroke_size",
    "use_detail",
    "detail",
    "use_tone",
    "tone",
    "shading",
    "start_from_present",
    "restyle_strength",
    "use_relief",
    "relief",
)
"""What every preset sets: all but the picture, words, seed, own files, where the image goes, and what becomes of
materials."""
_OWN_FILES = ("own_model", "own_vae", "loras")
"""What the artist's own presets set besides; those that come with StyleTex leave the artist's files."""


class STYLETEX_OT_add_preset(AddPresetBase, Operator):
    """Add these settings to the presets, or remove the chosen preset; picture, words and seed are no part of it"""

    bl_idname = "styletex.add_preset"
    bl_label = "Add StyleTex Preset"
    preset_menu = "STYLETEX_PT_presets"
    preset_subdir = SUBFOLDER
    # Whole paths: with Python 3.13, some of Blender's versions do not find names that ``preset_defines`` brings in.
    preset_values = tuple(f"bpy.context.scene.styletex.{name}" for name in (*PRESET_NAMES, *_OWN_FILES))

    def execute(self, context: Context) -> set[str]:
        """Blender's own; where it fails it leaves half a preset, which goes."""
        before = _own_presets()
        try:
            return super().execute(context)
        except BaseException:
            for half in _own_presets() - before:
                half.unlink()
            raise


def _own_presets() -> set[Path]:
    folder = bpy.utils.user_resource("SCRIPTS", path=str(Path("presets") / SUBFOLDER))
    return set(Path(folder).glob("*.py")) if folder else set()


class STYLETEX_PT_presets(PresetPanel, Panel):
    """Settings under a name"""

    bl_label = "StyleTex Presets"
    preset_subdir = SUBFOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = STYLETEX_OT_add_preset.bl_idname


_CLASSES = (STYLETEX_OT_add_preset, STYLETEX_PT_presets)


def register() -> None:
    """Add the menu, and the presets that come with StyleTex."""
    for found in _CLASSES:
        bpy.utils.register_class(found)
    bpy.utils.register_preset_path(_SHIPPED)


def unregister() -> None:
    """Take them away; the artist's own stay in their folder."""
    bpy.utils.unregister_preset_path(_SHIPPED)
    for found in reversed(_CLASSES):
        bpy.utils.unregister_class(found)
