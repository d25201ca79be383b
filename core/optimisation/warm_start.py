# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a run begins: one DDIM sample in many views at once, painted into the field as it comes into being.

With noise that stays on the surface (``core.diffusion.surface_noise``) a DDIM sample of a view is a path of images
without noise (Yan et al. 2025, arXiv 2501.05445, §4): with ``l = sqrt((1 - abar) / abar)`` a step from ``t`` to ``t'``
moves the latents ``x`` by ``(l(t') - l(t)) (e - noise)``, where ``e`` is the guided prediction at ``x`` with its noise.
Here ``x`` are the field's renders from all sides. After each step the field is fitted to where they should be, so that
what one view paints is seen by the others at the next.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..diffusion.guidance import guided_noise, noised
from ..geometry.overlap import Overlap
from ..reporting import Cancelled, Reporter
from ..views.camera_plan import CameraPlan
from ..views.cameras import ViewSampling
from ..views.published_cameras import PublishedSampling
from ..views.rasteriser import Rasteriser
from ..views.step_views import Views, average_down, step_views
from .objective import Distillation, plain_backgrounds
from .presets import OptimisationSettings, WarmStartSettings
from .step_generator import step_generator

_EDGE_POWER = 3.0
"""Points count by the covered share of their pixel to this power."""
_THREADS = 2
"""That look at views on a processor."""
_NO_STEP = 2**32
"""Number of a step that no run has."""


def whole_views(settings: OptimisationSettings) -> ViewSampling | PublishedSampling:
    """The views of a run without its close-ups, which the diffusion model knows least."""
    views = settings.views
    return replace(views, close_ups=0.0) if isinstance(views, ViewSampling) else views


def warm_start(
    field: nn.Module,
    rasteriser: Rasteriser,
    plan: CameraPlan,
    distillation: Distillation,
    settings: OptimisationSettings,
    seed: int,
    reporter: Reporter,
    overlap: Overlap | None = None,
    where: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """Paint ``field`` (any, with parameters) in place; the same for the same seed.

    Args:
        field: on the device to compute on.
        rasteriser: of the normalised mesh.
        plan: of ``whole_views``; the cameras of its first steps are used.
        distillation: the diffusion model and what it is told.
        settings: of the run, with a ``warm_start``.
        seed: of the whole run; its random numbers are those of no step.
        reporter: told of every step, asked before every one whether to go on.
        overlap: which surfaces of the mesh share texels, ``None`` for none.
        where: how much the points at positions [N, 3] count, [N] in [0, 1]; ``None`` for all alike.

    Raises:
        Cancelled: ``reporter`` said so.
    """
    warm = settings.warm_start
    if warm is None:
        return
    device = next(field.parameters()).device
    generator = step_generator(seed, _NO_STEP)
    pairs = range(warm.views // settings.views.views_per_step)
    coming = step_views(rasteriser, plan, pairs, settings.resolution, settings.supersampling, overlap)
    seen = [_Seen(views.to(device), distillation, settings, warm, generator, where) for views in coming]
    optimiser = torch.optim.Adam(field.parameters(), lr=warm.learning_rate, betas=settings.betas, eps=1e-15, fused=True)
    levels = torch.linspace(warm.first * distillation.networks.alphas_cumprod.shape[0], 0.0, warm.steps + 1)
    levels = levels.round().int().tolist()
    # A small model keeps no more than one core busy.
    with ThreadPoolExecutor(_THREADS if device.type == "cpu" else 1, "views") as threads:
        for step, (here, there) in enumerate(pairwise(levels)):
            if reporter.should_cancel():
                raise Cancelled
            looks = [threads.submit(views.look, field, here, there, whole_way=step == 0) for views in seen]
            for look in looks:
                look.result()
            _fit(field, optimiser, seen, warm, generator)
            reporter.progress(step + 1, warm.steps, None)
    lost = float(torch.stack([views.lost for views in seen]).mean()) / warm.steps
    if lost > 0.0:
        reporter.warning(
            "non_finite", f"The model had no finite answer for {lost:.2%} of the sketch, which kept its colours there"
        )


class _Seen:
    """Views of one pair, and where their colours should go."""

    def __init__(
        self,
        views: Views,
        distillation: Distillation,
        settings: OptimisationSettings,
        warm: WarmStartSettings,
        generator: torch.Generator,
        where: Callable[[Tensor], Tensor] | None,
    ) -> None:
        self._views, self._distillation, self._settings = views, distillation, settings
        self._backgrounds = plain_backgrounds(settings.background, views.shape[0], generator).to(views.positions)
        noise = distillation.surface_noise.of(
            views, settings.resolution // distillation.networks.latent_factor, generator
        )
        self._noise = noise.to(views.positions.device)
        _, height, width = views.shape
        facing = views.towards_viewer[views.pixels.div(height * width, rounding_mode="floor")]
        cosine = (views.normals * facing).sum(-1).clamp_min(0.0)
        covered = views.weights.new_zeros(views.shape[0] * height * width).index_add_(0, views.pixels, views.weights)
        covered = average_down(covered.reshape(-1, 1, height, width), settings.supersampling)
        # Pixels at the edge change with the background too.
        inside = functional.interpolate(covered, size=(height, width)).flatten()[views.pixels] ** _EDGE_POWER
        self.weights = views.weights * inside * cosine**warm.facing_power
        if where is not None:
            self.weights = self.weights * where(views.positions)
        """[N] how much each point counts in the fit."""
        self.positions = views.positions
        """[N, 3] world space."""
        self.target = torch.zeros_like(views.positions)
        """[N, 3] the colours that they should have, in [0, 1]."""
        self.lost = views.positions.new_zeros(())
        """Shares of points for which the model had no finite answer, summed over the looks; on the device."""

    @torch.no_grad()
    def look(self, field: nn.Module, here: int, there: int, whole_way: bool) -> None:
        """Set ``target`` for the step from timestep ``here`` to ``there``; ``whole_way`` goes to the estimate of the
        end, from wherever the field is.
        """
        views, networks, settings = self._views, self._distillation.networks, self._settings
        abar = networks.alphas_cumprod
        colours = field(views.positions)
        x = networks.encode(average_down(views.render(colours, self._backgrounds), settings.supersampling))
        e = guided_noise(
            networks,
            noised(x, self._noise, abar[here]),
            here,
            self._distillation.conditioning.rows(views.directions),
            views.control_images,
            settings.controls.at(0),
            settings.guidance,
        )
        way = ((1.0 - abar[here]) / abar[here]).sqrt()
        if not whole_way:
            way = way - ((1.0 - abar[there]) / abar[there]).sqrt()
        # The change alone: what neither VAE nor pixels can reproduce, edges above all, stays as it is.
        change = networks.decode(x - way * (e - self._noise)) - networks.decode(x)
        target = (colours + self._at_points(change)).clamp(0.0, 1.0)
        # Where the model has no finite answer (half precision overflows) the colours stay; one that is not finite would
        # spread through the whole field.
        self.target = torch.where(torch.isfinite(target), target, colours)
        self.lost = self.lost + 1.0 - torch.isfinite(target).float().mean()

    def _at_points(self, images: Tensor) -> Tensor:
        """[N, 3] of [B, 3, h, w], by bilinear interpolation."""
        whole = functional.interpolate(images, size=self._views.shape[1:], mode="bilinear")
        return whole.permute(0, 2, 3, 1).reshape(-1, 3)[self._views.pixels]


def _fit(
    field: nn.Module,
    optimiser: torch.optim.Adam,
    seen: list[_Seen],
    warm: WarmStartSettings,
    generator: torch.Generator,
) -> None:
    """Take ``field`` to the targets of all views; where they differ, to their mean by weight."""
    positions = torch.cat([views.positions for views in seen])
    targets = torch.cat([views.target for views in seen])
    until = torch.cat([views.weights for views in seen]).double().cpu().cumsum(0)
    for _ in range(warm.updates):
        lots = torch.rand(warm.points, dtype=torch.float64, generator=generator) * until[-1]
        chosen = torch.searchsorted(until, lots).clamp_max(len(until) - 1).to(positions.device)
        loss = (field(positions[chosen]) - targets[chosen]).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
