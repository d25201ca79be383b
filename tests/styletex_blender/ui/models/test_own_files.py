# SPDX-License-Identifier: GPL-3.0-or-later
"""Own checkpoint, LoRAs and VAE: from the panel, a script, the command line and a preset into the job."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from styletex.core.job import PROFILES, JobError


@pytest.fixture
def job_of(bpy, styletex):
    """The job of one object, as it is written for the worker."""
    runs = []

    def prepare(settings):
        runs.append(styletex.module("api").prepare([bpy.data.objects["Cube"]], settings))
        (task,) = runs[-1].tasks
        return json.loads((task.folder.path / "job.json").read_text(encoding="utf-8"))

    yield prepare
    for run in runs:
        for task in run.tasks:
            task.folder.leave(keep_checkpoint=False)


@pytest.fixture
def filled(scene, tmp_path):
    """The panel with all three, and a second LoRA that is switched off."""
    settings = scene.styletex
    settings.profile = "sd15"
    settings.own_model, settings.own_vae = str(tmp_path / "mine.safetensors"), str(tmp_path / "vae")
    for name, weight, use in (("ink", 0.8, True), ("off", 1.0, False)):
        lora = settings.loras.add()
        lora.path, lora.weight, lora.use = str(tmp_path / f"{name}.safetensors"), weight, use
    return settings


def of_panel(bpy, styletex):
    return styletex.module("settings").Settings.from_scene(bpy.context.scene)


def test_what_the_panel_has_is_in_the_job(bpy, styletex, filled, job_of, tmp_path):
    job = job_of(of_panel(bpy, styletex))
    assert job["own_model"] == str(tmp_path / "mine.safetensors") and job["own_vae"] == str(tmp_path / "vae")
    ((path, weight),) = job["loras"]
    assert path == str(tmp_path / "ink.safetensors") and weight == pytest.approx(0.8)


def test_the_bundled_model_leaves_them_out(bpy, styletex, filled, job_of):
    filled.profile = "bundled"
    job = job_of(of_panel(bpy, styletex))
    assert (job["own_model"], job["loras"], job["own_vae"]) == (None, [], None)


def test_a_path_that_begins_at_the_blend_file_is_made_absolute(bpy, styletex, filled, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    filled.own_model = "//models/mine.safetensors"
    assert of_panel(bpy, styletex).own_model == str(tmp_path / "models/mine.safetensors")


def test_settings_of_a_result_come_back_into_the_panel(bpy, styletex, filled):
    before = of_panel(bpy, styletex)
    filled.own_model, filled.own_vae = "", ""
    filled.loras.clear()
    before.to_scene(bpy.context.scene)
    assert of_panel(bpy, styletex) == before


def test_settings_read_from_a_record_equal_those_that_were_written(bpy, styletex, filled):
    settings = of_panel(bpy, styletex)
    again = type(settings)(**json.loads(json.dumps(asdict(settings))))
    assert again == settings and asdict(again) == asdict(settings)


def test_a_script_gives_them_to_the_operator(bpy, styletex, scene, monkeypatch, tmp_path):
    taken = []
    monkeypatch.setattr(
        styletex.module("ui.operators"), "start", lambda *given: taken.append(given[-1]) or {"FINISHED"}
    )
    bpy.ops.styletex.stylize(
        profile="sd15", own_model="/mine.safetensors", loras="/ink.safetensors:0.5; /b.safetensors"
    )
    (settings,) = taken
    assert settings.own_model == "/mine.safetensors"
    assert settings.loras == (("/ink.safetensors", 0.5), ("/b.safetensors", 1.0))
    assert len(scene.styletex.loras) == 0
    with pytest.raises(RuntimeError, match="no number behind its last colon"):
        bpy.ops.styletex.stylize(profile="sd15", loras="/ink.safetensors:strong")


@pytest.mark.parametrize("path", ["/a.safetensors", "C:\\models\\a.safetensors", "/with:colon.safetensors"])
def test_loras_as_text_come_back(styletex, path):
    properties = styletex.module("ui.models.properties")
    loras = ((path, 0.25), ("/other.safetensors", -1.0))
    text = styletex.module("ui.weighted_list").as_text(loras)
    assert [(one.path, one.weight) for one in properties.read_loras(text)] == list(loras)


def test_the_command_line_takes_them(styletex, tmp_path):
    parser = styletex.module("headless_options").parser(importlib.import_module("styletex.core.job"))
    (tmp_path / "odd:1").mkdir()
    options = parser.parse_args(
        [
            *("--style", "s.png", "--profile", "sd15", "--model", "m.safetensors", "--vae", "v"),
            *("--lora", "a.safetensors:0.5", "--lora", "b.safetensors", "--lora", str(tmp_path / "odd:1")),
        ]
    )
    assert (options.model, options.vae) == (Path("m.safetensors"), Path("v"))
    assert options.lora == [
        (Path("a.safetensors"), 0.5),
        (Path("b.safetensors"), 1.0),
        (tmp_path / "odd:1", 1.0),
    ]


def test_a_preset_of_ones_own_keeps_them(bpy, filled, user_resources):
    bpy.ops.styletex.add_preset(name="Ink")
    (preset,) = Path(user_resources).rglob("Ink.py")
    ink = filled.loras[0].path
    filled.loras.clear()
    filled.own_model = ""
    bpy.ops.script.execute_preset(filepath=str(preset), menu_idname="STYLETEX_PT_presets")
    assert filled.own_model.endswith("mine.safetensors")
    assert (filled.loras[0].path, filled.loras[0].use) == (ink, True)
    bpy.ops.styletex.add_preset(name="Ink", remove_name=True)


def test_menus_put_a_file_into_its_field_and_take_a_lora_away(bpy, scene):
    for role, path in (("own_model", "/m.safetensors"), ("own_vae", "/v.safetensors"), ("lora", "/l.safetensors")):
        bpy.ops.styletex.choose_own_file(role=role, path=path)
    settings = scene.styletex
    assert (settings.own_model, settings.own_vae) == ("/m.safetensors", "/v.safetensors")
    assert [lora.path for lora in settings.loras] == ["/l.safetensors"]
    bpy.ops.styletex.remove_lora(number=0)
    assert len(settings.loras) == 0


def test_the_bundled_model_refuses_files_that_a_script_names(styletex, scene):
    settings = styletex.module("settings").Settings("s", "a box", own_model="/m.safetensors")
    assert settings.profile == PROFILES[0] and settings.own_model
    with pytest.raises(JobError, match="absolute"):
        styletex.module("settings").Settings("s", "a box", own_model="m.safetensors")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/models/loras/ink.safetensors", "ink"),
        ("C:\\models\\ink 0.8.safetensors", "ink 0.8"),
        ("//vae/", "vae"),
        ("/models/a\udcff.safetensors", "a?"),
        ("", ""),
    ],
)
def test_a_file_is_called_by_its_name(styletex, path, name):
    drawing = styletex.module("ui.models.model_drawing")
    assert drawing._file_name(path) == name
