# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a model, in words."""

from __future__ import annotations

from pathlib import Path

from ...install.quantities import amount
from ...models.catalogue import KnownModel
from ...translation.translate import _


def state_text(model: KnownModel) -> str:
    """Whether it can be used: "Ready", "Missing: 10.1 GB to download" …"""
    if model.state == "wrong":
        return model.problem
    if model.state == "missing":
        text = _("{size} to download").format(size=amount(model.bytes_missing))
        if model.problem:
            text = _("{problem}; without it, {download}").format(problem=model.problem, download=text)
        if model.bytes_arrived:
            text += ", " + _("{size} have arrived").format(size=amount(model.bytes_arrived))
        return text
    return _("Ready, with {file}").format(file=Path(model.base).name) if model.base else _("Ready")


def needs_text(model: KnownModel) -> str:
    """Which device it needs, and its licences: "For a graphics card with 8 GB · MIT"."""
    if not model.licences:
        return _("For the processor or any graphics card")
    card = _("For a graphics card with {size} GB").format(size=round(model.memory_bytes / 2**30))
    return " · ".join([card, *dict.fromkeys(licence["name"] for licence in model.licences)])


def state_icon(model: KnownModel) -> str:
    """The icon before it."""
    return {"ready": "CHECKMARK", "missing": "IMPORT"}.get(model.state, "ERROR")
