# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints, LoRAs and VAEs as artists have them give the gradient that their weights give; wrong ones are named."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler
from safetensors.torch import load_file, save_file

from core.diffusion.conditioning import condition
from core.diffusion.guidance import ddim_step, interval_score_gradient, predict_noise
from core.diffusion.guidance_settings import GuidanceSettings
from core.diffusion.loaded_models import LoadedModels
from core.diffusion.networks import load_networks
from core.diffusion.texts import Texts
from core.diffusion.timesteps import Interval
from core.job import Job, JobError
from core.models.model_profile import LoraFile
from core.models.own_weights import OwnWeights, family_of, family_of_lora
from core.models.profiles import profile
from core.models.weights_fingerprint import weights_fingerprint
from tests.core import own_files
from tests.core.small_sd15 import write_small_sd15

CPU = torch.device("cpu")
BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
JOB = Job("chest", "a wooden chest", "style.png", content="a face", profile="sd15")
TOLERANCE = 1e-5
"""Of a gradient, relative: sums in another order."""
HABITS = ("kohya", "stability", "diffusers", "peft", "old diffusers")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """All repositories, and under ``configurations`` what the program would ship of them."""
    place = tmp_path_factory.mktemp("models")
    write_small_sd15(place)
    own_files.write_configurations(place / BASE, place / "configurations/sd15")
    return place


@pytest.fixture(autouse=True)
def shipped(models, monkeypatch):
    """The small shapes are those of the family."""
    for module in ("families.sd15", "own_weights"):
        monkeypatch.setattr(f"core.models.{module}.CONFIGURATIONS", models / "configurations")


@pytest.fixture(scope="module")
def base(models):
    return load_networks(profile("sd15", models), CPU)


@pytest.fixture(scope="module")
def file(base, models) -> Path:
    path = models / "checkpoint.safetensors"
    own_files.write_single_file(base, path)
    return path


def own(models, **files):
    return load_networks(profile("sd15", models, OwnWeights(**files)), CPU)


def gradient(networks, style_picture, t: int = 400):
    embeddings = condition(networks, JOB, style_picture).rows(["front view"])
    generator = torch.Generator().manual_seed(0)
    view = torch.rand(1, 3, 64, 64, generator=generator)
    with torch.no_grad():
        latents = networks.encode(view)
    noise = torch.randn(latents.shape, generator=generator)
    settings = GuidanceSettings(text_scale=7.5, style_scale=7.5)
    images = {"normal": view, "depth": view}
    return interval_score_gradient(networks, latents, noise, Interval(t, 75), embeddings, images, (0.6, 0.6), settings)


def relative(result, expected) -> float:
    return float((result - expected).norm() / expected.norm())


def test_a_folder_and_a_single_file_give_the_gradient_of_the_same_weights(base, models, file, tmp_path, style_picture):
    expected = gradient(base, style_picture)
    folder = shutil.copytree(models / BASE, tmp_path / "mine")
    assert relative(gradient(own(models, model=folder), style_picture), expected) < TOLERANCE
    single = own(models, model=file)
    assert relative(gradient(single, style_picture), expected) < TOLERANCE
    for name, value in base.vae.state_dict().items():
        assert torch.equal(single.vae.state_dict()[name], value), name


@pytest.mark.parametrize("habit", HABITS)
def test_a_lora_gives_the_gradient_of_merged_weights(habit, base, models, tmp_path, style_picture):
    changes = own_files.some_changes(base)
    own_files.write_lora(base, changes, tmp_path / "style.safetensors", habit)
    expected = copy.deepcopy(base)
    with torch.no_grad():
        own_files.merged(expected, changes, 0.7)
    result = gradient(own(models, loras=(LoraFile(tmp_path / "style.safetensors", 0.7),)), style_picture)
    assert relative(result, gradient(expected, style_picture)) < TOLERANCE
    assert relative(result, gradient(base, style_picture)) > 0.01


def test_several_loras_add_up_and_alpha_scales_them(base, models, file, tmp_path, style_picture):
    first, second = (own_files.some_changes(base, rank, seed) for rank, seed in ((2, 5), (4, 6)))
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    own_files.write_lora(base, first, paths[0], "kohya", alpha=1.0)
    own_files.write_lora(base, second, paths[1], "peft")
    expected = copy.deepcopy(base)
    with torch.no_grad():
        own_files.merged(expected, first, 0.5 * 1.0 / 2.0)
        own_files.merged(expected, second, -0.25)
    loras = (LoraFile(paths[0], 0.5), LoraFile(paths[1], -0.25))
    result = gradient(own(models, model=file, loras=loras), style_picture)
    assert relative(result, gradient(expected, style_picture)) < TOLERANCE


@pytest.mark.parametrize("layout", ["whole checkpoint", "by itself", "diffusers' names", "folder"])
def test_a_vae_of_one_s_own_encodes(layout, base, models, tmp_path):
    state = {name: (value + 0.01).contiguous() for name, value in base.vae.state_dict().items()}
    place = tmp_path / "vae.safetensors"
    if layout == "folder":
        place = tmp_path / "vae"
        shutil.copytree(models / BASE / "vae", place)
        (place / "diffusion_pytorch_model.fp16.safetensors").unlink()
        save_file(state, place / "diffusion_pytorch_model.safetensors")
    elif layout == "diffusers' names":
        save_file(state, place)
    else:
        prefix = "first_stage_model." if layout == "whole checkpoint" else ""
        named = dict(own_files.stability_vae(name, value) for name, value in state.items())
        save_file({prefix + name: value.contiguous() for name, value in named.items()}, place)
    networks = own(models, vae=place)
    assert all(torch.equal(value, networks.vae.state_dict()[name]) for name, value in state.items())


def test_v_prediction_and_a_schedule_that_ends_in_noise_are_told_from_the_files(base, models, tmp_path):
    file = tmp_path / "v.safetensors"
    own_files.write_single_file(base, file, "v_pred", "ztsnr")
    folder = shutil.copytree(models / BASE, tmp_path / "v")
    scheduler = DDIMScheduler(
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
    )
    scheduler.save_pretrained(folder / "scheduler")
    for place in (file, folder):
        networks = own(models, model=place)
        assert networks.prediction_type == "v_prediction"
        assert 0.0 < float(networks.alphas_cumprod[-1]) < 1e-7
        torch.testing.assert_close(networks.alphas_cumprod[:-1], scheduler.alphas_cumprod[:-1])
    own_files.write_single_file(base, file, metadata={"modelspec.prediction_type": "v"})
    spoken = own(models, model=file)
    assert spoken.prediction_type == "v_prediction" and float(spoken.alphas_cumprod[-1]) > 0.004


def test_where_there_is_no_signal_the_noise_is_the_latents_and_the_clean_ones_are_minus_v(base, models, tmp_path):
    own_files.write_single_file(base, tmp_path / "v.safetensors", "v_pred", "ztsnr")
    networks = own(models, model=tmp_path / "v.safetensors")
    z = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    text, tokens = torch.zeros(1, 77, 16), torch.zeros(1, 4, 16)
    for t in (600, 999):
        with torch.no_grad():
            v = networks.unet(z, t, encoder_hidden_states=(text, [tokens])).sample
            e = predict_noise(networks, z, t, Texts(text), tokens)
        abar = networks.alphas_cumprod[t].double()
        torch.testing.assert_close(e.double(), abar.sqrt() * v + (1 - abar).sqrt() * z.double(), rtol=1e-5, atol=1e-6)
        clean = ddim_step(z, e, networks.alphas_cumprod[t], torch.ones(()))
        exact = abar.sqrt() * z.double() - (1 - abar).sqrt() * v
        assert relative(clean.double(), exact) < 2e-3
    assert relative(e, z) < 1e-3


@pytest.mark.parametrize("t", [20, 400, 979])
def test_the_gradient_of_such_a_model_is_finite_at_every_level_that_a_run_looks_at(
    t, base, models, tmp_path, style_picture
):
    own_files.write_single_file(base, tmp_path / "v.safetensors", "v_pred", "ztsnr")
    networks = own(models, model=tmp_path / "v.safetensors")
    assert torch.isfinite(gradient(networks, style_picture, t)).all()


def test_the_family_is_told_from_the_files(base, models, file, tmp_path):
    own_files.write_lora(base, own_files.some_changes(base), tmp_path / "lora.safetensors", "kohya")
    assert family_of(file) == family_of(models / BASE) == family_of_lora(tmp_path / "lora.safetensors") == "sd15"


def test_a_fingerprint_changes_with_the_content_not_with_the_place(base, models, file, tmp_path):
    moved = tmp_path / file.name
    shutil.copy(file, moved)
    (tmp_path / "other").mkdir()
    changed = own_files.changed_file(
        file,
        tmp_path / "other" / file.name,
        lambda state: state["model.diffusion_model.out.2.bias"].add_(1.0),
    )
    lora = tmp_path / "lora.safetensors"
    own_files.write_lora(base, own_files.some_changes(base), lora, "kohya")
    prints = [
        weights_fingerprint(profile("sd15", models, each))
        for each in (
            OwnWeights(),
            OwnWeights(model=file),
            OwnWeights(model=moved),
            OwnWeights(model=changed),
            OwnWeights(model=file, loras=(LoraFile(lora),)),
        )
    ]
    assert prints[1] == prints[2]
    assert len(set(prints)) == 4


def test_models_that_are_kept_are_loaded_anew_when_one_s_own_files_are_others(models, file, tmp_path):
    kept = LoadedModels(models)
    mine = tmp_path / "mine.safetensors"
    shutil.copy(file, mine)
    first = kept.get("sd15", CPU, own=OwnWeights(model=mine))
    assert kept.get("sd15", CPU, own=OwnWeights(model=mine)) is first
    own_files.changed_file(file, mine, lambda state: state["model.diffusion_model.out.2.bias"].add_(1.0))
    assert not torch.equal(
        kept.get("sd15", CPU, own=OwnWeights(model=mine)).unet.conv_out.bias, first.unet.conv_out.bias
    )
    assert kept.get("sd15", CPU) is not first


def _pickle(good: Path, bad: Path) -> Path:
    torch.save(load_file(good), bad.with_suffix(".ckpt"))
    return bad.with_suffix(".ckpt")


def _renamed_pickle(good: Path, bad: Path) -> Path:
    torch.save(load_file(good), bad)
    return bad


def _cut_off(good: Path, bad: Path) -> Path:
    bad.write_bytes(good.read_bytes()[:-1000])
    return bad


def _web_page(good: Path, bad: Path) -> Path:
    bad.write_text("<!DOCTYPE html><title>Sign in</title>")
    return bad


def _pointer(good: Path, bad: Path) -> Path:
    bad.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 2132625894\n")
    return bad


def _nowhere(good: Path, bad: Path) -> Path:
    return bad


def _damaged_header(good: Path, bad: Path) -> Path:
    data = bytearray(good.read_bytes())
    data[20] = 0xFF
    bad.write_bytes(data)
    return bad


def _changed(change):
    return lambda good, bad: own_files.changed_file(good, bad, change)


def _other_width(state):
    for name in [name for name in state if "attn2.to_k" in name]:
        state[name] = torch.zeros(state[name].shape[0], 1024)


def _inpainting(state):
    state["model.diffusion_model.input_blocks.0.0.weight"] = torch.zeros(8, 9, 3, 3)


def _without(prefix: str):
    def change(state):
        for name in [name for name in state if name.startswith(prefix)]:
            del state[name]

    return change


def _another_shape(state):
    state["model.diffusion_model.out.2.bias"] = torch.zeros(5)


DEFECTS = {
    "pickle": (_pickle, "is a pickle, which can run code"),
    "renamed pickle": (_renamed_pickle, "is a pickle under another name"),
    "cut off": (_cut_off, "is cut off"),
    "web page": (_web_page, "is a web page"),
    "pointer": (_pointer, "is a pointer of Git LFS"),
    "nowhere": (_nowhere, "is not there"),
    "damaged header": (_damaged_header, "damaged header"),
    "other family": (_changed(_other_width), "is of another family (Stable Diffusion 2)"),
    "inpainting": (_changed(_inpainting), "is made for inpainting"),
    "no VAE": (_changed(_without("first_stage_model.")), "has no VAE in it"),
    "no text encoder": (_changed(_without("cond_stage_model.")), "has no text encoder in it"),
    "one weight missing": (_changed(_without("model.diffusion_model.out.2.bias")), "The unet in"),
    "half a VAE": (_changed(_without("first_stage_model.encoder.mid")), "The vae in"),
    "another shape": (_changed(_another_shape), "The unet in"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_checkpoint_that_is_none_is_refused_in_one_line(defect, models, file, tmp_path):
    make, words = DEFECTS[defect]
    path = make(file, tmp_path / "bad.safetensors")
    error = refused(models, model=path)
    assert words in error.message and str(path) in error.message


def test_a_lora_a_vae_and_a_checkpoint_in_each_other_s_place_are_told_apart(base, models, file, tmp_path):
    lora, vae = tmp_path / "lora.safetensors", tmp_path / "vae.safetensors"
    own_files.write_lora(base, own_files.some_changes(base), lora, "kohya")
    save_file({name: value.contiguous() for name, value in base.vae.state_dict().items()}, vae)
    assert "is no checkpoint but a LoRA" in refused(models, model=lora).message
    assert "is no checkpoint but a VAE" in refused(models, model=vae).message
    assert "is no LoRA but a checkpoint" in refused(models, loras=(LoraFile(file),)).message
    assert "is no VAE but a LoRA" in refused(models, vae=lora).message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.update({"lora_unet_x.hada_w1_a": torch.zeros(1)}), "is a LoHa"),
        (lambda state: state.update({"lora_unet_x.lokr_w1": torch.zeros(1)}), "is a LoKr"),
        (lambda state: state.update({"lora_unet_x.dora_scale": torch.zeros(1)}), "is a DoRA"),
        (
            lambda state: state.update(
                {"lora_unet_x.lora_up.weight": torch.zeros(1, 1), "lora_unet_x.lora_down.weight": torch.zeros(1, 1)}
            ),
            "are not in the model: lora_unet_x",
        ),
        (lambda state: state.pop(next(name for name in state if "lora_up" in name)), "has no pair of matrices"),
        (lambda state: state.update({"surprise": torch.zeros(1)}), "of a kind that is not supported: surprise"),
    ],
)
def test_a_lora_that_does_not_fit_is_refused_in_one_line(change, words, base, models, tmp_path):
    good = tmp_path / "good.safetensors"
    own_files.write_lora(base, own_files.some_changes(base), good, "kohya")
    bad = own_files.changed_file(good, tmp_path / "bad.safetensors", change)
    error = refused(models, loras=(LoraFile(bad),))
    assert words in error.message and str(bad) in error.message


def test_a_lora_of_another_family_is_refused_from_its_header(base, models, tmp_path):
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    state = {f"{name}.lora_down.weight": torch.zeros(4, 2048), f"{name}.lora_up.weight": torch.zeros(640, 4)}
    save_file(state, tmp_path / "xl.safetensors")
    assert "is of another family (SDXL)" in refused(models, loras=(LoraFile(tmp_path / "xl.safetensors"),)).message


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: shutil.rmtree(folder / "unet"), "has no folder unet"),
        (lambda folder: (folder / "vae/diffusion_pytorch_model.fp16.safetensors").unlink(), "lacks vae/diffusion"),
        (lambda folder: (folder / "unet/config.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "tokenizer/vocab.json").unlink(), "lacks tokenizer/vocab.json"),
        (lambda folder: _only_pickles(folder / "unet"), "lacks unet/diffusion_pytorch_model"),
    ],
)
def test_a_folder_that_is_no_whole_model_is_refused_in_one_line(spoil, words, models, tmp_path):
    folder = shutil.copytree(models / BASE, tmp_path / "mine")
    spoil(folder)
    error = refused(models, model=folder)
    assert words in error.message and str(folder) in error.message
    assert "pickle" not in words or "pickle" in error.hint


def _only_pickles(folder: Path) -> None:
    weights = folder / "diffusion_pytorch_model.fp16.safetensors"
    torch.save(load_file(weights), folder / "diffusion_pytorch_model.bin")
    weights.unlink()


def test_the_bundled_model_takes_none(file):
    with pytest.raises(JobError, match="takes no checkpoints") as caught:
        profile("bundled", None, OwnWeights(model=file))
    assert caught.value.code == "bad_setting"


def refused(models, **files) -> JobError:
    with pytest.raises(JobError) as caught:
        own(models, **files)
    assert caught.value.code == "model_missing" and caught.value.hint and "\n" not in caught.value.message
    return caught.value
