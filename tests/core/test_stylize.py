# SPDX-License-Identifier: GPL-3.0-or-later
"""A job from folder to texture on the CPU, with untrained networks and two or three steps."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from core.detail.settings import DetailSettings
from core.devices.device_choice import Device
from core.job import MESH_FILE, PREVIEW_FILE, REPORT_FILE, TEXTURE_FILE, THUMBNAIL_FILE, Job, JobError
from core.mesh_files.import_file import import_file
from core.models.profiles import profile
from core.optimisation.checkpoint import CHECKPOINT_FILE, Checkpoint
from core.optimisation.presets import WarmStartSettings, optimisation_settings
from core.reporting import Cancelled, Paused
from core.stylize import LoadedModels, stylize
from core.texture_field.field import HashGridSettings

JOB = Job("Box", "a box", "style.png", content="a house", preset="draft", texture_size=256, seed=3)


@pytest.fixture(scope="module")
def models(model_folder):
    """Loaded once for all jobs, as in the worker."""
    return LoadedModels(model_folder)


@pytest.fixture(scope="module")
def settings(model_folder):
    """Three quick steps from an untrained field."""
    draft = optimisation_settings(profile("bundled", model_folder), "draft")
    return dataclasses.replace(
        draft,
        steps=3,
        views=dataclasses.replace(draft.views, views_per_step=2),
        supersampling=1,
        hash_grid=HashGridSettings(levels=4, log2_entries=12),
        frame_seconds=0.0,
        frame_size=64,
        detail=DetailSettings(most_points=1000),
        warm_start=None,
    )


@pytest.fixture
def folder(tmp_path, style_picture):
    """A job folder with a box and a picture."""
    box = tmp_path / "box.obj"
    trimesh.creation.box(extents=(1, 2, 3)).export(box)
    folder = tmp_path / "job"
    folder.mkdir()
    np.savez(folder / MESH_FILE, **vars(import_file(box).mesh))
    style_picture.save(folder / "style.png")
    return folder


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inputs_only(folder):
    return {path.name for path in folder.iterdir()} == {MESH_FILE, "style.png"}


def test_a_job_leaves_texture_preview_and_report(folder, models, settings, new_reporter):
    reporter = new_reporter()
    result = stylize(JOB, folder, reporter, models, settings)
    texture = np.asarray(Image.open(folder / TEXTURE_FILE))
    assert texture.shape == (256, 256, 3) and texture.dtype == np.uint8
    assert texture.reshape(-1, 3).std(axis=0).max() > 0
    assert Image.open(folder / PREVIEW_FILE).width > 4 * 384
    assert Image.open(folder / THUMBNAIL_FILE).size == (128, 128)
    report = json.loads((folder / REPORT_FILE).read_text())
    assert report == json.loads(json.dumps(result.report))
    assert report["steps_done"] == 3 and report["seed"] == 3
    assert report["precision"] == "float32" and report["device_name"] in report["device_reason"]
    assert report["coverage"]["untouched"] == 0
    assert -1 <= report["content_cosine"] <= 1
    assert set(report["measures"]) == {"distillation", "statistics"}
    stages = ["mesh", "models", "style", "optimise", "coverage", "detail", "bake", "preview"]
    assert set(report["seconds"]) == set(stages)
    assert reporter.stages == stages
    assert [step for step, of, _ in reporter.steps if of == 3] == [1, 2, 3]
    left = [seconds for _, _, seconds in reporter.steps[1:]]
    assert left == sorted(left, reverse=True) and left[-1] >= 0
    assert len(reporter.frames) == 3 and reporter.frames[0].shape == (64, 64, 3)
    assert not (folder / CHECKPOINT_FILE).exists()


def test_who_names_content_that_the_model_was_not_taught_is_told(folder, models, settings, new_reporter):
    def warnings(content):
        reporter = new_reporter()
        stylize(dataclasses.replace(JOB, content=content), folder, reporter, models, settings)
        return dict(reporter.warnings)

    told = warnings("a dragon ")["content"]
    assert 'what "a dragon" is' in told and "chair, creature" in told
    assert "content" not in warnings("a house") and "content" not in warnings(" ")


def test_a_run_begins_with_a_sketch_once_and_never_again_where_a_checkpoint_is(folder, models, settings, new_reporter):
    sketched = dataclasses.replace(
        settings, warm_start=WarmStartSettings(views=2, steps=2, updates=2, points=500), checkpoint_seconds=0.0
    )
    reporter = new_reporter()
    whole = digest(stylize(JOB, folder, reporter, models, sketched).base_color)
    assert reporter.stages[:5] == ["mesh", "models", "style", "start", "optimise"]
    assert whole != digest(stylize(JOB, folder, new_reporter(), models, settings).base_color)
    with pytest.raises(ConnectionError):
        stylize(JOB, folder, new_reporter(die_at=1), models, sketched)
    assert not (folder / CHECKPOINT_FILE).exists()
    with pytest.raises(ConnectionError):
        stylize(JOB, folder, new_reporter(die_at=4), models, sketched)
    reporter = new_reporter()
    again = stylize(JOB, folder, reporter, models, sketched)
    assert "start" not in reporter.stages and again.report["resumed_at"] == 1
    assert digest(again.base_color) == whole
    with pytest.raises(Cancelled):
        stylize(JOB, folder, new_reporter(cancel_in="start"), models, sketched)
    assert inputs_only(folder)


def test_the_user_is_told_of_faces_that_the_uvs_give_no_room(folder, settings, tmp_path, new_reporter):
    arrays = dict(np.load(folder / MESH_FILE))
    arrays["corner_uvs"][:6] = 0.5
    np.savez(folder / MESH_FILE, **arrays)
    reporter = new_reporter()
    alone = dataclasses.replace(settings, distillation_weight=0.0)
    report = stylize(JOB, folder, reporter, LoadedModels(tmp_path / "nothing"), alone).report
    (message,) = [message for code, message in reporter.warnings if code == "pinched_uvs"]
    assert message.startswith("50 % of the faces (")
    assert 0.2 < report["uv"]["pinched"] < 0.8


def test_the_user_is_told_once_which_surfaces_share_texels(folder, settings, tmp_path, new_reporter):
    alone = dataclasses.replace(settings, distillation_weight=0.0)
    reporter = new_reporter()
    report = stylize(JOB, folder, reporter, LoadedModels(tmp_path / "nothing"), alone).report
    assert report["uv"] == {"shared": 0, "mirrored": 0, "tiles": 1, "pinched": 0} and not reporter.warnings
    arrays = dict(np.load(folder / MESH_FILE))
    half = len(arrays["triangles"]) // 2
    arrays["corner_uvs"][half:] = arrays["corner_uvs"][:half]
    np.savez(folder / MESH_FILE, **arrays)
    report = stylize(JOB, folder, reporter, LoadedModels(tmp_path / "nothing"), alone).report
    assert report["uv"]["shared"] == pytest.approx(1, abs=1e-3)
    assert reporter.warnings == [
        ("shared_texels", "100 % of the surface shares its texture with other parts; they are painted together")
    ]


def test_the_same_seed_gives_the_same_png_byte_for_byte(folder, models, settings, new_reporter):
    first = digest(stylize(JOB, folder, new_reporter(), models, settings).base_color)
    again = digest(stylize(JOB, folder, new_reporter(), models, settings).base_color)
    other = digest(stylize(dataclasses.replace(JOB, seed=4), folder, new_reporter(), models, settings).base_color)
    assert first == again != other


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_job_cancelled_at_a_step_leaves_only_what_it_was_given(folder, models, settings, step, new_reporter):
    every_step = dataclasses.replace(settings, checkpoint_seconds=0.0)
    with pytest.raises(Cancelled):
        stylize(JOB, folder, new_reporter(cancel_at=step), models, every_step)
    assert inputs_only(folder)


@pytest.mark.parametrize("stage", ["mesh", "models", "detail", "bake"])
def test_a_job_cancelled_between_stages_leaves_only_what_it_was_given(folder, models, settings, stage, new_reporter):
    with pytest.raises(Cancelled):
        stylize(JOB, folder, new_reporter(cancel_in=stage), models, settings)
    assert inputs_only(folder)


def test_a_cancelled_job_does_not_leave_the_texture_of_the_run_before(folder, models, settings, new_reporter):
    stylize(JOB, folder, new_reporter(), models, settings)
    with pytest.raises(Cancelled):
        stylize(JOB, folder, new_reporter(cancel_at=1), models, settings)
    assert inputs_only(folder)


def test_a_job_told_to_finish_bakes_what_there_is(folder, models, settings, new_reporter):
    result = stylize(JOB, folder, new_reporter(finish_at=1), models, settings)
    assert result.report["finished_early"] and result.report["steps_done"] == 1
    assert result.base_color.exists()


def test_a_run_that_was_interrupted_goes_on_to_the_same_texture(folder, models, settings, new_reporter):
    expected = digest(stylize(JOB, folder, new_reporter(), models, settings).base_color)
    every_step = dataclasses.replace(settings, checkpoint_seconds=0.0)
    with pytest.raises(ConnectionError):
        stylize(JOB, folder, new_reporter(die_at=3), models, every_step)
    assert (folder / CHECKPOINT_FILE).exists()
    reporter = new_reporter()
    result = stylize(JOB, folder, reporter, models, every_step)
    assert [step for step, of, _ in reporter.steps if of == 3] == [3]
    assert result.report["resumed_at"] == 2 and result.report["steps_done"] == 3
    assert digest(result.base_color) == expected


def test_a_paused_job_goes_on_from_its_place_to_the_same_texture(folder, models, settings, new_reporter):
    expected = digest(stylize(JOB, folder, new_reporter(), models, settings).base_color)
    first = new_reporter(pause_at=2)
    with pytest.raises(Paused):
        stylize(JOB, folder, first, models, settings)
    assert first.saved == [(2, 3)]
    result = stylize(JOB, folder, new_reporter(), models, settings)
    assert result.report["resumed_at"] == 2
    assert digest(result.base_color) == expected


def test_a_job_that_cannot_save_a_checkpoint_is_not_paused(folder, models, settings, new_reporter, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Checkpoint, "save", full)
    reporter = new_reporter(pause_at=1)
    assert stylize(JOB, folder, reporter, models, settings).report["steps_done"] == 3
    assert reporter.saved == [] and [code for code, _ in reporter.warnings] == ["checkpoint"]


def test_a_checkpoint_of_another_job_or_a_damaged_one_is_not_used(folder, models, settings, new_reporter):
    every_step = dataclasses.replace(settings, checkpoint_seconds=0.0)
    with pytest.raises(ConnectionError):
        stylize(JOB, folder, new_reporter(die_at=3), models, every_step)
    other = stylize(dataclasses.replace(JOB, prompt="a ball"), folder, new_reporter(), models, every_step)
    assert other.report["resumed_at"] == 0
    (folder / CHECKPOINT_FILE).write_bytes(b"half a file")
    assert stylize(JOB, folder, new_reporter(), models, every_step).report["resumed_at"] == 0


@pytest.mark.parametrize("changed", ["extension_version", "weights_fingerprint"])
def test_a_checkpoint_of_another_version_or_of_other_weights_is_not_used_and_that_is_told(
    folder, models, settings, new_reporter, monkeypatch, changed
):
    every_step = dataclasses.replace(settings, checkpoint_seconds=0.0)
    with pytest.raises(ConnectionError):
        stylize(JOB, folder, new_reporter(die_at=3), models, every_step)
    monkeypatch.setattr(f"core.results.job_fingerprint.{changed}", lambda *_: "another")
    reporter = new_reporter()
    assert stylize(JOB, folder, reporter, models, every_step).report["resumed_at"] == 0
    assert [code for code, _ in reporter.warnings] == ["other_checkpoint"]


def test_where_the_preview_cannot_be_made_the_texture_is_there(folder, models, settings, new_reporter, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr("core.stylize.render_views", fail)
    reporter = new_reporter()
    result = stylize(JOB, folder, reporter, models, settings)
    assert result.base_color.is_file() and not result.preview.exists()
    ((code, message),) = reporter.warnings
    assert code == "preview" and "Memory ran out" in message
    assert result.report["warnings"] == [{"code": code, "message": message}]


def test_a_texture_that_the_job_folder_cannot_take_is_kept_elsewhere(
    folder, models, settings, new_reporter, monkeypatch, tmp_path
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (folder / f"{TEXTURE_FILE}.partial").mkdir()
    reporter = new_reporter()
    result = stylize(JOB, folder, reporter, models, settings)
    assert result.base_color.is_file() and result.base_color.parent.parent == tmp_path
    ((code, message),) = reporter.warnings
    assert code == "elsewhere" and str(result.base_color.parent) in message


def test_told_to_finish_before_the_first_step_there_is_no_texture_of_noise(folder, models, settings, new_reporter):
    with pytest.raises(Cancelled):
        stylize(JOB, folder, new_reporter(finish_at=0), models, settings)
    assert inputs_only(folder)


def test_a_prompt_that_is_no_unicode_is_refused_before_anything_begins(folder, models, settings, new_reporter):
    reporter = new_reporter()
    with pytest.raises(JobError, match="no Unicode"):
        stylize(dataclasses.replace(JOB, prompt="\ud800"), folder, reporter, models, settings)
    assert reporter.stages == []


def test_a_name_that_is_no_unicode_does_not_fail_at_the_last_line(folder, models, settings, new_reporter):
    stylize(dataclasses.replace(JOB, object_name="\ud800"), folder, new_reporter(), models, settings)
    assert json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))["job"]["object_name"] == "\ud800"


def test_nothing_is_written_through_links_in_the_job_folder(folder, models, settings, new_reporter, tmp_path):
    (tmp_path / "mine").write_text("precious")
    names = (TEXTURE_FILE, PREVIEW_FILE, REPORT_FILE, CHECKPOINT_FILE, f"{CHECKPOINT_FILE}.partial")
    for name in names:
        (folder / name).symlink_to(tmp_path / "mine")
    every_step = dataclasses.replace(settings, checkpoint_seconds=0.0)
    stylize(JOB, folder, new_reporter(), models, every_step)
    assert (tmp_path / "mine").read_text() == "precious"
    assert not any((folder / name).is_symlink() for name in names)


def test_without_distillation_no_model_is_loaded(folder, settings, tmp_path, new_reporter):
    alone = dataclasses.replace(settings, distillation_weight=0.0)
    result = stylize(JOB, folder, new_reporter(), LoadedModels(tmp_path / "nothing"), alone)
    assert set(result.report["measures"]) == {"statistics"}


def test_style_enters_where_the_settings_say_and_the_next_job_has_the_profiles_layers_again(
    folder, models, settings, new_reporter
):
    plain = stylize(JOB, folder, new_reporter(), models, settings).base_color.read_bytes()
    nowhere = dataclasses.replace(settings, style_layers=0.0)
    assert stylize(JOB, folder, new_reporter(), models, nowhere).base_color.read_bytes() != plain
    assert stylize(JOB, folder, new_reporter(), models, settings).base_color.read_bytes() == plain


def test_a_missing_model_is_named_with_the_way_out(folder, settings, tmp_path, new_reporter):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(JobError) as caught:
        job = dataclasses.replace(JOB, profile="sd15", device="cpu")
        stylize(job, folder, new_reporter(), LoadedModels(tmp_path / "nothing"), settings)
    assert caught.value.code == "model_missing"
    assert "unet" in caught.value.message and caught.value.hint


def test_a_damaged_style_image_is_named(folder, models, settings, new_reporter):
    (folder / "style.png").write_bytes(b"not a picture")
    with pytest.raises(JobError, match=r"style\.png") as caught:
        stylize(JOB, folder, new_reporter(), models, settings)
    assert caught.value.code == "bad_image"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_named(folder, models, settings, new_reporter):
    with pytest.raises(JobError, match="cuda"):
        stylize(dataclasses.replace(JOB, device="cuda"), folder, new_reporter(), models, settings)


def test_a_model_for_graphics_cards_is_refused_before_anything_of_it_is_looked_for(
    folder, settings, tmp_path, new_reporter, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    reporter = new_reporter()
    with pytest.raises(JobError) as caught:
        job = dataclasses.replace(JOB, profile="sd15")
        stylize(job, folder, reporter, LoadedModels(tmp_path / "nothing"), settings)
    assert caught.value.code == "no_card" and reporter.stages == [] and inputs_only(folder)


def test_a_job_that_is_too_large_for_the_machine_is_refused_before_it_starts(
    folder, models, settings, new_reporter, monkeypatch
):
    monkeypatch.setattr("core.devices.devices.machine_memory_bytes", lambda: 1 << 29)
    reporter = new_reporter()
    with pytest.raises(JobError) as caught:
        stylize(dataclasses.replace(JOB, device="cpu"), folder, reporter, models, settings)
    assert caught.value.code == "out_of_memory" and "0.5 GiB" in caught.value.message
    assert reporter.stages == [] and inputs_only(folder)


def test_a_graphics_card_that_is_passed_over_is_told_and_reported(folder, models, settings, new_reporter, monkeypatch):
    card = Device("cuda", "NVIDIA GeForce GTX 1080", 8 << 30, (6, 1), supported=False)
    processor = Device("cpu", "AMD Ryzen 9 7950X", 64 << 30)
    monkeypatch.setattr("core.devices.devices.present_devices", lambda: [card, processor])
    reporter = new_reporter()
    report = stylize(JOB, folder, reporter, models, settings).report
    assert [code for code, _ in reporter.warnings] == ["device"]
    assert "not built for NVIDIA GeForce GTX 1080" in reporter.warnings[0][1]
    assert (report["device"], report["device_name"]) == ("cpu", "AMD Ryzen 9 7950X")
    assert "GTX 1080" in report["device_reason"]
