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
from torch import Tensor, nn

from .optimise import step_generator
from .present_color import PresentColor
from .presets import OptimisationSettings
from .reporting import Cancelled, Reporter

FIT_STEPS = 250
"""Optimiser steps in which the field takes on the present colour."""
FIT_POINTS = 1 << 15
"""Points of the surface in each of them."""
FIT_RATES = (0.03, 0.001)
"""Learning rate of Adam at the first and at the last of them; it falls geometrically."""

LAYOUT_POINTS = 1 << 13
"""Points of the surface whose lightness is compared in one step."""
LAYOUT_CELL = 0.2
"""Side of the cells whose mean lightness is held, in units of the normalised mesh; smaller things may change."""
LAYOUT_WEIGHT = 6.0
"""Weight of the pull at strength 0."""

_LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue (ITU-R BT.709) in the luma of sRGB values."""


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


class Layout:
    """Holds lightness in its places over the object while colours and strokes change."""

    def __init__(self, field: nn.Module, present: PresentColor, strength: float) -> None:
        """Compare ``field``, as it is at each call, with the present colour; the pull falls as ``strength`` rises."""
        self._field = field
        self._present = present
        self.weight = LAYOUT_WEIGHT * (1.0 - strength)
        """Weight of the term beside the others."""

    def loss(self, generator: torch.Generator) -> Tensor:
        """Half the mean square by which the luma of places differs from what it was, over the surface.

        A place is what lies in one cell of a grid and faces the same side, so that the two sides of a wall are two.
        The mean over the surface is taken out: how light the whole is, is the style's.

        Args:
            generator: of the CPU; draws the points.

        Returns:
            A scalar with gradient to the field.
        """
        positions, normals, colours = self._present.sample(LAYOUT_POINTS, generator)
        place = _places(positions, normals)
        now = self._field(positions.to(next(self._field.parameters()).device))
        difference = (now - colours.to(now.device)) @ now.new_tensor(_LUMA)
        difference = difference - difference.mean()
        count = torch.bincount(place)
        sums = difference.new_zeros(len(count)).index_add(0, place.to(now.device), difference)
        return 0.5 * (sums.square() / count.to(now.device)).sum() / len(positions)


def _places(positions: Tensor, normals: Tensor) -> Tensor:
    """int64 [N]: numbers of the places of points, from 0 without gaps."""
    axis = normals.abs().argmax(dim=1, keepdim=True)
    side = 2 * axis + (normals.gather(1, axis) < 0.0)
    cells = torch.cat([(positions / LAYOUT_CELL).floor().long(), side], dim=1)
    return torch.unique(cells, dim=0, return_inverse=True)[1]
