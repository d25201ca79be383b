# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompt, style and seed of an object's own, and names that serve as prompts: by button, by script and headless."""

from __future__ import annotations

import json

import pytest

from styletex.core.job import JobError


def jobs(run):
    return {
        task.object_name: json.loads((task.folder.path / "job.json").read_text(encoding="utf-8")) for task in run.tasks
    }


@pytest.fixture
def prepared(bpy, styletex):
    """Prepares the selected objects' jobs as the button does, and returns them."""
    runs = []

    def prepare(objects=None):
        settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
        runs.append(styletex.module("api").prepare(objects or list(bpy.context.selected_objects), settings))
        return jobs(runs[-1])

    yield prepare
    for run in runs:
        for task in run.tasks:
            task.folder.leave(keep_checkpoint=False)


@pytest.fixture
def own(bpy, scene, tmp_path):
    """Suzanne's own settings, switched on and empty."""
    values = bpy.data.objects["Suzanne"].styletex
    values.use_own = True
    return values


def test_own_settings_that_are_empty_are_the_scenes(bpy, own, prepared):
    found = prepared()
    assert found["Suzanne"]["prompt"] == found["Cube"]["prompt"] == "a box"
    assert found["Suzanne"]["seed"] == found["Cube"]["seed"] == 0


def test_own_prompt_style_and_seed_are_for_this_object_alone(bpy, own, prepared, tmp_path):
    from PIL import Image

    Image.new("RGB", (16, 16), (9, 9, 200)).save(tmp_path / "blue.png")
    own.style_image = bpy.data.images.load(str(tmp_path / "blue.png"))
    own.content, own.prompt, own.use_seed, own.seed = "the sky", "a monkey", True, 5
    found = prepared()
    suzanne, cube = found["Suzanne"], found["Cube"]
    assert (suzanne["prompt"], suzanne["style_name"], suzanne["content"], suzanne["seed"]) == (
        "a monkey",
        "blue.png",
        "the sky",
        5,
    )
    assert (cube["prompt"], cube["style_name"], cube["content"], cube["seed"]) == ("a box", "stripes.png", "", 0)


def test_own_settings_that_are_switched_off_do_not_count(bpy, own, prepared):
    own.prompt, own.use_own = "a monkey", False
    assert prepared()["Suzanne"]["prompt"] == "a box"


def test_name_serves_as_prompt_but_own_words_go_before_it(bpy, scene, own, prepared):
    bpy.context.scene.styletex.prompt_from_name = True
    own.prompt = "a monkey"
    bpy.data.objects["Cube"].name = "Treasure_chest.001"
    found = prepared()
    assert found["Treasure_chest.001"]["prompt"] == "Treasure chest"
    assert found["Suzanne"]["prompt"] == "a monkey"


@pytest.fixture
def why_not(bpy, styletex):
    """Why the panel's button cannot be used now; empty where it can."""
    return lambda: styletex.module("ui.availability").why_not(bpy.context)


def test_prompt_may_be_empty_with_the_bundled_model_and_not_with_another(bpy, scene, prepared, why_not):
    bpy.context.scene.styletex.prompt = " "
    assert prepared()["Cube"]["prompt"] == "Cube"
    bpy.context.scene.styletex.profile = "sd15"
    assert "Describe the object" in why_not()
    with pytest.raises(JobError, match="The object prompt is empty"):
        prepared()


def test_scene_needs_no_style_where_every_selected_object_has_its_own(bpy, scene, own, prepared, why_not):
    settings = bpy.context.scene.styletex
    own.style_image, settings.style_image = settings.style_image, None
    assert why_not(), "the cube has none"
    assert list(prepared()) == ["Suzanne"]
    bpy.data.objects["Cube"].select_set(False)
    assert not why_not()
    assert prepared()["Suzanne"]["style_name"] == "stripes.png"


def test_own_settings_survive_saving_and_a_copy_of_the_object(bpy, own, tmp_path):
    own.prompt, own.use_seed, own.seed = "a monkey", True, 5
    copy = bpy.data.objects["Suzanne"].copy()
    assert (copy.styletex.use_own, copy.styletex.prompt, copy.styletex.seed) == (True, "a monkey", 5)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "own.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "own.blend"))
    kept = bpy.data.objects["Suzanne"].styletex
    assert (kept.use_own, kept.prompt, kept.seed) == (True, "a monkey", 5)


def test_headless_and_scripts_take_own_settings_and_names_as_the_button_does(
    bpy, scene, own, styletex, style_image, monkeypatch, tmp_path
):
    settings_class = styletex.module("settings").Settings
    told, job_of = [], settings_class._job

    def note(settings, object_name, words, style_file, present_file):
        told.append((object_name, words, settings.seed))
        return job_of(settings, object_name, words, style_file, present_file)

    own.prompt, own.use_seed, own.seed = "a monkey", True, 5
    bpy.context.scene.styletex.prompt_from_name = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    monkeypatch.setattr(settings_class, "_job", note)
    names = {"Cube", "Suzanne"}
    bpy.ops.styletex.stylize()
    by_button = {each for each in told if each[0] in names}
    told.clear()
    arguments = ["--style", str(style_image), "--prompt-from-name", "--objects", "Cube", "Suzanne", "--size", "256"]
    assert styletex.module("headless").main(arguments) == 0
    assert {each for each in told if each[0] in names} == by_button == {("Cube", "Cube", 0), ("Suzanne", "a monkey", 5)}
