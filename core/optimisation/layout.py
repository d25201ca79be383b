# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds the object's present layout of light and dark while it is restyled."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .present_color import PresentColor

LAYOUT_POINTS = 1 << 13
"""Points of the surface whose lightness is compared in one step."""
LAYOUT_CELL = 0.2
"""Side of the cells whose mean lightness is held, in units of the normalised mesh; smaller things may change."""
LAYOUT_WEIGHT = 6.0
"""Weight of the pull at strength 0."""

_LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue (ITU-R BT.709) in the luma of sRGB values."""


class Layout:
    """Holds lightness in its places over the object while colours and strokes change."""

    def __init__(self, field: nn.Module, present: PresentColor, strength: float) -> None:
        """Compare ``field``, as it is at each call, with the present colour; the pull falls as ``strength`` rises."""
        self._field = field
        self._present = present
        self.weight = LAYOUT_WEIGHT * (1.0 - strength)
        """Weight of the term beside the others."""

    def loss(self, generator: torch.Generator) -> Tensor:
        """Half the mean square by which the luma of places differs from what it was, over the surface.

        A place is what lies in one cell of a grid and faces the same side, so that the two sides of a wall are two.
        The mean over the surface is taken out: how light the whole is, is the style's.

        Args:
            generator: of the CPU; draws the points.

        Returns:
            A scalar with gradient to the field.
        """
        positions, normals, colours = self._present.sample(LAYOUT_POINTS, generator)
        place = _places(positions, normals)
        now = self._field(positions.to(next(self._field.parameters()).device))
        difference = (now - colours.to(now.device)) @ now.new_tensor(_LUMA)
        difference = difference - difference.mean()
        count = torch.bincount(place)
        sums = difference.new_zeros(len(count)).index_add(0, place.to(now.device), difference)
        return 0.5 * (sums.square() / count.to(now.device)).sum() / len(positions)


def _places(positions: Tensor, normals: Tensor) -> Tensor:
    """int64 [N]: numbers of the places of points, from 0 without gaps."""
    axis = normals.abs().argmax(dim=1, keepdim=True)
    side = 2 * axis + (normals.gather(1, axis) < 0.0)
    cells = torch.cat([(positions / LAYOUT_CELL).floor().long(), side], dim=1)
    return torch.unique(cells, dim=0, return_inverse=True)[1]
