# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of ``sd15``, from their files, with a LoRA and without, give the gradient of the published step; what is
left of a style is orthogonal to its content in every profile.
"""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from core.diffusion.conditioning import style_embedding
from core.diffusion.guidance import interval_score_gradient
from core.diffusion.networks import load_networks
from core.diffusion.timesteps import Interval
from core.models.model_profile import LoraFile
from core.models.own_weights import OwnWeights
from core.models.profiles import profile
from tests.core import own_files
from tests.core.diffusion.test_guidance import REFERENCE, SCALES, SETTINGS, SIDE, case, relative, transcription
from tests.core.small_sd15 import write_small_sd15

CPU = torch.device("cpu")
TOLERANCE = 1e-4
"""Of a gradient, relative: half of it is noise of float32 that the guidance takes 7.5 times."""


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("models")
    write_small_sd15(place)
    own_files.write_configurations(place / "stable-diffusion-v1-5/stable-diffusion-v1-5", place / "configurations/sd15")
    return place


@pytest.fixture(autouse=True)
def shipped(models, monkeypatch):
    for module in ("families.sd15", "own_weights"):
        monkeypatch.setattr(f"core.models.{module}.CONFIGURATIONS", models / "configurations")


@pytest.fixture(scope="module")
def sd15(models):
    return load_networks(profile("sd15", models), CPU)


def given(networks):
    """Latents, noise, conditions and control images; those are of eight pixels for each of the latents."""
    latents, noise, embeddings, _ = case(networks)
    generator = torch.Generator().manual_seed(1)
    images = {kind: torch.rand(1, 3, 8 * SIDE, 8 * SIDE, generator=generator) for kind in ("normal", "depth")}
    return latents, noise, embeddings, images


def gradient(networks, t, quirks):
    latents, noise, embeddings, images = given(networks)
    settings = REFERENCE if quirks else SETTINGS
    return interval_score_gradient(networks, latents, noise, Interval(t, 75), embeddings, images, SCALES, settings)


def expected(networks, t, quirks):
    latents, noise, embeddings, images = given(networks)
    with torch.no_grad():
        return transcription(networks, latents, noise, t, 75, embeddings, images, (1, 2, 3, 4) if quirks else ())


@pytest.mark.parametrize("quirks", [False, True])
@pytest.mark.parametrize("t", [51, 400, 979])
def test_the_gradient_agrees_with_a_plain_transcription(t, quirks, sd15):
    assert relative(gradient(sd15, t, quirks), expected(sd15, t, quirks)) < TOLERANCE


@pytest.mark.parametrize("habit", ["kohya", "diffusers", "peft"])
def test_with_a_lora_it_agrees_with_the_transcription_on_merged_weights(habit, sd15, models, tmp_path):
    changes = own_files.some_changes(sd15)
    own_files.write_lora(sd15, changes, tmp_path / "lora.safetensors", habit)
    own = OwnWeights(loras=(LoraFile(tmp_path / "lora.safetensors", 0.7),))
    changed = load_networks(profile("sd15", models, own), CPU)
    plain = copy.deepcopy(sd15)
    with torch.no_grad():
        own_files.merged(plain, changes, 0.7)
    wanted = expected(plain, 400, False)
    assert relative(gradient(changed, 400, False), wanted) < TOLERANCE
    assert relative(gradient(sd15, 400, False), wanted) > 0.01


@pytest.mark.parametrize("which", ["sd15", "networks"])
def test_what_is_left_of_the_style_is_orthogonal_to_its_content(which, request, style_picture):
    """In ``sd15`` and in the bundled model; for ``sdxl`` see ``test_sdxl``."""
    networks = request.getfixturevalue(which)
    tokens = networks.caption_tokenizer(
        "a face", padding="max_length", max_length=networks.caption_tokenizer.model_max_length, return_tensors="pt"
    )
    with torch.no_grad():
        style, _ = style_embedding(networks, style_picture, "a face", 1.0)
        content = networks.caption_encoder(tokens.input_ids).text_embeds
    assert float(torch.nn.functional.cosine_similarity(style, content).abs()) < 1e-5
