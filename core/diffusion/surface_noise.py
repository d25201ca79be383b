# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussian noise that lies on the surface: the same at a place in every view and at every step.

With fresh noise at every step each view asks for another of the pictures that the model could paint, and their mean is
plain. With noise that stays where it is, all steps ask for the same one (consistent flow distillation, Yan et al. 2025,
arXiv 2501.05445, §4): as the noise level falls, score distillation then follows the path of a DDIM sample.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..views.step_views import Views
from .guidance_settings import INDEPENDENT_CELLS

_ENTRIES = 1 << 18
"""Cells that have noise of their own; more of them share it by a hash."""
_PRIMES = (1, 2654435761, 805459861)
"""Instant-NGP's (Müller et al. 2022, eq. 4)."""
_LEVEL_PRIME = 3674653429
_NOMINAL_WIDTH = 2.2
"""What a view of the whole object shows at the object's distance, in units of the normalised mesh."""


class SurfaceNoise:
    """Noise of the cells of a grid in space, summed over what each pixel of the latents shows of them."""

    def __init__(self, seed: int, channels: int, cells: float = INDEPENDENT_CELLS) -> None:
        """Draw it, for latents with ``channels`` channels; the same for the same seed.

        In views of the whole object there are ``cells`` of the grid along the side of a latent pixel.
        """
        self._cells = cells
        self._table = torch.randn(_ENTRIES, channels, generator=torch.Generator().manual_seed(seed))

    def of(self, views: Views, side: int, generator: torch.Generator) -> Tensor:
        """The noise in ``views``: float32 [B, C, side, side] on the CPU, every number standard normal.

        Views from nearer by have cells of a half to a quarter of the size and so on, with noise of their own.

        Args:
            views: B views of H by W pixels.
            side: of the latents; divides H and W.
            generator: of the CPU; draws the noise of the background, which belongs to no surface.
        """
        count, height, width = views.shape
        factor = height // side
        pixels, weights, positions = views.pixels.cpu(), views.weights.cpu(), views.positions.cpu()
        view, place = pixels.div(height * width, rounding_mode="floor"), pixels % (height * width)
        row, column = place.div(width, rounding_mode="floor") // factor, (place % width) // factor
        latent = (view * side + row) * side + column
        level = _levels(positions, pixels, view, count, height)[view]
        cells = (positions / (_NOMINAL_WIDTH / (self._cells * side) * 2.0 ** level.float())[:, None]).floor().long()
        mixed = level * _LEVEL_PRIME
        for axis, prime in enumerate(_PRIMES):
            mixed = mixed ^ (cells[:, axis] * prime)
        # The sum over a pixel of its cells' noise, each times its area: of variance 1 when divided by the root of the
        # sum of the squared areas.
        pairs, pair = torch.unique(latent * _ENTRIES + mixed % _ENTRIES, return_inverse=True)
        areas = weights.new_zeros(len(pairs)).index_add_(0, pair, weights)
        where, values = pairs.div(_ENTRIES, rounding_mode="floor"), self._table[pairs % _ENTRIES]
        background = torch.randn(count * side * side, values.shape[1], generator=generator)
        rest = areas.new_full((len(background),), float(factor * factor)).index_add_(0, where, -areas).clamp_min_(0.0)
        total = (rest[:, None] * background).index_add_(0, where, areas[:, None] * values)
        squares = rest.square().index_add_(0, where, areas.square())
        noise = total / squares.sqrt()[:, None]
        return noise.reshape(count, side, side, -1).permute(0, 3, 1, 2).contiguous()


def _levels(positions: Tensor, pixels: Tensor, view: Tensor, count: int, height: int) -> Tensor:
    """int64 [B]: how many times as wide, as a power of two, a pixel at the surface is as in a view of the whole."""
    levels = torch.zeros(count, dtype=torch.int64)
    neighbours = pixels[1:] - pixels[:-1] == 1
    apart = (positions[1:] - positions[:-1]).norm(dim=-1)
    for number in range(count):
        inside = apart[neighbours & (view[1:] == number) & (view[:-1] == number)]
        # The shortest are those seen straight on; where edges are smoothed, some lie in one pixel.
        if len(inside) > 0 and (width := float(inside.quantile(0.2))) > 0.0:
            levels[number] = round(math.log2(width * height / _NOMINAL_WIDTH))
    return levels
