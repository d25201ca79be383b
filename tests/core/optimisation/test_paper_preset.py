# SPDX-License-Identifier: GPL-3.0-or-later
"""The preset ``paper`` on Stable Diffusion 1.5 is the published method, constant by constant (Xie et al. 2024, §5)."""

import dataclasses
import math

import pytest
import torch

from core.diffusion.guidance import inversion_indexes
from core.job import TEXTURE_SIZES
from core.models.profiles import profile
from core.optimisation.optimise import new_field
from core.optimisation.presets import optimisation_settings
from core.views.control_images import NORMAL_BACKGROUND

MODEL = profile("sd15")
SETTINGS = optimisation_settings(MODEL, "paper")


def test_networks_are_the_published_ones():
    base = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    parts = (MODEL.unet, MODEL.vae, MODEL.text_encoder, MODEL.tokenizer, MODEL.scheduler)
    assert {part.repository for part in parts} == {base}
    assert {control.kinds[0]: control.source.repository for control in MODEL.control_nets} == {
        "normal": "lllyasviel/control_v11p_sd15_normalbae",
        "depth": "lllyasviel/control_v11f1p_sd15_depth",
    }
    adapter, encoder, captions = MODEL.ip_adapter, MODEL.image_encoder, MODEL.caption_encoder
    assert (adapter.repository, adapter.folder) == ("h94/IP-Adapter", "models")
    assert MODEL.ip_adapter_file == "ip-adapter_sd15.safetensors"
    assert (encoder.repository, encoder.folder) == ("h94/IP-Adapter", "models/image_encoder")
    assert captions.repository == "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"


def test_style_acts_in_13_of_16_cross_attentions():
    assert MODEL.style_layers == {
        "down": {"block_1": [1.0, 0.0], "block_2": [1.0, 1.0]},
        "mid": 1.0,
        "up": {"block_1": 1.0, "block_2": 1.0, "block_3": 1.0},
    }


def test_steps_image_and_prompts():
    assert (SETTINGS.steps, SETTINGS.views.views_per_step) == (2500, 1)
    assert (SETTINGS.resolution, SETTINGS.supersampling, SETTINGS.background) == (512, 1, "white")
    assert MODEL.view_words and MODEL.negative_prompt == ""
    assert 2048 in TEXTURE_SIZES


@pytest.mark.parametrize("step", [0, 1, 300, 749, 750, 1125, 1499, 1500, 2499])
def test_timesteps(step):
    r = 1.0 - min(step / 1500, 1.0)
    generator = torch.Generator().manual_seed(step)
    drawn = [SETTINGS.timesteps.interval(step, SETTINGS.steps, generator) for _ in range(4000)]
    timesteps = [interval.timestep for interval in drawn]
    end = 500 + 480 * r
    assert 20 <= min(timesteps) < 23 and end - 4 < max(timesteps) < end
    assert sum(timesteps) / 4000 == pytest.approx((20 + end) / 2, rel=0.05)
    assert {interval.delta for interval in drawn} == {50 + math.ceil(50 * r)}


def test_inversion_strides_200_timesteps_at_most_5_times():
    assert inversion_indexes(0, SETTINGS.guidance) == (0,)
    assert inversion_indexes(200, SETTINGS.guidance) == (0, 200)
    assert inversion_indexes(450, SETTINGS.guidance) == (0, 200, 400, 450)
    assert inversion_indexes(929, SETTINGS.guidance) == (0, 200, 400, 600, 800, 929)


def test_guidance_scales():
    guidance = SETTINGS.guidance
    assert (guidance.text_scale, guidance.style_scale, guidance.gradient_scale) == (7.5, 7.5, 0.1)
    assert guidance.reference_quirks and guidance.interval_matching and not guidance.surface_noise
    assert SETTINGS.warm_start is None
    assert (SETTINGS.distillation_weight, SETTINGS.statistics_weight) == (1.0, 0.0)


def test_control_weights_fall_after_step_700():
    assert SETTINGS.controls.at(0) == SETTINGS.controls.at(699) == (0.6, 0.6)
    assert SETTINGS.controls.at(700) == SETTINGS.controls.at(2499) == (0.2, 0.2)
    assert NORMAL_BACKGROUND == (0.5, 0.5, 1.0)


def test_field_and_optimiser():
    grid = SETTINGS.hash_grid
    assert (grid.levels, grid.features, grid.log2_entries) == (16, 2, 19)
    assert (grid.base_resolution, grid.growth, grid.hidden) == (16, 1.4473, 64)
    small = dataclasses.replace(SETTINGS, hash_grid=dataclasses.replace(grid, log2_entries=8))
    field = new_field(small, 0, torch.device("cpu"))
    assert (field.hidden.in_features, field.hidden.out_features, field.output.out_features) == (32, 64, 3)
    assert (SETTINGS.learning_rate, SETTINGS.final_learning_rate) == (0.005, 0.005)
    assert (SETTINGS.betas, SETTINGS.epsilon) == ((0.9, 0.99), 1e-15)
