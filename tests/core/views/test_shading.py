# SPDX-License-Identifier: GPL-3.0-or-later
"""Light for the model's eye: physical, neutral, from the viewer's side, different in every view, and never needed."""

import dataclasses
import itertools

import pytest
import torch
import trimesh
from hypothesis import given, settings as hypothesis_settings, strategies as st

from core.job import JobError
from core.models.profiles import profile
from core.optimisation.objective import Objective
from core.optimisation.presets import optimisation_settings
from core.optimisation.step_generator import step_generator
from core.views.camera_plan import CameraPlan
from core.views.embree import EmbreeRasteriser
from core.views.shading import ShadingSettings, irradiance, random_lights, shade
from core.views.step_views import step_views

SETTINGS = ShadingSettings()


@pytest.fixture(scope="module")
def optimisation():
    """The bundled model's, small."""
    draft = optimisation_settings(profile("bundled"), "draft")
    return dataclasses.replace(draft, resolution=16, supersampling=3, steps=2)


@pytest.fixture(scope="module")
def views(make_mesh, optimisation):
    """Four views of a ball."""
    mesh = make_mesh(trimesh.creation.icosphere(3))
    embree = EmbreeRasteriser(mesh)
    return next(
        step_views(
            embree,
            CameraPlan(mesh, embree, optimisation.views, optimisation.resolution, 0),
            [0],
            optimisation.resolution,
            optimisation.supersampling,
        )
    )


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def covered(views, images):
    """[N, channels]: the covered pixels of all views."""
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])[views.pixels]


def render(views, colour, background=0.5):
    colours = torch.tensor(colour).expand(len(views.positions), 3).clone().requires_grad_()
    return colours, views.render(colours, torch.full((views.shape[0], 3), background))


@given(st.integers(0, 2**31), st.floats(0.0, 90.0), st.floats(0.0, 1.0))
@hypothesis_settings(deadline=None, max_examples=40)
def test_lights_stand_on_the_viewers_side_within_their_cone(seed, largest_angle, strength):
    towards_viewer = torch.nn.functional.normalize(torch.randn(16, 3, generator=generator(seed + 1)), dim=1)
    chosen = ShadingSettings(strength=(0.0, strength), largest_angle=largest_angle)
    directions, strengths = random_lights(towards_viewer, chosen, generator(seed))
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(16))
    least = torch.cos(torch.deg2rad(torch.tensor(largest_angle)))
    assert ((directions * towards_viewer).sum(1) >= least - 1e-5).all()
    assert ((strengths >= 0.0) & (strengths <= strength)).all()


def test_directions_are_even_over_the_cone_and_some_are_the_viewers_own():
    towards_viewer = torch.tensor([[0.0, -1.0, 0.0]]).expand(20_000, 3)
    directions, strengths = random_lights(towards_viewer, SETTINGS, generator())
    cosine = (directions * towards_viewer).sum(1)
    head = cosine > 1.0 - 1e-6
    assert float(head.float().mean()) == pytest.approx(0.25, abs=0.02)
    # On a cap of 60° the mean cosine is that of equal areas, half-way from 1 to 0.5; no side is preferred.
    assert float(cosine[~head].mean()) == pytest.approx(0.75, abs=0.01)
    assert directions[~head][:, [0, 2]].mean(dim=0).abs().max() < 0.02
    assert float(strengths.mean()) == pytest.approx(0.6, abs=0.01)


def test_brightness_of_a_lit_surface_follows_the_cosine_law_in_linear_light(views):
    _, images = render(views, (0.5, 0.5, 0.5))
    directions, strengths = random_lights(views.towards_viewer, SETTINGS, generator(3))
    lit = covered(views, shade(images, views, SETTINGS, generator(3)))
    linear = ((lit + 0.055) / 1.055) ** 2.4
    base = ((0.5 + 0.055) / 1.055) ** 2.4
    view = views.pixels // (views.shape[1] * views.shape[2])
    for number in range(views.shape[0]):
        cosine = (views.normals[view == number] @ directions[number]).clamp_min(0.0)
        expected = base * (1.0 + strengths[number] * (cosine - cosine.mean()))
        torch.testing.assert_close(linear[view == number], expected[:, None].expand(-1, 3), atol=1e-5, rtol=1e-4)


def test_neither_light_nor_exposure_changes_the_mean_brightness(views):
    _, images = render(views, (0.5, 0.4, 0.3))
    for seed in range(8):
        lights = random_lights(views.towards_viewer, SETTINGS, generator(seed))
        light = covered(views, irradiance(views, *lights))
        assert light.min() >= 0.0
        assert float(light.mean()) == pytest.approx(1.0, abs=1e-5)
        lit = shade(images, views, SETTINGS, generator(seed))
        ratio = covered(views, lit).mean(0) / covered(views, images).mean(0)
        assert ((ratio > 0.985) & (ratio <= 1.0)).all()


def test_background_is_not_lit_and_light_is_grey(views):
    _, images = render(views, (0.6, 0.3, 0.1), background=0.7)
    lit = shade(images, views, SETTINGS, generator())
    behind = torch.ones(images[:, 0].numel(), dtype=torch.bool)
    behind[views.pixels] = False
    shown = lit.permute(0, 2, 3, 1).reshape(-1, 3)[behind]
    torch.testing.assert_close(shown, torch.full_like(shown, 0.7))
    linear = ((covered(views, lit) + 0.055) / 1.055) ** 2.4
    ratio = linear / (((covered(views, images) + 0.055) / 1.055) ** 2.4)
    torch.testing.assert_close(ratio[:, 0], ratio[:, 2], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("colour", [(0.0, 0.0, 0.0), (0.02, 0.5, 0.9), (1.0, 1.0, 1.0)])
def test_gradient_reaches_every_colour_black_and_overexposed_ones_too(views, colour):
    colours, images = render(views, colour)
    lit = shade(images, views, SETTINGS, generator())
    assert lit.max() <= 1.0
    lit.sum().backward()
    assert torch.isfinite(colours.grad).all()
    assert (colours.grad > 0.1).all()


def test_light_changes_from_view_to_view_and_step_to_step_and_repeats_with_the_seed(views):
    _, images = render(views, (0.5, 0.5, 0.5))
    steps = [shade(images, views, SETTINGS, step_generator(0, step)) for step in (0, 0, 1)]
    assert torch.equal(steps[0], steps[1]) and not torch.equal(steps[0], steps[2])
    for one, other in itertools.combinations(random_lights(views.towards_viewer, SETTINGS, generator())[0], 2):
        assert not torch.allclose(one, other)


class Watcher:
    """In place of a term of the objective: keeps what it is shown."""

    def __call__(self, images, *rest):
        self.images = images.detach()
        return images.sum(), 0.0

    def loss(self, field, *rest):
        self.field = field
        return torch.zeros(())


@pytest.mark.parametrize("shading", [SETTINGS, None])
def test_light_is_for_the_models_eye_alone(views, optimisation, shading):
    model, statistics = Watcher(), Watcher()
    objective = Objective(dataclasses.replace(optimisation, shading=shading, background="white"), model, statistics)

    def field(positions):
        return torch.full_like(positions, 0.5)

    objective.model_term(field, views, 0, generator())
    objective.without_model(field, views, 0, generator())
    assert statistics.field is field
    plain = views.render(field(views.positions), torch.ones(views.shape[0], 3))
    assert torch.equal(model.images, plain) == (shading is None)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"strength": (0.5, 1.5)}, r"strength is \(0.5, 1.5\)"),
        ({"strength": (0.5, 0.2)}, "must rise"),
        ({"largest_angle": 120.0}, "largest_angle is 120"),
        ({"head_light_share": -0.1}, r"head_light_share is -0.1"),
    ],
)
def test_impossible_light_is_refused_with_its_value(values, words):
    with pytest.raises(JobError, match=words) as caught:
        ShadingSettings(**values)
    assert caught.value.code == "bad_setting"
