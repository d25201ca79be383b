# SPDX-License-Identifier: GPL-3.0-or-later
"""What the diffusion model wants is the same however its views are gone through, and costs a graphics card little."""

import contextlib
import dataclasses
from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from core.diffusion.conditioning import condition
from core.diffusion.surface_noise import SurfaceNoise
from core.evaluation.meshes import chair
from core.job import Job
from core.models.profiles import profile
from core.optimisation.objective import Distillation, Objective
from core.optimisation.optimise import new_field
from core.optimisation.presets import optimisation_settings
from core.optimisation.step_generator import step_generator
from core.rehearsal.flops import empty_conditioning
from core.rehearsal.random_networks import networks_without_numbers
from core.texture_field.field import HashGridSettings
from core.views.camera_plan import CameraPlan
from core.views.embree import EmbreeRasteriser
from core.views.step_views import step_views

CPU = torch.device("cpu")


def first_views(settings):
    mesh = chair()
    embree = EmbreeRasteriser(mesh)
    plan = CameraPlan(mesh, embree, settings.views, settings.resolution, seed=0)
    return next(step_views(embree, plan, [0], settings.resolution, settings.supersampling))


@pytest.mark.parametrize("preset", ["draft", "paper"])
@pytest.mark.parametrize("name", ["bundled", "sd15"])
def test_views_one_after_the_other_want_what_all_at_once_want(networks, style_picture, name, preset):
    settings = dataclasses.replace(
        optimisation_settings(profile(name), preset, 0.0),
        resolution=64,
        supersampling=1,
        hash_grid=HashGridSettings(levels=4, log2_entries=12),
    )
    if settings.views.views_per_step == 1:
        settings = dataclasses.replace(settings, views=optimisation_settings(profile(name), "draft").views)
    views = first_views(settings)
    conditioning = condition(networks, Job("Chair", "a chair", "style.png", content="a house"), style_picture)
    gradients, measures = [], []
    for at_once in (None, 1):
        field = new_field(settings, 0, CPU)
        distillation = Distillation(networks, conditioning, SurfaceNoise(0, 4), at_once)
        term, told = Objective(settings, distillation, None).model_term(field, views, 3, step_generator(0, 3))
        term.backward()
        gradients.append(field.table.grad)
        measures.append(told["distillation"])
    assert gradients[0].abs().max() > 0.0
    assert (gradients[1] - gradients[0]).norm() <= 1e-4 * gradients[0].norm()
    torch.testing.assert_close(*measures, rtol=1e-5, atol=0.0)


def test_small_gradients_pass_the_vae_in_half_precision(networks):
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1, 3, 64, 64, generator=generator)
    # As small as the score is at the lowest noise levels.
    gradient = 1e-5 * torch.randn(1, 4, 16, 16, generator=generator)
    found = []
    for dtype in (torch.float32, torch.float16):
        vae = networks.vae.to(dtype)
        seen = images.clone().requires_grad_()
        with contextlib.ExitStack() as stack:
            stack.callback(networks.vae.to, torch.float32)
            half = dataclasses.replace(networks, vae=vae, dtype=dtype)
            found.append(half.gradient_on_images(seen, half.encode(seen), gradient))
    exact, half = found
    assert exact.norm() > 0.0
    assert (half - exact).norm() <= 0.01 * exact.norm()


def test_what_is_not_finite_stays_so(networks):
    half = dataclasses.replace(networks, dtype=torch.float16)
    images = torch.rand(1, 3, 64, 64).requires_grad_()
    latents = networks.encode(images)
    for value in (float("inf"), float("nan")):
        gradient = torch.full_like(latents, value)
        assert not torch.isfinite(half.gradient_on_images(images, latents, gradient)).all()
        latents = networks.encode(images)


class Launches(TorchDispatchMode):
    """Counts the operations that a device is told to do, by whether a noise predictor asks for them."""

    def __init__(self, networks):
        super().__init__()
        self.counts, self._inside = Counter(), 0
        for module in (networks.unet, *(control.model for control in networks.control_nets)):
            module.register_forward_pre_hook(lambda *rest: self._enter(1))
            module.register_forward_hook(lambda *rest: self._enter(-1))

    def _enter(self, step):
        self._inside += step

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        found = function(*arguments, **(options or {}))
        tensors = [value for value in torch.utils._pytree.tree_leaves(found) if isinstance(value, torch.Tensor)]
        if any(value.device.type == "meta" for value in tensors) and not function.is_view:
            self.counts["networks" if self._inside else "rest"] += 1
        return found


@pytest.mark.parametrize("preset", ["balanced", "paper"])
def test_a_step_of_stable_diffusion_asks_little_of_a_card_besides_its_networks_and_never_waits_for_it(preset):
    settings = optimisation_settings(profile("sd15"), preset)
    networks = networks_without_numbers(profile("sd15"))
    views = first_views(settings).to(torch.device("meta"))
    field = new_field(settings, 0, torch.device("meta"))
    distillation = Distillation(networks, empty_conditioning(networks), SurfaceNoise(0, 4), 1)
    objective = Objective(settings, distillation, None)
    with Launches(networks) as launches:
        # A device without numbers cannot answer: whatever waited for one would fail here.
        term, measures = objective.model_term(field, views, 3, step_generator(0, 3))
        term.backward()
    assert field.table.grad.shape == field.table.shape and measures["distillation"].device.type == "meta"
    assert launches.counts["networks"] > 3000, "they are counted apart"
    assert 500 < launches.counts["rest"] <= 1500
