# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a model, in words."""

from __future__ import annotations

from pathlib import Path

from ...install.quantities import amount
from ...models.catalogue import KnownModel
from ...translation.translate import _

_CARDS = (4, 6, 8, 12, 16, 24, 32, 48, 80)
"""Gigabytes of memory that graphics cards have."""
_TAKEN = 0.7
"""Of them what the system and its windows have, as docs/evaluation.md counts it."""


def state_text(model: KnownModel) -> str:
    """Whether it can be used: "Ready", "Missing: 10.1 GB to download" …"""
    if model.state == "wrong":
        return model.problem
    if model.state == "missing":
        text = _("{size} to download").format(size=amount(model.bytes_missing))
        if model.bytes_arrived:
            text += ", " + _("{size} have arrived").format(size=amount(model.bytes_arrived))
        return text
    return _("Ready, with {file}").format(file=Path(model.base).name) if model.base else _("Ready")


def needs_text(model: KnownModel) -> str:
    """Which device it needs, and its licences: "For a graphics card with 8 GB · MIT"."""
    if not model.licences:
        return _("For the processor or any graphics card")
    need = model.memory_bytes / 2**30
    size = next((size for size in _CARDS if need + _TAKEN <= size), round(need))
    card = _("For a graphics card with {size} GB").format(size=size)
    return " · ".join([card, *dict.fromkeys(licence["name"] for licence in model.licences)])


def state_icon(model: KnownModel) -> str:
    """The icon before it."""
    return {"ready": "CHECKMARK", "missing": "IMPORT"}.get(model.state, "ERROR")
