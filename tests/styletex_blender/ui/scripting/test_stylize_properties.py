# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as properties of the operator: what is given counts, the rest is the scene's, and nothing is remembered."""

from __future__ import annotations

import types

import pytest


@pytest.fixture
def job_of(bpy, styletex, monkeypatch):
    """Calls the operator and returns the settings that reach the API."""

    def call(operator="stylize", **given):
        taken = []
        nothing = types.SimpleNamespace(outcomes=[])
        monkeypatch.setattr(
            styletex.module("api"), "stylize", lambda _objects, settings, **_: taken.append(settings) or nothing
        )
        getattr(bpy.ops.styletex, operator)(**given)
        return taken[0]

    return call


def test_every_setting_of_the_panel_is_a_property(bpy, scene):
    operator = bpy.ops.styletex.stylize.get_rna_type().properties
    others = {
        "rna_type",
        "name",
        "style_choice",
        "style_image",
        "history_limit",
        "loras",
        "more_styles",
        "content_filled_in",
    }
    for known in scene.styletex.bl_rna.properties:
        if known.identifier not in others and known.type != "POINTER":
            same = operator[known.identifier]
            assert (same.type, same.name, same.description) == (known.type, known.name, known.description)
            assert same.is_skip_save
            if known.type in {"INT", "FLOAT"}:
                assert (same.hard_min, same.hard_max) == (known.hard_min, known.hard_max)
    assert operator["style_image"].type == "STRING"


def test_what_is_given_counts_and_the_rest_is_the_scenes(bpy, scene, job_of):
    scene.styletex.seed, scene.styletex.style_strength = 7, 1.5
    settings = job_of(seed=9, texture_size="512", device="cpu")
    assert (settings.seed, settings.texture_size, settings.device) == (9, 512, "cpu")
    assert (settings.prompt, settings.style_strength) == ("a box", 1.5)
    assert (scene.styletex.seed, scene.styletex.texture_size) == (7, "256")


def test_nothing_is_remembered_from_one_call_to_the_next(bpy, scene, job_of):
    assert job_of(seed=9).seed == 9
    assert job_of().seed == 0
    scene.styletex.seed = 3
    assert job_of().seed == 3


@pytest.mark.parametrize(("name", "value"), [("tone", 2.0), ("detail", 0.25), ("stroke_size", 0.5)])
def test_giving_a_value_turns_it_on(bpy, scene, job_of, name, value):
    assert getattr(job_of(), name) is None
    assert getattr(job_of(**{name: value}), name) == value
    assert getattr(job_of(**{name: value, f"use_{name}": False}), name) is None


def test_giving_a_restyle_strength_starts_from_the_present_color(bpy, scene, job_of):
    settings = job_of(restyle_strength=0.25)
    assert settings.start_from_present and settings.restyle_strength == 0.25


def test_giving_a_relief_turns_it_on(bpy, scene, job_of):
    assert job_of().relief == 0.0
    assert job_of(relief=0.5).relief == 0.5
    assert job_of(relief=0.5, use_relief=False).relief == 0.0


def test_a_scene_without_settings_is_enough_for_a_script_that_gives_them(bpy, scene, job_of):
    style = scene.styletex.style_image.name
    scene.styletex.style_image, scene.styletex.prompt = None, ""
    assert job_of(style_image=style, prompt="a chest", profile="sd15").prompt == "a chest"
    with pytest.raises(RuntimeError, match="Choose a style image"):
        bpy.ops.styletex.stylize(prompt="a chest")


def test_unknown_image_and_value_out_of_range_are_refused(bpy, scene):
    with pytest.raises(RuntimeError, match=r"There is no image 'gone\.png'"):
        bpy.ops.styletex.stylize(style_image="gone.png")
    with pytest.raises(TypeError, match='"100" not found'):
        bpy.ops.styletex.stylize(texture_size="100")


def test_collection_takes_the_same_properties(bpy, scene, job_of):
    assert job_of("stylize_collection", seed=4).seed == 4


def test_what_the_scene_does_when_a_setting_changes_is_not_done_by_an_operator(styletex):
    """Its images are names, and what it is given is not the scene's."""
    declared = styletex.module("ui.scripting.settings_properties").SettingsProperties.__annotations__
    assert "content" in declared and not [name for name, one in declared.items() if "update" in one.keywords]
