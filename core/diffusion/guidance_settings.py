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
