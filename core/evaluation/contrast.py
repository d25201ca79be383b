# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a texture is as sharp as its size: its contrast octave by octave, over that of its style image.

Small square pieces of the surface are looked at straight on, a pixel for each texel, and split into octaves; the same
is done with pieces of the style image at the size that it has on the object. A quotient of 1 in an octave is the
picture's own contrast there; blur is less, and noise is more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab

from ..detail.exemplar import resized, sample
from ..detail.surface_graph import surface_graph
from ..geometry.mesh import Mesh
from ..geometry.texels import texel_side
from ..results.preview import uv_colours
from ..views.embree import EmbreeRasteriser

OCTAVES = ("2 to 4", "4 to 8", "8 to 16")
"""Wavelengths in texels."""
_SIDE = 40
"""Side of a piece in texels."""
_MARGIN = 8
"""Texels at its border that the filters blur with what is beyond."""
_PIECES = 300
_TRIED = 4
"""Times as many places are tried: at most pieces the surface ends or bends away."""
_HEIGHT = 8.0
"""Texels above the surface from which a piece is looked at, and from which it may bend away."""
_STEEP = 0.8
"""Least cosine to the surface seen, for a texel to be about as large as it is."""
_SEED = 20261127

Floats = NDArray[np.float32]


def measure_contrast(mesh: Mesh, texture: NDArray[np.uint8], picture: Image.Image, extent: float) -> list[float] | None:
    """Contrast of a texture over that of its style image in each of ``OCTAVES``.

    Args:
        mesh: normalised.
        texture: [S, S, 3] sRGB.
        picture: the style image.
        extent: how much of the mesh the picture's shorter side covers.

    Returns:
        The quotients, or ``None`` where no piece of the surface is flat enough, or the picture is plain.
    """
    texel = texel_side(mesh, len(texture))
    pieces = surface_pieces(mesh, texture, texel)
    own = _contrast(picture_pieces(picture, extent / texel))
    if not len(pieces) or min(own) < 1e-3:
        return None
    return [float(made / there) for made, there in zip(_contrast(pieces), own, strict=True)]


def surface_pieces(mesh: Mesh, texture: NDArray[np.uint8], texel: float) -> Floats:
    """[n, side, side, 3] in [0, 1]: pieces of the textured surface, seen from right above, ``texel`` a pixel."""
    generator = np.random.default_rng(_SEED)
    graph = surface_graph(mesh, 0.05, 1, generator)
    chosen = generator.integers(len(graph.position), size=_PIECES * _TRIED)
    across, down = np.meshgrid(*2 * [(np.arange(_SIDE) - (_SIDE - 1) / 2.0) * texel])
    middle = graph.position[chosen] + _HEIGHT * texel * graph.normal[chosen]
    right, up = graph.right[chosen], graph.up[chosen]
    origins = (middle[:, None] + across.ravel()[:, None] * right[:, None] - down.ravel()[:, None] * up[:, None]).astype(
        np.float32
    )
    directions = np.broadcast_to(-graph.normal[chosen][:, None], origins.shape)
    triangle, barycentric, distance = EmbreeRasteriser(mesh).cast(
        origins.reshape(-1, 3), np.ascontiguousarray(directions).reshape(-1, 3)
    )
    hit = (triangle >= 0) & (distance < 2.0 * _HEIGHT * texel)
    normal = np.einsum("nk,nkc->nc", barycentric, mesh.corner_normals[triangle])
    straight = np.abs((normal * directions.reshape(-1, 3)).sum(-1)) > _STEEP
    whole = (hit & straight).reshape(len(chosen), -1).all(axis=1)
    seen = np.repeat(whole, _SIDE * _SIDE)
    colours = uv_colours(mesh, texture, triangle[seen], barycentric[seen])
    return colours.reshape(-1, _SIDE, _SIDE, 3)[:_PIECES]


def picture_pieces(picture: Image.Image, shorter: float) -> Floats:
    """[n, side, side, 3] in [0, 1]: pieces of a picture whose shorter side is resized to ``shorter`` pixels.

    They begin between its pixels, as those of the surface do between texels.
    """
    generator = np.random.default_rng(_SEED)
    image = resized(picture.convert("RGB"), max(round(shorter), _SIDE + 1))
    down, across = np.mgrid[:_SIDE, :_SIDE]
    room = np.array([image.shape[1] - _SIDE, image.shape[0] - _SIDE])
    corner = generator.random((_PIECES, 2)) * room
    place = corner[:, None, None] + np.stack([across, down], axis=-1)
    return sample(image, place.astype(np.float32))


def _contrast(pieces: Floats) -> Sequence[float]:
    """Root mean square of each octave in CIELAB, over all pieces."""
    lab: NDArray[np.float64] = rgb2lab(pieces)
    inner = slice(_MARGIN, -_MARGIN)
    blurred = [gaussian_filter(lab, (0, width, width, 0)) for width in (1.0, 2.0, 4.0)]
    finer = [lab, *blurred[:-1]]
    return [
        float(np.sqrt(np.square((fine - coarse)[:, inner, inner]).mean()))
        for fine, coarse in zip(finer, blurred, strict=True)
    ]
