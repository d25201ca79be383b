# SPDX-License-Identifier: GPL-3.0-or-later
"""SDXL's gradient is that of the published step, transcribed line by line; its files load as they are published."""

from __future__ import annotations

import copy
import dataclasses
import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.diffusion.conditioning import condition
from core.diffusion.guidance import interval_score_gradient
from core.diffusion.networks import load_networks
from core.diffusion.timesteps import Interval
from core.job import Job, JobError
from core.models.model_files import model_files
from core.models.model_profile import LoraFile
from core.models.own_weights import OwnWeights, family_of, family_of_lora
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings
from tests.core import own_files
from tests.core.small_sdxl import BASE, UNION, VAE, write_small_configurations, write_small_sdxl

CPU = torch.device("cpu")
JOB = Job("chest", "a wooden chest", "style.png", content="a face", profile="sdxl")
SCALES = (0.6,)
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("sdxl")
    write_small_sdxl(place)
    write_small_configurations(place / "configurations/sdxl", place)
    return place


@pytest.fixture(autouse=True)
def shipped(models, monkeypatch):
    """The small shapes are those of the family."""
    for module in ("families.sdxl", "own_weights"):
        monkeypatch.setattr(f"core.models.{module}.CONFIGURATIONS", models / "configurations")


@pytest.fixture(scope="module")
def networks(models):
    return load_networks(profile("sdxl", models), CPU)


def case(networks, style_picture, content="a face"):
    job = dataclasses.replace(JOB, content=content)
    embeddings = condition(networks, job, style_picture).rows(["front view"])
    generator = torch.Generator().manual_seed(0)
    images = {kind: torch.rand(1, 3, 64, 64, generator=generator) for kind in ("normal", "depth")}
    latents, noise = (torch.randn(1, 4, 8, 8, generator=generator) for _ in range(2))
    return latents, noise, embeddings, images


def gradient(networks, given, t=400, delta=75):
    latents, noise, embeddings, images = given
    settings = optimisation_settings(networks.profile, "paper").guidance
    return interval_score_gradient(networks, latents, noise, Interval(t, delta), embeddings, images, SCALES, settings)


@torch.no_grad()
def transcription(networks, style_picture, z0, noise, images, t=400, delta=75, content="a face"):
    """The paper's step with SDXL's own calls (diffusers' pipelines), one row at a time, from the words on."""
    abar = [float(value) for value in networks.alphas_cumprod]
    sizes = torch.tensor([[1024.0, 1024.0, 0.0, 0.0, 1024.0, 1024.0]])

    def ids(tokenizer, text):
        return tokenizer(text, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids

    def encode(text):
        one = networks.text_encoder(ids(networks.tokenizer, text), output_hidden_states=True)
        two = networks.second.encoder(ids(networks.second.tokenizer, text), output_hidden_states=True)
        hidden = torch.cat([one.hidden_states[-2], two.hidden_states[-2]], -1)
        return (hidden, two.text_embeds) if text else (0 * hidden, 0 * two.text_embeds)

    pixels = networks.feature_extractor(style_picture, return_tensors="pt").pixel_values
    image = networks.image_encoder(pixels).image_embeds
    style = image
    if content:
        words = networks.caption_tokenizer(content, padding="max_length", max_length=77, return_tensors="pt")
        caption = networks.caption_encoder(words.input_ids).text_embeds
        style = image - (image * caption).sum() / (caption * caption).sum() * caption
    tokens, off = networks.image_projection(style), torch.zeros(1, 4, networks.unet.config.cross_attention_dim)

    def predict(z, timestep, text, image_tokens, with_control):
        hidden, pooled = encode(text)
        added = {"text_embeds": pooled, "time_ids": sizes}
        down, middle = None, None
        if with_control:
            union = networks.control_nets[0].model
            # Control types of the union network: 4 is normals, 1 is depth.
            down, middle = union(
                z,
                timestep,
                hidden,
                [images["normal"], images["depth"]],
                torch.tensor([[0.0, 1.0, 0.0, 0.0, 1.0, 0.0]]),
                [4, 1],
                conditioning_scale=[1.0, 1.0],
                from_multi=True,
                added_cond_kwargs=added,
                return_dict=False,
            )
            down, middle = [SCALES[0] * one for one in down], SCALES[0] * middle
        return networks.unet(
            z,
            timestep,
            encoder_hidden_states=(hidden, [image_tokens]),
            added_cond_kwargs=added,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample

    def step_up(z, e, here, there):
        clean = (z - math.sqrt(1 - abar[here]) * e) / math.sqrt(abar[here])
        return math.sqrt(abar[there]) * clean + math.sqrt(1 - abar[there]) * e

    s = t - delta
    z, here = math.sqrt(abar[0]) * z0 + math.sqrt(1 - abar[0]) * noise, 0
    while here < s:
        there = min(here + 200, s)
        z, here = step_up(z, predict(z, here, "", off, False), here, there), there
    e_s = predict(z, s, "", off, False)
    z_t = step_up(z, e_s, s, t)
    e_uncond = predict(z_t, t, "", off, True)
    e_text = predict(z_t, t, "a wooden chest, front view", off, True)
    e_content = predict(z_t, t, content, off, True)
    e_style = predict(z_t, t, "a wooden chest, front view", tokens, True)
    w = math.sqrt((1 - abar[t]) / abar[t])
    return 0.1 * w * (e_uncond + 7.5 * (e_text - e_content) - e_s + 7.5 * (e_style - e_uncond))


def relative(result, expected) -> float:
    return float((result - expected).norm() / expected.norm())


@pytest.mark.parametrize("content", ["a face", ""])
def test_the_gradient_agrees_with_a_plain_transcription(content, networks, style_picture):
    given = case(networks, style_picture, content)
    expected = transcription(networks, style_picture, given[0], given[1], given[3], content=content)
    result = gradient(networks, given)
    assert result.abs().max() > 0 and relative(result, expected) < TOLERANCE


@pytest.mark.parametrize("habit", ["kohya", "stability", "peft"])
def test_with_a_lora_it_agrees_with_the_transcription_on_merged_weights(
    habit, networks, models, style_picture, tmp_path
):
    changes = own_files.some_changes(networks)
    own_files.write_lora(networks, changes, tmp_path / "lora.safetensors", habit)
    assert family_of_lora(tmp_path / "lora.safetensors") == "sdxl"
    own = OwnWeights(loras=(LoraFile(tmp_path / "lora.safetensors", 0.7),))
    changed = load_networks(profile("sdxl", models, own), CPU)
    plain = copy.deepcopy(networks)
    with torch.no_grad():
        own_files.merged(plain, changes, 0.7)
    given = case(changed, style_picture)
    expected = transcription(plain, style_picture, given[0], given[1], given[3])
    assert relative(gradient(changed, given), expected) < TOLERANCE
    assert relative(gradient(networks, case(networks, style_picture)), expected) > 0.01


def test_a_folder_and_a_single_file_give_the_same_gradient(networks, models, style_picture, tmp_path):
    own_files.write_single_file(networks, tmp_path / "xl.safetensors")
    folder = shutil.copytree(models / BASE, tmp_path / "mine")
    shutil.copytree(models / VAE, folder / "vae")
    expected = gradient(networks, case(networks, style_picture))
    for place in (tmp_path / "xl.safetensors", folder):
        assert family_of(place) == "sdxl"
        mine = load_networks(profile("sdxl", models, OwnWeights(model=place)), CPU)
        assert relative(gradient(mine, case(mine, style_picture)), expected) < 1e-5
        assert mine.second.tokenizer.pad_token == "!"


def test_the_style_acts_in_the_layers_that_instantstyle_names_alone(networks):
    cross = {name: each for name, each in networks.unet.attn_processors.items() if "attn2" in name}
    assert len(cross) == 70
    styled = {name.split(".transformer")[0] for name, each in cross.items() if each.scale == [1.0]}
    assert styled == {"up_blocks.0.attentions.1"}
    assert {tuple(each.scale) for each in cross.values()} == {(0.0,), (1.0,)}


def test_every_weight_is_that_of_its_file(networks, models):
    read = {
        f"{BASE}/unet/diffusion_pytorch_model.fp16": networks.unet,
        f"{BASE}/text_encoder_2/model.fp16": networks.second.encoder,
        f"{UNION}/diffusion_pytorch_model": networks.control_nets[0].model,
        f"{VAE}/diffusion_pytorch_model": networks.vae,
    }
    for name, network in read.items():
        stored = load_file(models / f"{name}.safetensors")
        for key, value in network.state_dict().items():
            assert "_ip." in key or torch.equal(value, stored[key].float()), (name, key)


def test_the_files_that_it_needs_are_named_with_revisions(tmp_path):
    with pytest.raises(JobError) as caught:
        load_networks(profile("sdxl", tmp_path), CPU)
    assert caught.value.code == "model_missing"
    files = [file for file in model_files(profile("sdxl")) if file.place is None]
    assert all(len(file.revision) == 40 for file in files)
    assert all(file.path.endswith((".safetensors", ".json", ".txt")) for file in files)


@pytest.mark.parametrize("words", ["a face", "a wooden chest"])
def test_what_is_left_of_the_style_is_orthogonal_to_its_content(words, networks, style_picture):
    from core.diffusion.conditioning import style_embedding

    pixels = networks.feature_extractor(style_picture, return_tensors="pt").pixel_values
    caption = networks.caption_tokenizer(words, padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.no_grad():
        style, _ = style_embedding(networks, style_picture, words, 1.0)
        content = networks.caption_encoder(caption).text_embeds
        image = networks.image_encoder(pixels).image_embeds
    assert float(torch.nn.functional.cosine_similarity(style, content).abs()) < 1e-5
    assert float(torch.nn.functional.cosine_similarity(image, content).abs()) > 1e-3
