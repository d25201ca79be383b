# SPDX-License-Identifier: GPL-3.0-or-later
"""A texture field that is the present colour outside of a region, whatever becomes of the field inside.

So renders show the whole object to the diffusion model, and every gradient ends at the region's border.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor, nn

from ..geometry.mesh import points_on
from ..geometry.texels import texel_map
from .region import Region, barycentric_of

_POINTS = 1 << 13
"""Points of the region beside those of the map, lest a small one have next to none."""
_MANY = 1 << 15
"""Points from which on it is worth while to look on several cores."""

Colours = Callable[[NDArray[np.int32], NDArray[np.float32]], NDArray[np.float32]]
"""Present colours [N, 3] in [0, 1] at barycentric coordinates [N, 3] of triangles [N]."""


class Surroundings:
    """Weights and present colours of a surface, looked up by the nearest of its points."""

    def __init__(self, region: Region, colours: Colours, side: int) -> None:
        """Look at the texels of a map ``side`` texels wide, and at more points of the region."""
        texels = texel_map(region.mesh, side)
        more, barycentric = region.sample(_POINTS)
        triangle = np.concatenate([texels.triangle, more])
        positions = np.concatenate([texels.position, points_on(region.mesh, more, barycentric)[0]])
        barycentric = np.concatenate([barycentric_of(region.mesh, texels.triangle, texels.position), barycentric])
        weights = np.zeros(len(triangle), dtype=np.float32)
        some = np.flatnonzero(region.members[triangle])
        some = some[region.own(triangle[some], barycentric[some])]
        weights[some] = region.at(triangle[some], positions[some])
        self._weights, self._colours = weights, colours(triangle, barycentric).astype(np.float32)
        self._tree: Any = KDTree(positions)

    def __call__(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Weights [N] and colours [N, 3] at positions [N, 3], on their device."""
        looked = positions.detach().cpu().numpy()
        _, nearest = self._tree.query(looked, workers=-1 if len(looked) > _MANY else 1)
        weight, colour = torch.from_numpy(self._weights[nearest]), torch.from_numpy(self._colours[nearest])
        return weight.to(positions), colour.to(positions)

    def __deepcopy__(self, _memo: dict[int, Any]) -> Surroundings:
        return self


class RegionField(nn.Module):
    """The present colours, and over them those of another field by the region's weight."""

    def __init__(self, inner: nn.Module, surroundings: Surroundings) -> None:
        """``inner`` gives colours [N, 3] in [0, 1] at positions [N, 3]; its parameters are these, too."""
        super().__init__()
        self.inner = inner
        self._surroundings = surroundings

    def forward(self, positions: Tensor) -> Tensor:
        """sRGB-encoded colours [N, 3] in [0, 1] at ``positions`` [N, 3], with gradient to ``inner`` in the region."""
        weight, present = self._surroundings(positions)
        # Where nothing counts there is nothing to compute.
        some = weight.nonzero()[:, 0]
        change = weight[some, None] * (self.inner(positions[some]) - present[some])
        return present.index_add(0, some, change)

    def weight(self, positions: Tensor) -> Tensor:
        """How much ``inner`` counts at ``positions`` [N, 3]: [N] in [0, 1]."""
        return self._surroundings(positions)[0]
