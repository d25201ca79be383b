# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets and profiles name what the method's table names."""

import dataclasses

import pytest
import torch

from core.diffusion.guidance_settings import INDEPENDENT_CELLS
from core.diffusion.timesteps import AnnealedTimesteps, UniformTimesteps
from core.job import PRESETS, PROFILES, JobError
from core.models.profiles import profile
from core.optimisation.optimise import new_field
from core.optimisation.presets import optimisation_settings
from core.views.shading import ShadingSettings


def test_paper_on_stable_diffusion_is_the_published_table():
    settings = optimisation_settings(profile("sd15"), "paper")
    assert (settings.steps, settings.views.views_per_step, settings.resolution) == (2500, 1, 512)
    assert settings.views.distance == (3.0, 4.0) and settings.views.fov_degrees == (25.0, 45.0)
    assert settings.views.elevation == (-20.0, 45.0) and settings.views.azimuth == (-180.0, 180.0)
    assert settings.background == "white" and settings.statistics_weight == 0.0
    assert settings.timesteps == UniformTimesteps(20, 500, 480, 1500, 50, 50)
    assert (settings.guidance.text_scale, settings.guidance.style_scale) == (7.5, 7.5)
    assert (settings.guidance.inversion_stride, settings.guidance.inversion_steps) == (200, 5)
    assert settings.controls.at(699) == (0.6, 0.6) and settings.controls.at(700) == (0.2, 0.2)
    assert dataclasses.astuple(settings.hash_grid) == (16, 2, 19, 16, 1.4473, 64, 1e-4)
    assert (settings.learning_rate, settings.final_learning_rate) == (0.005, 0.005)
    assert (settings.betas, settings.epsilon) == ((0.9, 0.99), 1e-15)
    assert settings.shading is None


@pytest.mark.parametrize("name", PROFILES)
def test_presets_take_longer_in_their_order(name):
    steps = [optimisation_settings(profile(name), preset).steps for preset in PRESETS]
    assert steps == sorted(steps) and len(set(steps)) == len(steps)


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_balanced_looks_at_no_more_than_a_quarter_of_the_views_of_the_published_run(name):
    looks = {}
    for preset in PRESETS:
        settings = optimisation_settings(profile(name), preset)
        looks[preset] = settings.steps * settings.views.views_per_step
    assert looks["balanced"] <= looks["paper"] / 4


def test_a_users_tone_takes_the_place_of_the_profiles():
    assert optimisation_settings(profile("sd15"), "draft", 2.5).statistics_weight == 2.5
    assert optimisation_settings(profile("bundled"), "draft", 0.0).statistics_weight == 0.0


@pytest.mark.parametrize(("name", "tone"), [("bundled", 3.0), ("bundled", 0.0), ("sd15", 0.0), ("sd15", 2.5)])
def test_where_statistics_choose_the_places_differ_from_the_start(name, tone):
    settings = optimisation_settings(profile(name), "draft", tone)
    points = 2.0 * torch.rand(2000, 3, generator=torch.Generator().manual_seed(0)) - 1.0
    with torch.no_grad():
        spread = float(new_field(settings, 0, torch.device("cpu"))(points).std(dim=0).mean())
    assert (spread > 0.005) == (tone > 0.0)


@pytest.mark.parametrize("preset", ["draft", "balanced"])
def test_a_model_that_knows_lit_pictures_sees_the_object_in_light_unless_the_user_says_otherwise(preset):
    assert optimisation_settings(profile("sd15"), preset).shading == ShadingSettings()
    assert optimisation_settings(profile("sd15"), preset, shading=False).shading is None
    assert optimisation_settings(profile("bundled"), preset).shading is None


def test_stable_diffusion_is_asked_as_it_is_known_to_have_been():
    """The reference code's gradient in ``paper``; its noised start, on fresh noise, in the others."""
    paper, balanced = (optimisation_settings(profile("sd15"), preset).guidance for preset in ("paper", "balanced"))
    assert paper.reference_quirks and paper.interval_matching and not paper.surface_noise
    assert balanced.noised_start and not balanced.reference_quirks
    assert balanced.interval_matching and not balanced.surface_noise


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_without_statistics_goes_as_far_in_more_steps(preset):
    settings = optimisation_settings(profile("bundled"), preset, 0.0)
    assert settings.steps * settings.learning_rate == pytest.approx(0.48)
    assert settings.steps * settings.final_learning_rate == pytest.approx(0.16)


def test_the_noise_is_independent_where_no_statistics_hold_the_colours():
    alone, whole = (optimisation_settings(profile("bundled"), "draft", weight).guidance for weight in (0.0, None))
    assert alone.noise_cells == INDEPENDENT_CELLS > whole.noise_cells


@pytest.mark.parametrize("bad", [{"steps": -1}, {"supersampling": 2}, {"background": "black"}])
def test_a_setting_out_of_range_is_named(bad):
    with pytest.raises(JobError, match=next(iter(bad))):
        dataclasses.replace(optimisation_settings(profile("bundled"), "draft"), **bad)


def test_an_unknown_profile_or_preset_is_named_with_those_there_are():
    with pytest.raises(JobError, match=r"sd3.*bundled, sd15, sdxl"):
        profile("sd3")
    with pytest.raises(JobError, match=r"quick.*draft, balanced, paper"):
        optimisation_settings(profile("bundled"), "quick")


def test_uniform_timesteps_shrink_their_range_while_warming_up():
    generator = torch.Generator().manual_seed(0)
    schedule = UniformTimesteps()
    first = [schedule.interval(0, 2500, generator) for _ in range(400)]
    late = [schedule.interval(2000, 2500, generator) for _ in range(400)]
    assert {interval.delta for interval in first} == {100} and {interval.delta for interval in late} == {50}
    assert 900 < max(interval.timestep for interval in first) < 980
    assert 450 < max(interval.timestep for interval in late) < 500
    assert min(interval.timestep for interval in first + late) >= 20


def test_annealed_timesteps_go_from_coarse_to_fine():
    generator = torch.Generator().manual_seed(0)
    schedule = AnnealedTimesteps(jitter=0.0)
    steps = [schedule.interval(step, 9, generator).timestep for step in range(9)]
    assert steps == [900, 800, 700, 600, 500, 400, 300, 200, 100]
    assert AnnealedTimesteps().interval(0, 1, generator).timestep < 1000
