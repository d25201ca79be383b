# SPDX-License-Identifier: GPL-3.0-or-later
"""The optimisation loop: views → field colours → renders → objective → Adam."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..geometry.overlap import Overlap
from ..job import JobError
from ..reporting import Cancelled, Reporter
from ..views.camera_plan import CameraPlan
from ..views.rasteriser import Rasteriser
from ..views.step_views import Views, step_views
from .checkpoint import Checkpoint, Records
from .field import HashGridField
from .model_gradient import ModelGradient, Pull
from .objective import Objective
from .prefetch import Prefetch
from .presets import OptimisationSettings
from .step_generator import step_generator

MEASURED_STEPS = 2
"""Steps before the time left is told: the first ones are slower."""


@dataclass(frozen=True)
class Outcome:
    """What an optimisation did; the result is in the field."""

    records: Records
    """For each step the measures of ``Objective``."""
    resumed_at: int
    """Steps that an earlier run had done."""
    finished_early: bool
    """Whether it was told to stop before its last step."""


def new_field(settings: OptimisationSettings, seed: int, device: torch.device) -> HashGridField:
    """The untrained field of a job."""
    return HashGridField(settings.hash_grid, torch.Generator().manual_seed(seed)).to(device)


def optimise(
    field: HashGridField,
    rasteriser: Rasteriser,
    plan: CameraPlan,
    objective: Objective,
    seed: int,
    reporter: Reporter,
    checkpoint: Checkpoint,
    draw_frame: Callable[[], np.ndarray],
    seconds_after: float,
    overlap: Overlap | None = None,
    frame_extent: int = 1,
) -> Outcome:
    """Optimise ``field`` in place until its renders please ``objective``.

    Every random number of a step comes from the seed and the step's number, so a run that goes on from a checkpoint
    needs no generator states. On the CPU the same seed gives the same bits as long as the number of threads is the
    same, since sums are split between threads; so nothing here changes it.

    Args:
        field: the texture field, on the device to compute on.
        rasteriser: of the normalised mesh.
        plan: the cameras of every step.
        objective: what to please; its settings are those of the loop.
        seed: of the whole run.
        reporter: told of every step, asked every step whether to go on.
        checkpoint: restored from, and saved to from time to time.
        draw_frame: bakes a small texture from the field, uint8 [S, S, 3].
        seconds_after: time that the job will take after the last step, for the time left.
        overlap: which surfaces of the mesh share texels, ``None`` for none.
        frame_extent: the frames show the UVs from 0 to this.

    Raises:
        Cancelled: ``reporter`` said so.
        JobError: ``non_finite`` naming the step at which a gradient was not finite.
    """
    settings = objective.settings
    device = field.table.device
    optimiser = torch.optim.Adam(
        field.parameters(), lr=settings.learning_rate, betas=settings.betas, eps=settings.epsilon, fused=True
    )
    first, records = checkpoint.restore(field, optimiser)
    started = saved = framed = time.monotonic()
    finished_early = False
    steps = range(first, settings.steps)
    coming = step_views(rasteriser, plan, steps, settings.resolution, settings.supersampling, overlap)
    with Prefetch(coming) as prefetched, ModelGradient(objective, field, seed) as model:
        for step, views in enumerate(prefetched, first):
            if reporter.should_cancel():
                raise Cancelled
            if reporter.should_finish():
                finished_early = True
                break
            _set_learning_rate(optimiser, settings, step)
            records.append(_step(field, optimiser, objective, model, views.to(device), step, seed))
            now = time.monotonic()
            done = step + 1 - first
            seconds_left = (now - started) / done * (settings.steps - step - 1) + seconds_after
            reporter.progress(step + 1, settings.steps, seconds_left if done >= MEASURED_STEPS else None)
            if now - framed >= settings.frame_seconds and reporter.wants_frame():
                reporter.frame(draw_frame(), frame_extent)
                framed = time.monotonic()
            if now - saved >= settings.checkpoint_seconds:
                checkpoint.save(step + 1, records, field, optimiser)
                saved = time.monotonic()
    return Outcome(records, first, finished_early)


def _step(
    field: HashGridField,
    optimiser: torch.optim.Adam,
    objective: Objective,
    model: ModelGradient,
    views: Views,
    step: int,
    seed: int,
) -> dict[str, float]:
    """Some updates by the statistics alone, and one by the whole objective; returns the objective's measures."""
    generator, where = step_generator(seed, step), f"step {step + 1} of {objective.settings.steps}"
    coming = None if objective.distillation is None else model.begin(views, step)
    if objective.statistics is not None:
        for _ in range(objective.settings.statistics.updates_alone):
            total, measures = objective.without_model(field, views, step, generator)
            _update(field, optimiser, total, None, where, measures)
    total, measures = objective.without_model(field, views, step, generator)
    pull = None if coming is None else coming.result()
    _update(field, optimiser, total, pull, where, measures)
    return measures if pull is None else pull.measures | measures


def _update(
    field: HashGridField,
    optimiser: torch.optim.Adam,
    total: Tensor,
    pull: Pull | None,
    where: str,
    measures: dict[str, float],
) -> None:
    """Go down ``total`` and where ``pull`` goes; ``where`` in the run that is, and ``measures``, are for the message.

    Raises:
        JobError: ``non_finite``.
    """
    optimiser.zero_grad(set_to_none=True)
    if total.requires_grad:
        total.backward()
    if pull is not None:
        pull.add_to(field)
        measures = pull.measures | measures
    if not all(bool(torch.isfinite(value.grad).all()) for value in field.parameters() if value.grad is not None):
        raise JobError(
            "non_finite",
            f"The gradient is not finite at {where}"
            f" ({', '.join(f'{name} {value:.3g}' for name, value in measures.items())})",
            "Try another seed, a smaller tone weight, or the CPU as device.",
        )
    optimiser.step()


def _set_learning_rate(optimiser: torch.optim.Adam, settings: OptimisationSettings, step: int) -> None:
    progress = step / max(settings.steps - 1, 1)
    rate = settings.learning_rate * (settings.final_learning_rate / settings.learning_rate) ** progress
    for group in optimiser.param_groups:
        group["lr"] = rate
