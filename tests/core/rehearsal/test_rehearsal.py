# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile's cost can be known without its weights."""

import dataclasses
import re

import pytest
import torch

from core.command_line import main
from core.diffusion.timesteps import Interval
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings
from core.optimisation.step_generator import step_generator
from core.rehearsal.flops import count_mean_step, count_step
from core.rehearsal.random_networks import networks_without_numbers, random_networks


@pytest.fixture(scope="module")
def stable_diffusion():
    return networks_without_numbers(profile("sd15"))


@pytest.fixture(scope="module")
def small():
    return networks_without_numbers(profile("bundled"))


def test_stable_diffusion_has_the_published_sizes(stable_diffusion):
    millions = {
        name: round(sum(parameter.numel() for parameter in module.parameters()) / 1e6)
        for name, module in stable_diffusion.modules().items()
    }
    # The UNet's 860 million and the 19 million of the IP-Adapter's keys and values.
    assert millions == {
        "UNet": 879,
        "IP-Adapter projection": 3,
        "ControlNet normal": 361,
        "ControlNet depth": 361,
        "VAE": 84,
        "text encoder": 123,
        "image encoder": 632,
        "caption encoder": 354,
    }
    assert stable_diffusion.prediction_type == "epsilon"
    beta = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    torch.testing.assert_close(
        networks_scheduler(), torch.cumprod(1.0 - beta, 0), rtol=1e-4, atol=1e-6, check_dtype=False
    )


def networks_scheduler():
    """Of the small model, which has the same one; the meta device has no numbers."""
    return random_networks(profile("bundled"), seed=0).alphas_cumprod


def test_a_step_of_stable_diffusion_costs_what_its_networks_cost_a_row(stable_diffusion):
    settings = optimisation_settings(profile("sd15"), "paper")
    flops = count_step(stable_diffusion, settings, Interval(1, 1))
    assert flops.unet / 1e12 == pytest.approx((1 + 4) * 0.803, rel=5e-3)
    assert flops.control_nets / 1e12 == pytest.approx(2 * 3 * 0.283, rel=5e-3)
    assert flops.vae / 1e12 == pytest.approx(2.268, rel=5e-3)


def test_the_mean_step_is_the_mean_of_the_steps_of_a_run(small):
    model = profile("bundled")
    settings = dataclasses.replace(optimisation_settings(model, "draft"), steps=3)
    settings = dataclasses.replace(settings, guidance=dataclasses.replace(settings.guidance, interval_matching=True))
    counted = [
        count_step(small, settings, settings.timesteps.interval(step, 3, step_generator(4, step))).total
        for step in range(3)
    ]
    assert len(set(counted)) > 1
    assert count_mean_step(small, settings, seed=4).total == pytest.approx(sum(counted) / 3)


def test_random_networks_are_those_of_their_seed_and_kept_in_half_the_bytes():
    first, again, other = (random_networks(profile("bundled"), seed) for seed in (1, 1, 2))
    weights = [networks.unet.conv_in.weight for networks in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert weights[0].dtype == torch.bfloat16


def test_a_rehearsal_prints_a_finite_gradient_memory_time_and_operations(capsys):
    assert main(["rehearse", "--profile", "bundled", "--preset", "draft"]) == 0
    lines = dict(re.split(r" {2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert float(lines["gradient at the texture"].removesuffix(" (norm), finite")) > 0.0
    assert 0.1 < float(lines["peak memory"].removesuffix(" GiB (largest resident set)")) < 16.0
    phases = {name.removeprefix("seconds, "): float(value) for name, value in lines.items() if "seconds" in name}
    parts = ["rasterising", "UNet", "ControlNets", "VAE forward", "VAE backward"]
    assert 0.0 < sum(phases[part] for part in parts) < phases["step"] + 0.3
    assert float(lines["operations, step"].removesuffix(" TFLOP")) > 0.0
