# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces that share texels: overlapping, stacked and mirrored UVs, and UVs that wrap onto each other.

A texel has one colour, that of the surface that owns it in ``texels``; the other surfaces there, its guests, show it
too. So the colour of any pixel is that of the owner's point with the same UV (modulo 1). When the field is asked
there, the views of all surfaces that show a texel pull on one colour. Owners are found by place and not by texel, so
the size of the texture does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh, face_vectors, points_on, uv_areas
from .uv_layers import UvLayers, downward

_SAMPLES_PER_SIDE = 512
"""Samples along the unit square: overlaps narrower than that may be missed."""
_MOST_SAMPLES = 1 << 20
"""About so many at most, for UVs that cover the unit square often."""
_INSIDE = (0.412, 0.307, 0.281)
"""Where in its part of a triangle a sample lies: not in the middle, lest it fall on edges of the mirrored triangle."""
_CHUNK = 1 << 18
"""Points looked at in one go."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Guests:
    """G points spread evenly over the surfaces that show the texels of others."""

    triangle: NDArray[np.int32]
    """[G]."""
    position: NDArray[np.float32]
    """[G, 3]."""
    place: NDArray[np.float32]
    """[G, 2] where in the texture they are, in [0, 1], x right and y down."""


@dataclass(frozen=True)
class Overlap:
    """Who shows whose texels on a mesh on which surfaces share some."""

    mesh: Mesh
    """The mesh."""
    layers: UvLayers
    """Its UV layout."""
    shared: float
    """Share of the surface, by area, whose texels are shown elsewhere on the surface too."""
    mirrored: float
    """Share of the surface that shows the texels of another part the other way round; at most ``shared``."""
    guests: Guests
    """What does not own its texels."""

    def owners(
        self, triangle: NDArray[np.int32], barycentric: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The points whose colours the points ``barycentric`` [N, 3] on the triangles ``triangle`` [N] show.

        Returns:
            Triangles [N] and barycentric coordinates [N, 3]; the points have the same UVs, modulo 1.
        """
        owner, weights = triangle.copy(), barycentric.copy()
        for start in range(0, len(triangle), _CHUNK):
            part = slice(start, start + _CHUNK)
            _, place = _turns_and_places(self.mesh, triangle[part], barycentric[part])
            layer = self.layers.first(place)
            # A surface without area in the layout may lie where no layer is; it has its texels to itself.
            hit = np.flatnonzero(layer >= 0)
            inside = self.layers.barycentric(layer[hit], place[hit]).clip(0.0, 1.0)
            owner[start + hit] = self.layers.triangle[layer[hit]]
            weights[start + hit] = inside / inside.sum(-1, keepdims=True)
        return owner, weights

    def colour_positions(self, triangle: NDArray[np.int32], barycentric: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where to ask the field for the colours of the points ``barycentric`` [N, 3] on ``triangle`` [N]: [N, 3]."""
        return points_on(self.mesh, *self.owners(triangle, barycentric))[0]

    def message(self) -> str | None:
        """What the user should know; ``None`` while it is too little to notice."""
        if round(100.0 * self.shared) < 1:
            return None
        mirrored = " (mirrored)" if round(100.0 * self.mirrored) >= 1 else ""
        return (
            f"{100.0 * self.shared:.0f} % of the surface shares its texture with other parts{mirrored}; "
            "they are painted together"
        )


def uv_report(overlap: Overlap | None, tiles: int) -> dict[str, float]:
    """For the report: shares of the surface that are ``shared`` and ``mirrored``, and the number of ``tiles``."""
    shared, mirrored = (0.0, 0.0) if overlap is None else (overlap.shared, overlap.mirrored)
    return {"shared": round(shared, 4), "mirrored": round(mirrored, 4), "tiles": tiles}


def find_overlap(mesh: Mesh) -> Overlap | None:
    """Look for surfaces that share texels; those whose UVs merely touch, as neighbours do along an edge, do not.

    Returns:
        ``None`` when every surface has its texels to itself.
    """
    layers = UvLayers(mesh.corner_uvs)
    if not len(layers.triangle):
        return None
    areas = np.linalg.norm(face_vectors(mesh), axis=-1) / 2.0
    winding = _windings(mesh.corner_uvs)
    shared = mirrored = 0.0
    found: list[Guests] = []
    for triangle, barycentric, weight in _samples(mesh):
        turn, place = _turns_and_places(mesh, triangle, barycentric)
        first = layers.first(place)
        guest = layers.is_other(first, triangle, turn, place)
        shares = guest | layers.is_other(layers.last(place), triangle, turn, place)
        turned = guest & (winding[layers.triangle[first]] != winding[triangle])
        area = areas[triangle] * weight
        shared += float(area[shares].sum())
        mirrored += float(area[turned].sum())
        position, _ = points_on(mesh, triangle[guest], barycentric[guest])
        found.append(Guests(triangle[guest], position, place[guest].astype(np.float32)))
    if shared == 0.0:
        return None
    guests = Guests(
        triangle=np.concatenate([part.triangle for part in found]),
        position=np.concatenate([part.position for part in found]),
        place=np.concatenate([part.place for part in found]),
    )
    total = float(areas.sum())
    return Overlap(mesh, layers, shared / total, mirrored / total, guests)


def _turns_and_places(
    mesh: Mesh, triangle: NDArray[np.int32], barycentric: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Which repeat of the texture points lie in, and where in it: [N, 2] each."""
    uv = np.einsum("nc,ncd->nd", barycentric.astype(np.float64), mesh.corner_uvs[triangle].astype(np.float64))
    place = downward(uv)
    turn = np.floor(place)
    return turn, place - turn


def _samples(mesh: Mesh) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32], Floats]]:
    """Points spread evenly over the UV layout, at least one a triangle, in chunks.

    Yields their triangles [N], barycentric coordinates [N, 3] and shares of their triangles [N]. A triangle is cut
    into n rows of small triangles, 1, 3, 5 ... to a row, with a point in each.
    """
    _, second, third = _INSIDE
    area = uv_areas(mesh.corner_uvs)
    density = min(_SAMPLES_PER_SIDE**2, _MOST_SAMPLES / max(float(area.sum()), 1e-6))
    rows = np.maximum(np.ceil(np.sqrt(area * density)), 1.0).astype(np.int64)
    ends = np.cumsum(rows * rows)
    for start in range(0, int(ends[-1]), _CHUNK):
        number = np.arange(start, min(start + _CHUNK, int(ends[-1])))
        triangle = np.searchsorted(ends, number, side="right")
        count = rows[triangle]
        number -= ends[triangle] - count * count
        row = np.sqrt(number.astype(np.float64)).astype(np.int64)
        column, flipped = np.divmod(number - row * row, 2)
        down = row + np.where(flipped, third, second + third)
        right = column + np.where(flipped, second + third, third)
        barycentric = np.stack([count - down, down - right, right], axis=-1) / count[:, None]
        yield triangle.astype(np.int32), barycentric.astype(np.float32), 1.0 / (count * count)


def _windings(corner_uvs: NDArray[np.float32]) -> Floats:
    """[T]: 1 where the triangle goes counter-clockwise in the UV layout, -1 clockwise, 0 without area."""
    corners = corner_uvs.astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.sign(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
