# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to do a job's steps in more or less memory."""

from __future__ import annotations

from dataclasses import replace

from ..models.model_profile import ModelProfile
from .device_choice import MemoryNeed, MemoryPlan, memory_bytes

CARD_SIZES = (4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 80)
"""Memory of the usual graphics cards, in GB as on the box."""
CARD_IN_USE = 0.7
"""GiB of it that driver and desktop have."""


def memory_need(model: ModelProfile, views: int, resolution: int | None = None) -> MemoryNeed:
    """What a job with ``views`` views a step needs: all of them at once, else one after the other, which is the same
    sum in a little more time, else smaller ones as well.

    Args:
        model: its profile.
        views: of a step.
        resolution: their side in pixels, if it is not the model's own choice.
    """
    plans = [MemoryPlan(model.peak_values(views, resolution))]
    if views > 1:
        plans.append(MemoryPlan(model.peak_values(1, resolution), views_at_once=1))
    if resolution is None:
        for side in model.smaller_resolutions:
            plans.append(MemoryPlan(model.peak_values(1, side), views_at_once=1, view_side=side))
    need = MemoryNeed(model.name, tuple(plans), model.resting, model.shipped)
    return replace(need, least_card=least_card(need))


def least_card(need: MemoryNeed) -> int:
    """The smallest of ``CARD_SIZES`` that does a job in half precision in any way; the largest, if none does."""
    least = min(memory_bytes(plan.values, "float16") for plan in need.plans) / 2**30
    return next((size for size in CARD_SIZES if size - CARD_IN_USE >= least), CARD_SIZES[-1])
