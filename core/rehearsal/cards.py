# SPDX-License-Identifier: GPL-3.0-or-later
"""What graphics cards of the usual sizes do with the models that need one."""

from __future__ import annotations

from ..devices.device_choice import Device, choose
from ..devices.memory_need import CARD_IN_USE, memory_need
from ..job import JobError
from ..models.profiles import profile

SIZES = (6, 8, 12, 16, 24)
"""GB on the box."""
VIEWS = 2
"""Of a step, in all presets but ``paper``."""
_MODELS = ("sd15", "sdxl")


def as_table() -> str:
    """A Markdown table: one row a card, one column a model."""
    titles = " | ".join(profile(name).title for name in _MODELS)
    lines = [f"| card | free | {titles} |", f"|---:|---:|{'---|' * len(_MODELS)}"]
    for size in SIZES:
        total, free = int((size - 0.25) * 2**30), int((size - CARD_IN_USE) * 2**30)
        card = Device("cuda", f"card of {size} GB", total, (8, 6), free_bytes=free)
        cells = " | ".join(_does(card, name) for name in _MODELS)
        lines.append(f"| {size} GB | {free / 2**30:.1f} GiB | {cells} |")
    return "\n".join(lines) + "\n"


def _does(card: Device, name: str) -> str:
    need = memory_need(profile(name), VIEWS)
    try:
        plan = choose("cuda", [card], need).plan
    except JobError:
        least = need.bytes(need.plans[-1], card, "float16") / 2**30
        return f"nothing: {least:.1f} GiB are needed"
    assert plan is not None
    taken = need.bytes(plan, card, "float16") / 2**30
    return f"{plan.words or 'all views of a step at once'} ({taken:.1f} GiB)"
