# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a result is nearest to its own style among several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rank:
    """Where a result's own style stands among all."""

    place: int
    """1 when no other style is as near."""
    own: float
    """Distance to its own style."""
    nearest_other: float
    """Distance to the nearest other style."""


def rank_own(distances: Mapping[str, float], own: str) -> Rank:
    """Rank a result.

    Args:
        distances: from the result to each style, two at least.
        own: the style that it was made in. An equally near one counts as nearer.
    """
    others = [distance for style, distance in distances.items() if style != own]
    place = 1 + sum(distance <= distances[own] for distance in others)
    return Rank(place, distances[own], min(others))
