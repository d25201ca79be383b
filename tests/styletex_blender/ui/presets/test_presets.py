# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets come with StyleTex, and the artist's own are kept in Blender's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

NAMES = ("Quick_Look", "Final_2K", "Restyle")


def files(bpy):
    return {path.stem: path for folder in bpy.utils.preset_paths("styletex") for path in Path(folder).glob("*.py")}


def apply(bpy, name):
    return bpy.ops.script.execute_preset(filepath=str(files(bpy)[name]), menu_idname="STYLETEX_PT_presets")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Quick_Look", {"preset": "draft", "texture_size": "512"}),
        ("Final_2K", {"preset": "paper", "texture_size": "2048"}),
        ("Restyle", {"start_from_present": True, "preset": "balanced"}),
    ],
)
def test_shipped_preset_sets_the_rest_and_leaves_picture_words_and_seed(bpy, scene, styletex, name, expected):
    settings = bpy.context.scene.styletex
    settings.seed, settings.tone, settings.use_tone = 7, 9.0, True
    assert apply(bpy, name) == {"FINISHED"}
    assert {key: getattr(settings, key) for key in expected} == expected
    assert not settings.use_tone
    assert (settings.prompt, settings.seed, settings.style_image.name) == ("a box", 7, "stripes.png")
    lines = files(bpy)[name].read_text()
    assert all(f"settings.{key} = " in lines for key in styletex.module("ui.presets.preset_menu").PRESET_NAMES)


def test_own_preset_is_saved_in_blenders_folder_found_again_and_removed(bpy, scene, user_resources):
    settings = bpy.context.scene.styletex
    settings.style_strength, settings.preset = 1.5, "draft"
    assert bpy.ops.styletex.add_preset(name="My Look") == {"FINISHED"}
    place = files(bpy)["My_Look"]
    assert place.is_relative_to(user_resources)
    settings.style_strength, settings.preset = 0.5, "balanced"
    apply(bpy, "My_Look")
    assert (settings.style_strength, settings.preset) == (1.5, "draft")
    bpy.ops.styletex.add_preset(name="My Look", remove_name=True)
    assert set(files(bpy)) == set(NAMES)


def test_values_of_own_presets_are_found_by_whole_paths_as_python_3_13_needs(bpy, styletex):
    operator = styletex.module("ui.presets.preset_menu").STYLETEX_OT_add_preset
    assert not hasattr(operator, "preset_defines")
    for path in operator.preset_values:
        assert bpy.context.path_resolve(path.removeprefix("bpy.context."), False) is not None


def test_preset_that_cannot_be_saved_leaves_nothing_in_the_list(bpy, scene, styletex, monkeypatch):
    operator = styletex.module("ui.presets.preset_menu").STYLETEX_OT_add_preset
    monkeypatch.setattr(operator, "preset_values", (*operator.preset_values, "not_there.value"))
    with pytest.raises(RuntimeError, match="not_there"):
        bpy.ops.styletex.add_preset(name="Half")
    assert set(files(bpy)) == set(NAMES)


def test_presets_are_gone_with_the_add_on(bpy):
    import importlib

    addon = importlib.import_module("styletex.styletex_blender")
    assert set(files(bpy)) >= set(NAMES)
    addon.unregister()
    try:
        assert not set(files(bpy)) & set(NAMES)
    finally:
        addon.register()
