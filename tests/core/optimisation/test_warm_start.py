# SPDX-License-Identifier: GPL-3.0-or-later
"""A run begins with a sample that all views agree on."""

import copy
import dataclasses

import pytest
import torch
import trimesh

from core.diffusion.conditioning import condition
from core.diffusion.surface_noise import SurfaceNoise
from core.job import Job
from core.models.profiles import profile
from core.optimisation import warm_start as warm_starts
from core.optimisation.objective import Distillation
from core.optimisation.optimise import new_field
from core.optimisation.presets import WarmStartSettings, optimisation_settings
from core.optimisation.warm_start import warm_start, whole_views
from core.reporting import Cancelled
from core.texture_field.field import HashGridSettings
from core.views.camera_plan import CameraPlan
from core.views.embree import EmbreeRasteriser

JOB = Job("Ball", "a ball", "style.png", content="a house")
WANTED = torch.tensor([0.8, 0.3, 0.2])
FACTOR = 4
"""Of the untrained model's VAE."""


@pytest.fixture(scope="module")
def ball(make_mesh):
    mesh = make_mesh(trimesh.creation.icosphere(3))
    return mesh, EmbreeRasteriser(mesh)


@pytest.fixture(scope="module")
def settings():
    draft = optimisation_settings(profile("bundled"), "draft", 0.0)
    return dataclasses.replace(
        draft,
        supersampling=1,
        hash_grid=HashGridSettings(levels=4, log2_entries=12),
        warm_start=WarmStartSettings(views=4, steps=3, updates=30, points=1000),
    )


@pytest.fixture
def start(ball, settings, networks, style_picture):
    """Runs a warm start; gives the field."""
    mesh, embree = ball
    conditioning = condition(networks, JOB, style_picture)

    def run(reporter, seed=0, networks=networks):
        field = new_field(settings, seed, torch.device("cpu"))
        plan = CameraPlan(mesh, embree, whole_views(settings), settings.resolution, seed)
        distillation = Distillation(networks, conditioning, SurfaceNoise(seed, 4))
        warm_start(field, embree, plan, distillation, settings, seed, reporter)
        return field

    return run


def colours(field):
    points = torch.nn.functional.normalize(torch.randn(500, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    with torch.no_grad():
        return field(0.9 * points)


def test_the_field_takes_on_what_a_model_that_knows_the_picture_sees_in_the_noise(
    start, networks, monkeypatch, new_reporter
):
    """A model whose estimate is one picture, whatever it is shown: DDIM ends there, and so must the field."""
    seen = []

    def all_knowing(networks, z_t, t, *rest):
        seen.append(t)
        abar = networks.alphas_cumprod[t]
        height, width = (FACTOR * side for side in z_t.shape[2:])
        picture = WANTED[:, None, None].expand(z_t.shape[0], 3, height, width)
        return (z_t - abar.sqrt() * networks.encode(picture)) / (1.0 - abar).sqrt()

    # An untrained VAE knows no colours; this one's latents are them.
    simple = copy.copy(networks)
    monkeypatch.setattr(warm_starts, "guided_noise", all_knowing)
    monkeypatch.setattr(type(networks), "encode", lambda self, images: _latents(images))
    monkeypatch.setattr(type(networks), "decode", lambda self, latents: _images(latents))
    reporter = new_reporter()
    field = start(reporter, networks=simple)
    assert seen == sorted(seen, reverse=True) and seen[0] == 980 and len(set(seen)) == 3
    assert [step for step, _, _ in reporter.steps] == [1, 2, 3]
    assert (colours(field) - WANTED).abs().mean() < 0.05


def _latents(images):
    small = torch.nn.functional.avg_pool2d(2.0 * images - 1.0, FACTOR)
    return torch.cat([small, small[:, :1]], dim=1)


def _images(latents):
    return torch.nn.functional.interpolate((latents[:, :3] + 1.0) / 2.0, scale_factor=FACTOR)


def test_the_same_seed_starts_alike(start, new_reporter):
    first, again, other = (start(new_reporter(), seed) for seed in (0, 0, 1))
    assert torch.equal(colours(first), colours(again))
    assert not torch.allclose(colours(first), colours(other))


def test_a_start_can_be_cancelled(start, new_reporter):
    class Impatient(new_reporter):
        def should_cancel(self):
            return len(self.steps) >= 1

    reporter = Impatient()
    with pytest.raises(Cancelled):
        start(reporter)
    assert len(reporter.steps) == 1


def test_a_start_looks_at_the_whole_object_alone(settings):
    assert settings.views.close_ups > 0.0 and whole_views(settings).close_ups == 0.0
