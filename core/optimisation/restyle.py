# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting from the object's present base colour: how far to go from it, and what holds the layout meanwhile.

As in SDEdit (Meng et al. 2022, arXiv 2108.01073) a strength from 0 to 1 says from which noise level on the run is made.
First the field is fitted to the present colour. Then only the last steps of the whole run are taken, ``strength`` times
as many, with the noise levels, sizes of patches and learning rates that they would have had. Meanwhile lightness is
held in its places by a pull that falls as the strength rises. At 1 nothing is left of the present colour, and none of
this is done.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from ..reporting import Cancelled, Reporter
from .present_color import PresentColor
from .presets import OptimisationSettings
from .step_generator import step_generator

FIT_STEPS = 250
"""Optimiser steps in which the field takes on the present colour."""
FIT_POINTS = 1 << 15
"""Points of the surface in each of them."""
FIT_RATES = (0.03, 0.001)
"""Learning rate of Adam at the first and at the last of them; it falls geometrically."""


def restyled(settings: OptimisationSettings, strength: float) -> OptimisationSettings:
    """The settings of the last part of a run, ``strength`` (in [0, 1]) of the whole.

    At 0 no step is left, at 1 they are the settings of the whole run.
    """
    steps = round(strength * settings.steps)
    skipped = settings.steps - steps
    fall = settings.final_learning_rate / settings.learning_rate
    return replace(
        settings,
        steps=steps,
        timesteps=settings.timesteps.lowered(strength),
        statistics=settings.statistics.lowered(strength),
        controls=replace(settings.controls, late_step=max(0, settings.controls.late_step - skipped)),
        learning_rate=settings.learning_rate * fall ** (skipped / settings.steps),
    )


def fit_field(field: nn.Module, present: PresentColor, seed: int, reporter: Reporter) -> None:
    """Make ``field`` (any, with parameters) the present colour, in place; the same for the same seed.

    Details finer than the field's finest grid are smoothed.

    Raises:
        Cancelled: ``reporter`` said so.
    """
    device = next(field.parameters()).device
    first, last = FIT_RATES
    optimiser = torch.optim.Adam(field.parameters(), lr=first, betas=(0.9, 0.99), eps=1e-15, fused=True)
    for step in range(FIT_STEPS):
        if reporter.should_cancel():
            raise Cancelled
        for group in optimiser.param_groups:
            group["lr"] = first * (last / first) ** (step / (FIT_STEPS - 1))
        points = present.sample(FIT_POINTS, step_generator(seed, step))
        optimiser.zero_grad(set_to_none=True)
        (field(points.positions.to(device)) - points.colours.to(device)).square().mean().backward()
        optimiser.step()
        reporter.progress(step + 1, FIT_STEPS, None)
