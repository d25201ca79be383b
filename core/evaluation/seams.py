# SPDX-License-Identifier: GPL-3.0-or-later
"""Seam error: whether the borders of the UV islands can be seen on the object.

Where two triangles share an edge in space but not in the UV layout, the colours on its two sides are compared
(CIEDE2000). Beside it, on either side, the colours of two points within the triangle are compared, as far apart in
space and in the same direction, away from the edge. The quotient of the mean differences is the error; 1 is invisible.
Around a sharp edge the way over the surface is longer than that through space: there a pattern that is wrapped around
without a seam may come to 1.4.
Where either side is hidden from everywhere, such as inside another part, no seam can be seen and none is measured;
nor is one where the texels belong to another surface that overlaps in the layout: no texture could be right there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from skimage.color import deltaE_ciede2000, rgb2lab

from ..geometry.mesh import Mesh, face_vectors, flat_normals, uv_areas
from ..geometry.overlap import Overlap, find_overlap
from ..geometry.texels import TexelMap
from ..results.coverage import Coverage

_APART_TEXELS = 2.0
"""Distance between the two points of a pair, in texels: further than bilinear look-ups blend."""
_PAIRS = 8192
"""Pairs of points, spread evenly over the length of all seams."""
_SAME_PLACE = 1e-3
"""Points nearer to one another than this, in units of the normalised mesh, are one."""
_FLOOR = 0.25
"""Added to both differences (in CIEDE2000, where 1 is just visible): of two invisible ones none is the worse."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SeamError:
    """Mean colour differences in CIEDE2000 of points the same distance apart in space."""

    seam: float | None
    """Across seams; ``None`` when no seam is large enough to measure."""
    interior: float | None
    """Inside the islands, beside the seams; likewise."""
    pairs: int
    """Pairs of points across seams."""
    places: Floats = field(repr=False, compare=False)
    """[2 * pairs, 2] where in the UV layout the points of the pairs are."""
    differences: Floats = field(repr=False, compare=False)
    """[2 * pairs] the colour difference across the seam at each."""

    @property
    def ratio(self) -> float | None:
        """The seam error; ``None`` when either side is missing."""
        if self.seam is None or self.interior is None:
            return None
        return (self.seam + _FLOOR) / (self.interior + _FLOOR)


def measure_seams(mesh: Mesh, texture: NDArray[np.uint8], coverage: Coverage) -> SeamError:
    """Compare both sides of the seams of a mesh.

    Args:
        mesh: normalised.
        texture: [H, W, 3] sRGB.
        coverage: of the same mesh; says what is hidden.
    """
    area = float(np.linalg.norm(face_vectors(mesh), axis=-1).sum()) / 2.0
    texels = float(uv_areas(mesh.corner_uvs).sum()) * texture.shape[0] * texture.shape[1]
    apart = _APART_TEXELS * float(np.sqrt(area / texels))
    first, second = _seams(mesh)
    # Going a step of 1 into either triangle parts the points by this much; folded shut, an edge parts none.
    parting = np.linalg.norm(_inward(mesh, first) - _inward(mesh, second), axis=-1)
    open_wide = parting > 0.5
    first, second, parting = first[open_wide], second[open_wide], parting[open_wide]
    edge, on_seam = _spread(_ends(mesh.positions[mesh.triangles], first))
    first, second = first[edge], second[edge]
    into_first, into_second = _inward(mesh, first), _inward(mesh, second)
    step = (apart / parting[edge])[:, None]
    triangle_one, triangle_two = first // 3, second // 3
    overlap = find_overlap(mesh)
    one = _Points(mesh, triangle_one, on_seam + step * into_first, coverage, overlap)
    two = _Points(mesh, triangle_two, on_seam + step * into_second, coverage, overlap)
    further_one = _Points(mesh, triangle_one, on_seam + (step + apart) * into_first, coverage, overlap)
    further_two = _Points(mesh, triangle_two, on_seam + (step + apart) * into_second, coverage, overlap)
    seam = _differences(texture, one, two)
    interior = np.concatenate([_differences(texture, one, further_one), _differences(texture, two, further_two)])
    usable = one.usable & two.usable
    places = np.concatenate([one.uv[usable], two.uv[usable]])
    return SeamError(_mean(seam), _mean(interior), len(seam), places, np.tile(seam, 2))


def _mean(differences: Floats) -> float | None:
    return float(differences.mean()) if len(differences) else None


def _seams(mesh: Mesh) -> tuple[Ints, Ints]:
    """Pairs of half-edges (3 * triangle + corner that it leaves) in one place in space, but not in the UV layout."""
    _, welded = np.unique(mesh.positions, axis=0, return_inverse=True)
    faces = welded.reshape(-1)[mesh.triangles]
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    _, number, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(number.reshape(-1), kind="stable")
    start = (np.cumsum(count) - count)[count == 2]
    first, second = order[start], order[start + 1]
    apart = ~_same_uvs(mesh, first, second)
    return first[apart], second[apart]


def _same_uvs(mesh: Mesh, first: Ints, second: Ints) -> NDArray[np.bool_]:
    """Whether the two half-edges also lie in one place in the UV layout."""
    uv_first, uv_second = _ends(mesh.corner_uvs, first), _ends(mesh.corner_uvs, second)
    position_first = _ends(mesh.positions[mesh.triangles], first)
    position_second = _ends(mesh.positions[mesh.triangles], second)
    crossed = (position_first[:, 0] != position_second[:, 0]).any(axis=-1)
    uv_second = np.where(crossed[:, None, None], uv_second[:, ::-1], uv_second)
    return np.all(np.abs(uv_first - uv_second) < 1e-6, axis=(1, 2))


def _ends(corners: NDArray[np.float32], half_edges: Ints) -> Floats:
    """[n, 2, d] values at the two ends of half-edges, of ``corners`` [T, 3, d]."""
    triangle, corner = np.divmod(half_edges, 3)
    return np.stack([corners[triangle, corner], corners[triangle, (corner + 1) % 3]], axis=1).astype(np.float64)


def _spread(ends: Floats) -> tuple[Ints, Floats]:
    """Points at even distances over all edges with ``ends`` [n, 2, 3]: the edge of each [k], and where it is [k, 3]."""
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1)
    until = np.cumsum(lengths)
    count = _PAIRS if len(ends) else 0
    place = (np.arange(count) + 0.5) / _PAIRS * lengths.sum()
    edge = np.searchsorted(until, place).clip(0, max(len(ends) - 1, 0))
    along = (1.0 - (until[edge] - place) / lengths[edge])[:, None]
    return edge, ends[edge, 0] * (1.0 - along) + ends[edge, 1] * along


def _inward(mesh: Mesh, half_edges: Ints) -> Floats:
    """Unit vectors [n, 3] in the plane of the triangle, from the edge into it."""
    corners = mesh.positions[mesh.triangles].astype(np.float64)
    triangle, corner = np.divmod(half_edges, 3)
    start, end = corners[triangle, corner], corners[triangle, (corner + 1) % 3]
    edge = (end - start) / np.linalg.norm(end - start, axis=-1, keepdims=True)
    away = corners[triangle, (corner + 2) % 3] - start
    away -= (away * edge).sum(-1, keepdims=True) * edge
    return away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12)


class _Points:
    """Points beside edges: where they are in the UV layout, and whether they are usable."""

    def __init__(self, mesh: Mesh, triangle: Ints, points: Floats, coverage: Coverage, overlap: Overlap | None) -> None:
        """``points`` [k, 3] lie in the planes of the triangles [k]."""
        corners = mesh.positions[mesh.triangles[triangle]].astype(np.float64)
        origin, one, two = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
        normal = np.cross(one - origin, two - origin)
        area = (normal * normal).sum(-1)
        second = (np.cross(points - origin, two - origin) * normal).sum(-1) / area
        third = (np.cross(one - origin, points - origin) * normal).sum(-1) / area
        weights = np.stack([1.0 - second - third, second, third], axis=-1)
        self.uv = np.einsum("kc,kcd->kd", weights, mesh.corner_uvs[triangle].astype(np.float64))
        """[k, 2]."""
        self.usable: NDArray[np.bool_] = np.all(weights > -1e-9, axis=-1)
        """bool [k]: in their triangles, seen from somewhere, and in texels of their own."""
        inside = self.usable.copy()
        texels = _as_texels(mesh, triangle[inside], points[inside], self.uv[inside], coverage)
        self.usable[inside] = coverage.seen_at(texels)
        if overlap is not None:
            shown = overlap.colour_positions(triangle.astype(np.int32), weights.astype(np.float32))
            self.usable &= np.linalg.norm(shown - points, axis=-1) < _SAME_PLACE


def _as_texels(mesh: Mesh, triangle: Ints, position: Floats, uv: Floats, coverage: Coverage) -> TexelMap:
    """The points [n] as texels of the coverage's own map."""
    size = coverage.texels.size
    return TexelMap(
        row=(np.floor((1.0 - uv[:, 1]) * size) % size).astype(np.int32),
        column=(np.floor(uv[:, 0] * size) % size).astype(np.int32),
        position=position.astype(np.float32),
        normal=flat_normals(mesh)[triangle],
        triangle=triangle.astype(np.int32),
        size=size,
    )


def _differences(texture: NDArray[np.uint8], one: _Points, two: _Points) -> Floats:
    """CIEDE2000 [m] between the usable points of both."""
    usable = one.usable & two.usable
    return deltaE_ciede2000(_lab_at(texture, one.uv[usable]), _lab_at(texture, two.uv[usable]))


def _lab_at(texture: NDArray[np.uint8], uv: Floats) -> Floats:
    """CIELAB [m, 3] of the texture at ``uv`` [m, 2], bilinear, repeated beyond [0, 1]."""
    height, width = texture.shape[:2]
    place = np.stack([(1.0 - uv[:, 1]) * height - 0.5, uv[:, 0] * width - 0.5])
    channels = [
        map_coordinates(texture[..., channel].astype(np.float64), place, order=1, mode="grid-wrap")
        for channel in range(3)
    ]
    return rgb2lab(np.stack(channels, axis=-1) / 255.0)
