# SPDX-License-Identifier: GPL-3.0-or-later
"""Which noise level each step of the optimisation looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import torch


class Interval(NamedTuple):
    """The two ends of interval score matching, as timesteps of the scheduler."""

    timestep: int
    """``t``: where the four predictions are made."""
    delta: int
    """``t - s``: how far below ``t`` the reference noise is predicted (``s`` is not less than 0)."""


class TimestepSchedule(Protocol):
    """Chooses the interval of a step."""

    def interval(self, step: int, steps: int, generator: torch.Generator) -> Interval:
        """The interval of ``step`` (0-based) of ``steps``; all randomness comes from ``generator``."""
        ...

    def lowered(self, strength: float) -> Self:
        """The schedule of a run that begins from something: its highest noise level is brought down to ``strength``
        (in [0, 1]) of the way up from its lowest.
        """
        ...


@dataclass(frozen=True)
class UniformTimesteps:
    """The published schedule: uniform, from a range that shrinks while warming up (StyleTex, §5).

    With ``r = 1 - min(step / warm_up_steps, 1)``: ``t`` in ``[lowest, highest + warm_up_extra * r)`` and
    ``delta = delta + ceil(delta_extra * r)``.
    """

    lowest: int = 20
    """Smallest timestep drawn."""
    highest: int = 500
    """End of the range (exclusive) after warming up."""
    warm_up_extra: int = 480
    """How much farther the range reaches at the first step."""
    warm_up_steps: int = 1500
    """Steps until the range has shrunk."""
    delta: int = 50
    """Length of the interval after warming up, in timesteps."""
    delta_extra: int = 50
    """How much longer it is at the first step."""

    def interval(self, step: int, steps: int, generator: torch.Generator) -> Interval:
        """See ``TimestepSchedule``; ``steps`` plays no part."""
        r = 1.0 - min(step / self.warm_up_steps, 1.0)
        end = math.ceil(self.highest + self.warm_up_extra * r)
        timestep = int(torch.randint(self.lowest, end, (), generator=generator))
        return Interval(timestep, self.delta + math.ceil(self.delta_extra * r))

    def lowered(self, strength: float) -> UniformTimesteps:
        """See ``TimestepSchedule``; the range still shrinks over the last ``strength`` of the warm-up."""
        return replace(
            self,
            highest=self.lowest + max(1, round(strength * (self.highest - self.lowest))),
            warm_up_extra=round(strength * self.warm_up_extra),
            delta_extra=round(strength * self.delta_extra),
            warm_up_steps=max(1, round(strength * self.warm_up_steps)),
        )


@dataclass(frozen=True)
class AnnealedTimesteps:
    """From coarse to fine, linearly, with a little jitter: a short run must visit every noise level in order."""

    first: float = 0.9
    """Noise level of the first step as a share of the scheduler's timesteps."""
    last: float = 0.1
    """Noise level of the last step."""
    jitter: float = 0.02
    """Half width of the uniform jitter, as a share of the scheduler's timesteps."""
    delta: int = 80
    """Length of the interval, in timesteps."""
    train_timesteps: int = 1000
    """Timesteps of the scheduler."""

    def interval(self, step: int, steps: int, generator: torch.Generator) -> Interval:
        """See ``TimestepSchedule``."""
        level = self.first + (self.last - self.first) * step / max(steps - 1, 1)
        level += self.jitter * (2.0 * float(torch.rand((), generator=generator)) - 1.0)
        timestep = round(level * self.train_timesteps)
        return Interval(min(max(timestep, 1), self.train_timesteps - 1), self.delta)

    def lowered(self, strength: float) -> AnnealedTimesteps:
        """See ``TimestepSchedule``; these are the levels of the last ``strength`` of a whole run."""
        return replace(self, first=self.last + strength * (self.first - self.last))
