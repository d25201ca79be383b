# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the guidance, apart from it so that choosing a preset does not load diffusers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GuidanceSettings:
    """How the predictions are made and weighed."""

    text_scale: float
    """``c_text``: weight of prompt minus content caption."""
    style_scale: float
    """``c_style``: weight of the style image."""
    inversion_stride: int = 200
    """Timesteps between two DDIM inversion steps on the way to ``s``."""
    inversion_steps: int = 5
    """Most inversion steps on the way to ``s``; the stride is longer where it would take more."""
    gradient_scale: float = 0.1
    """Factor of the whole gradient."""


@dataclass(frozen=True)
class ControlSchedule:
    """How strongly each ControlNet speaks, in the order of the profile."""

    scales: tuple[float, ...]
    """Weights at first."""
    late_scales: tuple[float, ...]
    """Weights from ``late_step`` on."""
    late_step: int
    """First step with the late weights."""

    def at(self, step: int) -> tuple[float, ...]:
        """The weights of ``step`` (0-based)."""
        return self.late_scales if step >= self.late_step else self.scales
