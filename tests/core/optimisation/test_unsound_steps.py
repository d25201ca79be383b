# SPDX-License-Identifier: GPL-3.0-or-later
"""A gradient that is not finite costs its own step and nothing else."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
import trimesh

from core import stylize as story
from core.detail.settings import DetailSettings
from core.job import MESH_FILE, REPORT_FILE, Job, JobError
from core.mesh_files.import_file import import_file
from core.models.profiles import profile
from core.optimisation import objective
from core.optimisation.presets import optimisation_settings
from core.stylize import LoadedModels, stylize
from core.texture_field.field import HashGridSettings

JOB = Job("Box", "a box", "style.png", preset="draft", texture_size=256, seed=3)


@pytest.fixture(scope="module")
def settings(model_folder):
    """A few quick steps from an untrained field, the model's alone."""
    draft = optimisation_settings(profile("bundled", model_folder), "draft")
    return dataclasses.replace(
        draft,
        steps=3,
        views=dataclasses.replace(draft.views, views_per_step=2),
        supersampling=1,
        hash_grid=HashGridSettings(levels=4, log2_entries=12),
        statistics_weight=0.0,
        frame_size=64,
        detail=DetailSettings(strength=0.0),
        warm_start=None,
    )


@pytest.fixture
def folder(tmp_path, style_picture):
    box = tmp_path / "box.obj"
    trimesh.creation.box(extents=(1, 2, 3)).export(box)
    folder = tmp_path / "job"
    folder.mkdir()
    np.savez(folder / MESH_FILE, **vars(import_file(box).mesh))
    style_picture.save(folder / "style.png")
    return folder


@pytest.fixture
def poison(monkeypatch):
    """Makes one number of the gradient infinite in those calls, from 1, of which ``chosen`` says so."""

    def make(chosen):
        real, calls = objective.interval_score_gradient, []

        def poisoned(networks, *arguments):
            calls.append(networks.dtype)
            gradient = real(networks, *arguments)
            if chosen(len(calls), networks):
                gradient[0, 0, 0, 0] = float("inf")
            return gradient

        monkeypatch.setattr(objective, "interval_score_gradient", poisoned)
        return calls

    return make


def test_one_step_is_left_out_and_counted(folder, model_folder, settings, poison, new_reporter):
    poison(lambda call, _: call == 2)
    reporter = new_reporter()
    result = stylize(JOB, folder, reporter, LoadedModels(model_folder), settings)
    assert result.base_color.is_file()
    report = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
    assert (report["steps_done"], report["left_out"], report["finished_early"]) == (3, 1, False)
    first, second, third = report["measures"]["distillation"]
    assert second is None and first > 0 and third > 0
    assert [code for code, _ in reporter.warnings] == ["non_finite"] and "1 of 3 steps" in reporter.warnings[0][1]
    assert report["warnings"] == [{"code": code, "message": message} for code, message in reporter.warnings]


def test_after_ten_in_a_row_what_there_is_is_baked(folder, model_folder, settings, poison, new_reporter):
    poison(lambda call, _: call > 2)
    reporter = new_reporter()
    longer = dataclasses.replace(settings, steps=40)
    result = stylize(JOB, folder, reporter, LoadedModels(model_folder), longer)
    assert result.base_color.is_file()
    assert (result.report["steps_done"], result.report["left_out"]) == (12, 10) and result.report["finished_early"]
    ((code, message),) = reporter.warnings
    assert code == "non_finite" and "step 12 of 40" in message and "10 steps" in message


def test_where_no_step_could_be_taken_there_is_no_texture(folder, model_folder, settings, poison, new_reporter):
    poison(lambda call, _: True)
    with pytest.raises(JobError, match="all 3 steps") as caught:
        stylize(JOB, folder, new_reporter(), LoadedModels(model_folder), settings)
    assert caught.value.code == "non_finite" and "seed" in caught.value.hint
    assert {path.name for path in folder.iterdir()} == {MESH_FILE, "style.png"}


def test_where_half_precision_overflows_the_step_is_repeated_in_full(
    folder, model_folder, settings, poison, new_reporter, monkeypatch
):
    monkeypatch.setitem(story.DTYPES, "float32", torch.float16)
    calls = poison(lambda _, networks: networks.dtype == torch.float16 and calls.count(torch.float16) == 2)
    models = LoadedModels(model_folder)
    networks = models.get("bundled", torch.device("cpu"), torch.float16)
    before = {name: value.clone() for name, value in networks.unet.state_dict().items()}
    reporter = new_reporter()
    report = stylize(JOB, folder, reporter, models, settings).report
    half, full = torch.float16, torch.float32
    assert calls == [half, half, full, half]
    assert report["left_out"] == 0 and not reporter.warnings
    assert np.isfinite(report["measures"]["distillation"]).all()
    after = networks.unet.state_dict()
    assert all(after[name].dtype == value.dtype and torch.equal(after[name], value) for name, value in before.items())
