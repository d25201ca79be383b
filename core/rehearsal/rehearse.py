# SPDX-License-Identifier: GPL-3.0-or-later
"""One whole optimisation step of a profile at its real size, with random weights, on the CPU."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..diffusion.conditioning import condition
from ..diffusion.surface_noise import SurfaceNoise
from ..diffusion.timesteps import Interval
from ..evaluation.meshes import chair
from ..evaluation.styles import sample_paths, style
from ..geometry.surface_patches import SurfacePatches
from ..job import Job, JobError
from ..models.profiles import ModelProfile
from ..optimisation.checkpoint import Checkpoint
from ..optimisation.objective import Distillation, Objective
from ..optimisation.optimise import new_field, optimise
from ..optimisation.presets import OptimisationSettings
from ..optimisation.step_generator import step_generator
from ..reporting import Reporter
from ..results.report import Stages
from ..style.statistics import StyleStatistics
from ..style.style_image import as_tensor
from ..views.camera_plan import CameraPlan
from ..views.embree import EmbreeRasteriser
from .flops import StepFlops, count_step
from .memory import peak_memory
from .random_networks import networks_without_numbers, random_networks
from .stopwatch import Stopwatch


@dataclass(frozen=True)
class Rehearsal:
    """What one step needed and gave."""

    parameters: dict[str, int]
    """Numbers in each network."""
    interval: Interval
    """The noise levels that the step looked at."""
    gradient_norm: float
    """Length of the gradient at the texture field's table; finite."""
    measures: dict[str, float]
    """What ``Objective`` records."""
    seconds: dict[str, float]
    """By phase; those after "step" are parts of it."""
    peak_memory: int | None
    """Largest resident set in bytes; ``None`` where it is not known."""
    flops: StepFlops
    """Operations of the step."""


@dataclass(frozen=True)
class _OneInterval:
    """A schedule that looks at one interval."""

    chosen: Interval

    def interval(self, step: int, steps: int, generator: torch.Generator) -> Interval:
        return self.chosen


def rehearse(profile: ModelProfile, settings: OptimisationSettings, seed: int, reporter: Reporter) -> Rehearsal:
    """Do one step with the networks, the objective and the loop of a real run.

    The mesh is the chair of the evaluation, the style image the first that comes with the program, and the noise level
    one from the middle of the run.

    Args:
        profile: whose networks to build; no weights are read.
        settings: of a preset of that profile.
        seed: of weights, view and noise level.
        reporter: told of the stages.

    Raises:
        JobError: ``non_finite`` when a gradient is not finite.
    """
    middle = settings.steps // 2
    interval = settings.timesteps.interval(middle, settings.steps, step_generator(seed, middle))
    one_step = replace(
        settings,
        steps=1,
        timesteps=_OneInterval(interval),
        statistics=replace(settings.statistics, updates_alone=0),
        checkpoint_seconds=math.inf,
        frame_seconds=math.inf,
    )
    stages = Stages(reporter)
    stopwatch = Stopwatch()
    with stages.stage("count", "Counting the operations"):
        flops = count_step(networks_without_numbers(profile), settings, interval)
    with stages.stage("mesh", "Making the mesh"):
        mesh = chair()
        embree = EmbreeRasteriser(mesh)
        plan = CameraPlan(mesh, embree, one_step.views, one_step.resolution, seed)
        rasteriser = stopwatch.rasteriser("rasterising", embree)
        picture = style(sample_paths()[0])
    with stages.stage("networks", "Building the networks"):
        networks = random_networks(profile, seed)
    stopwatch.forward("UNet", networks.unet)
    for control in networks.control_nets:
        stopwatch.forward("ControlNets", control.model)
    stopwatch.forward("VAE forward", networks.vae.encoder)
    stopwatch.backward("VAE backward", networks.vae.encoder)
    with stages.stage("encoders", "Reading words and style"):
        job = Job("chair", "a chair", picture.path.name, content=picture.content)
        noise = SurfaceNoise(seed, networks.vae.config.latent_channels)
        distillation = Distillation(networks, condition(networks, job, picture.picture), noise)
        parameters = {name: sum(p.numel() for p in one.parameters()) for name, one in networks.modules().items()}
        # As on a graphics card they are out of its memory by now, they are out of this machine's here.
        for module in networks.resting():
            module.to("meta")
    statistics = None
    if settings.statistics_weight > 0.0:
        statistics = StyleStatistics(settings.statistics, as_tensor(picture.picture), SurfacePatches(mesh))
    field = new_field(settings, seed, networks.device)
    with stages.stage("step", "One step"), tempfile.TemporaryDirectory() as folder:
        outcome = optimise(
            field,
            rasteriser,
            plan,
            Objective(one_step, distillation, statistics),
            seed,
            reporter,
            Checkpoint(Path(folder), "rehearsal"),
            draw_frame=lambda: np.zeros((1, 1, 3), np.uint8),
            seconds_after=0.0,
        )
    if outcome.left_out:
        measures = ", ".join(f"{name} {value:.3g}" for name, value in outcome.records[0].items())
        raise JobError("non_finite", f"The gradient of the step is not finite ({measures})")
    gradient = field.table.grad
    return Rehearsal(
        parameters=parameters,
        interval=interval,
        gradient_norm=0.0 if gradient is None else float(gradient.norm()),
        measures=outcome.records[0],
        seconds=stages.seconds | stopwatch.seconds,
        peak_memory=peak_memory(),
        flops=flops,
    )
