# SPDX-License-Identifier: GPL-3.0-or-later
"""The optimisation loop: views → field colours → renders → objective → Adam."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..devices.prefetch import Prefetch
from ..failure import as_job_error, release_memory
from ..geometry.overlap import Overlap
from ..reporting import Cancelled, Paused, Reporter
from ..storage.optional import cause
from ..texture_field.field import HashGridField
from ..views.camera_plan import CameraPlan
from ..views.rasteriser import Rasteriser
from ..views.step_views import Views, step_views
from .checkpoint import Checkpoint, Progress, Records, Saved
from .model_gradient import ModelGradient, Pull
from .objective import Objective
from .presets import OptimisationSettings
from .step_generator import step_generator

MEASURED_STEPS = 2
"""Steps before the time left is told; the first one, in which loops are compiled, says nothing of the others."""
MOST_LEFT_OUT = 10
"""Steps in a row without a finite gradient after which no better one is expected."""
_VIEW_THREADS = 4
"""Which prepare views beside a graphics card: one of them takes longer for a step's than a fast card for the rest."""


@dataclass(frozen=True)
class Outcome:
    """What an optimisation did; the result is in the field."""

    records: Records
    """For each step the measures of ``Objective``."""
    resumed_at: int
    """Steps that an earlier run had done."""
    finished_early: bool
    """Whether it was told to stop before its last step."""
    left_out: int = 0
    """Steps with an update that was left out, since its gradient was not finite."""
    nothing_done: bool = False
    """Whether there were steps, but no update at all."""


def new_field(settings: OptimisationSettings, seed: int, device: torch.device) -> HashGridField:
    """The untrained field of a job."""
    return HashGridField(settings.hash_grid, torch.Generator().manual_seed(seed)).to(device)


def optimise(
    field: nn.Module,
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
    saved: Saved | None = None,
) -> Outcome:
    """Optimise ``field`` in place until its renders please ``objective``.

    Every random number of a step comes from the seed and the step's number, so a run that goes on from a checkpoint
    needs no generator states. On the CPU the same seed gives the same bits as long as the number of threads is the
    same, since sums are split between threads; so nothing here changes it.

    An update whose gradient is not finite is made again at full precision where the model computes in half, and else
    left out. After ``MOST_LEFT_OUT`` such steps in a row the run ends early, with what there is.

    Args:
        field: the texture field or one with the same parameters, on the device to compute on.
        rasteriser: of the normalised mesh.
        plan: the cameras of every step.
        objective: what to please; its settings are those of the loop.
        seed: of the whole run.
        reporter: told of every step, asked every step whether to go on.
        checkpoint: saved to from time to time and at the end; that this fails is a warning.
        draw_frame: bakes a small texture from the field, uint8 [S, S, 3].
        seconds_after: time that the job will take after the last step, for the time left.
        overlap: which surfaces of the mesh share texels, ``None`` for none.
        frame_extent: the frames show the UVs from 0 to this.
        saved: what ``checkpoint`` held, to go on from; ``None`` begins at the first step.

    Raises:
        Cancelled: ``reporter`` said so.
        Paused: ``reporter`` said so; what is done is in ``checkpoint``. Where none can be saved, the run goes on.
    """
    settings = objective.settings
    device = next(field.parameters()).device
    optimiser = torch.optim.Adam(
        field.parameters(), lr=settings.learning_rate, betas=settings.betas, eps=settings.epsilon, fused=True
    )
    if saved is not None:
        saved.load_into(field, optimiser)
    before = Progress() if saved is None else saved.progress
    first, records, left_out = before.steps_done, list(before.records), list(before.left_out)

    def save() -> bool:
        try:
            checkpoint.save(Progress(len(records), records, left_out), field, optimiser)
        except (OSError, MemoryError) as error:
            reporter.warning(
                "checkpoint", f"The job goes on without a checkpoint, since none can be saved: {cause(error)}"
            )
            return False
        reporter.checkpoint(len(records), settings.steps)
        return True

    after_first = last_save = framed = time.monotonic()
    finished_early = gave_up = False
    steps = range(first, settings.steps)
    threads = 1 if device.type == "cpu" else _VIEW_THREADS
    with (
        closing(
            step_views(rasteriser, plan, steps, settings.resolution, settings.supersampling, overlap, threads)
        ) as made,
        Prefetch((views.pinned() for views in made) if device.type == "cuda" else made) as prefetched,
        ModelGradient(objective, field, seed) as model,
    ):
        stepper = _Stepper(field, optimiser, objective, model, seed)
        for step, views in enumerate(prefetched, first):
            if reporter.should_cancel():
                raise Cancelled
            if reporter.should_pause() and save():
                raise Paused
            if reporter.should_finish():
                finished_early = True
                break
            if _all_left_out(left_out, step):
                finished_early = gave_up = True
                reporter.warning(
                    "non_finite",
                    f"Optimising ended at step {step} of {settings.steps}, since the gradients of the last"
                    f" {MOST_LEFT_OUT} steps were not finite; the texture is what there was. Another seed, a smaller"
                    " tone weight or the CPU as device may do better",
                )
                break
            _set_learning_rate(optimiser, settings, step)
            measures, sound = stepper.take(views.to(device), step)
            records.append(measures)
            if not sound:
                left_out.append(step)
            now = time.monotonic()
            done = step + 1 - first
            seconds_left = None
            if done == 1:
                after_first = now
            if done >= MEASURED_STEPS:
                seconds_left = (now - after_first) / (done - 1) * (settings.steps - step - 1) + seconds_after
            reporter.progress(step + 1, settings.steps, seconds_left)
            if now - framed >= settings.frame_seconds and reporter.wants_frame():
                reporter.frame(draw_frame(), frame_extent)
                framed = time.monotonic()
            if now - last_save >= settings.checkpoint_seconds:
                save()
                last_save = time.monotonic()
    # What comes now can fail too, and must not cost the steps.
    if len(records) > first:
        save()
    nothing_done = settings.steps > 0 and not optimiser.state
    if left_out and not gave_up and not nothing_done:
        reporter.warning(
            "non_finite",
            f"{len(left_out)} of {len(records)} steps were left out, since their gradients were not finite",
        )
    return Outcome(records, first, finished_early, len(left_out), nothing_done)


def _all_left_out(left_out: list[int], step: int) -> bool:
    """Whether all of the ``MOST_LEFT_OUT`` steps before ``step`` were left out."""
    return left_out[-MOST_LEFT_OUT:] == list(range(step - MOST_LEFT_OUT, step))


class _Stepper:
    """Takes the steps of one run."""

    def __init__(
        self, field: nn.Module, optimiser: torch.optim.Adam, objective: Objective, model: ModelGradient, seed: int
    ) -> None:
        self._field, self._optimiser, self._objective, self._model = field, optimiser, objective, model
        self._seed, self._repeats = seed, objective.in_half_precision

    def take(self, views: Views, step: int) -> tuple[dict[str, float], bool]:
        """Some updates by the statistics alone, and one by the whole objective.

        Returns:
            The objective's measures, and whether all gradients were finite; an update by one that is not is left out.
        """
        generator, statistics, sound = step_generator(self._seed, step), self._objective.statistics, True
        coming = None if self._objective.distillation is None else self._model.begin(views, step)
        if statistics is not None:
            for _ in range(statistics.settings.updates_alone):
                total, _ = self._objective.without_model(self._field, views, step, generator)
                sound = self._update(total, None, {})[0] and sound
        pull = None if coming is None else coming.result()
        total, measures = self._objective.without_model(self._field, views, step, generator)
        fits, told = self._update(total, pull, measures)
        if not fits and self._repeats and (pull := self._again(views, step)) is not None:
            total, measures = self._objective.without_model(self._field, views, step, generator)
            fits, told = self._update(total, pull, measures)
        return told, sound and fits

    def _again(self, views: Views, step: int) -> Pull | None:
        """What the model wants, at full precision; ``None`` where memory does not suffice, now and from now on."""
        try:
            with self._objective.in_full_precision() as objective:
                return self._model.again(objective, views, step)
        except Exception as error:
            if as_job_error(error).code != "out_of_memory":
                raise
            self._repeats = False
        release_memory()
        return None

    def _update(self, total: Tensor, pull: Pull | None, measures: dict[str, Tensor]) -> tuple[bool, dict[str, float]]:
        """Go down ``total`` and where ``pull`` goes, unless a gradient is not finite.

        Returns:
            Whether all are, and the measures of both in numbers.
        """
        self._optimiser.zero_grad(set_to_none=True)
        if total.requires_grad:
            total.backward()
        if pull is not None:
            pull.add_to(self._field)
            measures = pull.measures | measures
        gradients = [value.grad for value in self._field.parameters() if value.grad is not None]
        finite = [torch.isfinite(gradient).all() for gradient in gradients]
        fit = torch.stack(finite).all() if finite else torch.ones((), device=total.device)
        # One answer from the device for everything: each makes the processor wait.
        *values, fits = torch.stack([value.float() for value in (*measures.values(), fit)]).tolist()
        if fits:
            self._optimiser.step()
        return bool(fits), dict(zip(measures, values, strict=True))


def _set_learning_rate(optimiser: torch.optim.Adam, settings: OptimisationSettings, step: int) -> None:
    progress = step / max(settings.steps - 1, 1)
    rate = settings.learning_rate * (settings.final_learning_rate / settings.learning_rate) ** progress
    for group in optimiser.param_groups:
        group["lr"] = rate
