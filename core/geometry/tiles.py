# SPDX-License-Identifier: GPL-3.0-or-later
"""UDIM: UVs that fill several unit squares, the tiles, with an image for each.

The tile in column u and row v has the number 1001 + u + 10 v. Everything but the images themselves works on all tiles
at once, as one layout with all of them in one unit square (``Tiles.layout``); the images are baked tile by tile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .mesh import Mesh
from .texels import TexelMap, texel_map

_COLUMNS = 10
_ROWS = 100
_SLACK = 1e-4
"""UVs this far over the border of a tile count as on it, and points so near to each other as one."""
_LOOK = 256
"""Side of the texel maps on which tiles are laid on top of each other."""
_LEAST_CLASH = 0.01
"""Share of the texels that several tiles would claim, from which one image cannot serve all tiles."""
_REPEATED = 0.9
"""Share of a tile's corners that lie on those of another, from which it is the same layout once more."""
_STRAY = 0.1
"""Share of the faces in no tile, up to which the others may be meant as UDIM."""


@dataclass(frozen=True)
class Tiles:
    """The N tiles that a mesh with T triangles uses."""

    numbers: tuple[int, ...]
    """UDIM numbers, ascending."""
    tile: NDArray[np.int64]
    """[T] which of ``numbers`` each triangle is in."""

    @property
    def places(self) -> NDArray[np.int64]:
        """[N, 2] column and row of each tile, from the bottom left."""
        return np.stack(np.divmod(np.array(self.numbers) - 1001, _COLUMNS)[::-1], axis=-1)

    @property
    def extent(self) -> int:
        """Side of the square of tiles that holds them all, from the first tile on."""
        return int(self.places.max()) + 1

    def map_side(self, side: int) -> int:
        """Side of a texel map of ``layout`` on which the tiles together have as many texels as ``side`` squared."""
        return round(side * self.extent / len(self.numbers) ** 0.5)

    def layout(self, mesh: Mesh) -> Mesh:
        """The mesh with its UVs divided by ``extent``: all tiles in the unit square."""
        place = self.places[self.tile][:, None]
        return replace(mesh, corner_uvs=((self._within(mesh) + place) / self.extent).astype(np.float32))

    def part(self, mesh: Mesh, index: int) -> Mesh:
        """The triangles of one tile, their UVs in the unit square."""
        members = self.tile == index
        return replace(
            mesh,
            triangles=mesh.triangles[members],
            corner_uvs=self._within(mesh)[members].astype(np.float32),
            corner_normals=mesh.corner_normals[members],
        )

    def in_layout(self, index: int) -> Callable[[TexelMap], TexelMap]:
        """Turns texels of ``part`` into those of ``layout``."""
        members = np.flatnonzero(self.tile == index).astype(np.int32)
        column, row = self.places[index]

        def move(texels: TexelMap) -> TexelMap:
            size = texels.size
            return replace(
                texels,
                row=texels.row + np.int32((self.extent - 1 - row) * size),
                column=texels.column + np.int32(column * size),
                triangle=members[texels.triangle],
                size=size * self.extent,
            )

        return move

    def _within(self, mesh: Mesh) -> NDArray[np.float64]:
        """UVs [T, 3, 2] counted from the tile's corner, in [0, 1]."""
        return (mesh.corner_uvs.astype(np.float64) - self.places[self.tile][:, None]).clip(0.0, 1.0)


def find_tiles(mesh: Mesh, choice: str) -> tuple[Tiles | None, str | None]:
    """Whether the UVs of a mesh are meant as UDIM.

    They are when every face lies within a tile, several tiles are used, and wrapped into one they would clash; but not
    when the tiles hold one layout again and again, as when mirrored parts are moved aside to the next tile.

    Args:
        mesh: checked.
        choice: "auto"; "one" for one image in any case; "udim" for UDIM whenever every face lies within a tile.

    Returns:
        The tiles, or ``None`` for one image that repeats; and what the user should know, or ``None``.
    """
    if choice == "one":
        return None, None
    corners = mesh.corner_uvs.astype(np.float64)
    place = np.floor(corners.mean(axis=1)).astype(np.int64)
    over = np.maximum(place[:, None] - corners, corners - place[:, None] - 1.0).max(axis=(1, 2))
    stray = (over > _SLACK) | (place < 0).any(axis=1) | (place >= (_COLUMNS, _ROWS)).any(axis=1)
    if choice == "auto" and (stray.mean() > _STRAY or len(np.unique(place[~stray], axis=0)) < 2):
        return None, None
    kept = replace(
        mesh,
        triangles=mesh.triangles[~stray],
        corner_uvs=mesh.corner_uvs[~stray],
        corner_normals=mesh.corner_normals[~stray],
    )
    numbers, tile = np.unique(1001 + place[~stray] @ (1, _COLUMNS), return_inverse=True)
    tiles = Tiles(tuple(numbers.tolist()), tile.reshape(-1))
    if choice == "auto" and (not _clash(kept, tiles) or _is_repeated(kept, tiles)):
        return None, None
    if stray.any():
        return None, (
            f"{stray.sum()} of {len(stray)} faces cross a border of the UV tiles or lie in none; "
            "so there is one image that repeats, and not one for each tile (UDIM)"
        )
    return tiles, None


def _clash(mesh: Mesh, tiles: Tiles) -> bool:
    """Whether the tiles, laid on top of each other, want the same texels."""
    claims = np.zeros((_LOOK, _LOOK), dtype=np.int64)
    for index in range(len(tiles.numbers)):
        texels = texel_map(tiles.part(mesh, index), _LOOK)
        claims[texels.row, texels.column] += 1
    return (claims > 1).sum() > _LEAST_CLASH * (claims > 0).sum()


def _is_repeated(mesh: Mesh, tiles: Tiles) -> bool:
    """Whether all tiles hold the layout of the fullest one, or parts of it."""
    fullest = int(np.bincount(tiles.tile).argmax())
    tree = KDTree(_corners(tiles.part(mesh, fullest)))
    for index in range(len(tiles.numbers)):
        distance, _ = tree.query(_corners(tiles.part(mesh, index)), distance_upper_bound=_SLACK)
        if np.isfinite(distance).mean() < _REPEATED:
            return False
    return True


def _corners(mesh: Mesh) -> NDArray[np.float32]:
    return np.unique(mesh.corner_uvs.reshape(-1, 2), axis=0)
