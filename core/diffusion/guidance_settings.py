# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the guidance, apart from it so that choosing a preset does not load diffusers."""

from __future__ import annotations

from dataclasses import dataclass

INDEPENDENT_CELLS = 5.0
"""Cells of the surface noise along the side of a latent pixel with which neighbouring pixels have next to nothing in
common. With two it is a tenth: the model takes that for the picture's, not for noise, and since it stays the same, step
after step drives the colours further.
"""


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
    noised_start: bool = True
    """Whether the inversion starts from ``z0`` with the noise of timestep 0, as in LucidDreamer's own code, or from
    ``z0`` itself, as in its paper. The networks never saw an input without noise: their first prediction for it is no
    noise, and with too little of it ``z_t`` is nothing they know either."""
    gradient_scale: float = 0.1
    """Factor of the whole gradient."""
    content_negative: bool = True
    """Whether the text moves away from what the style image shows; without, from the negative prompt. To see what it
    does."""
    interval_matching: bool = True
    """Whether ``e_s`` and ``z_t`` come from DDIM inversion; without, both come from the step's one Gaussian draw, as in
    score distillation sampling (Poole et al. 2023, eq. 3)."""
    surface_noise: bool = False
    """Whether the Gaussian draw lies on the surface, the same in all views and steps; see
    ``core.diffusion.surface_noise``. Together with no ``interval_matching`` it is consistent flow distillation (Yan et
    al. 2025, arXiv 2501.05445)."""
    noise_cells: float = INDEPENDENT_CELLS
    """Cells of that noise along the side of a latent pixel."""
    reference_quirks: bool = False
    """Compute what the public reference code computes, which differs from the paper in four points.

    1. ``e_s`` is the prediction of the last inversion step before ``s``, not the one at ``s``.
    2. The ControlNets see the text without its last four tokens.
    3. In the ``e_content`` row and during the inversion the image prompt is on, with the zero embedding.
    4. Timestep index ``i`` is timestep ``i + 1``, and the inversion starts from ``z0`` noised at index 0.

    For comparison with that code only: the gradient differs by a few per cent.
    """


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
