# SPDX-License-Identifier: GPL-3.0-or-later
"""Texels that take their colours from the style images' own pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..geometry.mesh import Mesh, face_vectors
from ..geometry.overlap import Overlap
from .exemplar import LOOK_RESOLUTION, Exemplar, look_offsets, resized
from .laying_out import lay_out
from .places import find_places, rounds
from .repeats import find_lattice
from .settings import DetailSettings
from .surface_graph import SurfaceGraph, surface_graph
from .ways import in_pixels, offset

_ASKED = 3
"""Points around a texel whose places are blended."""
_BLEND = 0.25
"""Width of the blend at the border between two pieces, in texels or pixels, whichever are larger: none sees a blur."""
_TEXELS_A_PIXEL = 0.8
"""The picture is made smaller where its pixels would be less than so many texels wide: they would flicker."""
_TONE_LIMIT = 0.08
"""Differences of tone between surface and picture about this large or larger are meant as they are, and stay."""
_STROKES_ALONE = 0.5
"""Strength up to which a picture's strokes are laid over the optimised colours, and not its own colours."""
_TONE_OF_SURFACE = 0.2
"""Weight of the surface's own tone over that of a neighbour."""
_TONE_ROUNDS = 30
"""Times that tones are averaged with those of neighbours."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Detail:
    """Style images laid on a surface in pieces."""

    graph: SurfaceGraph
    exemplar: Exemplar
    place: Floats
    """[N, 2] of each of the graph's points in the exemplar."""
    tone: Floats
    """[N, 3] what to add to the picture's colours, so that one piece has the tone of the next."""
    strength: float
    """See ``DetailSettings``."""
    pixels: list[Floats]
    """[H, W, 3] each picture, no finer than the texels."""
    low: list[Floats]
    """[h, w, 3] each picture as coarse as the optimised colours."""
    blend: float
    """Width of the blend at borders, in units of the mesh."""

    def colours(self, position: Floats, normal: Floats, optimised: Floats) -> Floats:
        """Colours [M, 3] in [0, 1] for texels.

        Args:
            position: [M, 3] of the texels.
            normal: [M, 3] unit.
            optimised: [M, 3] their colours so far.
        """
        apart, number = self.graph.nearest(position, normal, _ASKED)
        weight = np.exp((apart[:, :1] - apart) / self.blend)
        weight /= weight.sum(axis=1, keepdims=True)
        places = [self.place[near] + offset(self.graph, near, position, self.exemplar) for near in number.T]
        own = self._blended(self.pixels, places, weight, "bicubic")
        tone = self._tone(apart, number, places)
        fine = min(1.0, self.strength / _STROKES_ALONE)
        whole = max(0.0, (self.strength - _STROKES_ALONE) / (1.0 - _STROKES_ALONE))
        low = self._blended(self.low, places, weight, "bilinear")
        base = optimised + whole * (low + tone - optimised)
        return np.clip(base + fine * (own - low), 0.0, 1.0)

    def _blended(self, pictures: list[Floats], places: list[Floats], weight: Floats, how: str) -> Floats:
        taken = [self.exemplar.colours(pictures, place, how) for place in places]
        return np.einsum("km,kmc->mc", weight.T, np.stack(taken))

    def _tone(self, apart: Floats, number: NDArray[np.int64], places: list[Floats]) -> Floats:
        """[M, 3]; within a piece it goes over smoothly from point to point."""
        # Counted from the nearest, so that far from all of them the weights do not vanish together.
        squared = np.square(apart / self.graph.spacing)
        weight = np.exp(2.0 * (squared[:, :1] - squared))
        near = [np.abs(place - places[0]).max(axis=-1) < 2.0 for place in places]
        weight = weight * np.stack(near, axis=-1)
        return np.einsum("mk,mkc->mc", weight / weight.sum(axis=1, keepdims=True), self.tone[number])


def find_detail(
    mesh: Mesh,
    texel: float,
    pictures: Sequence[tuple[Image.Image, float]],
    extent: float,
    colour_at: Callable[[Floats, Floats, Floats], Floats],
    settings: DetailSettings,
    seed: int,
    overlap: Overlap | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Detail:
    """Find out which piece of the style images each place of a surface is painted with.

    Args:
        mesh: normalised.
        texel: side of a texel on the surface, in units of the mesh.
        pictures: the style images, RGB, and how much of the surface each is to paint; the shares add up to 1.
        extent: how much of the mesh a picture's shorter side covers.
        colour_at: the optimised colours [N, P, 3] in [0, 1] at positions [N, P, 3] around points of the surface, whose
            own positions and unit normals [N, 3] come after them.
        settings: what is looked for.
        seed: makes it repeatable.
        overlap: of ``mesh``.
        progress: told how many rounds of how many are done; may raise.
    """
    generator = np.random.default_rng(seed)
    area = float(np.linalg.norm(face_vectors(mesh), axis=-1).sum() / 2.0)
    spacing = max(extent / LOOK_RESOLUTION, (area / settings.most_points) ** 0.5)
    graph = surface_graph(mesh, spacing, len(settings.rounds), generator, overlap)
    exemplar = Exemplar(pictures, extent, settings.search_resolution, len(settings.rounds), generator)
    across, down = exemplar.look_spacing * look_offsets().T[..., None]
    around = graph.position[:, None] + across * graph.right[:, None] - down * graph.up[:, None]
    colours = colour_at(around.astype(np.float32), graph.position, graph.normal)
    laid_out = _laid_out(graph, exemplar, settings)
    total, done = rounds(graph, settings, laid_out is not None), 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    place = find_places(exemplar, graph, colours, settings, generator, tick, laid_out)
    # A picture that is laid out goes where it does for itself alone.
    tones = colours.mean(axis=1) if laid_out is None else exemplar.tones(place)
    finest = max(round(extent / (texel * _TEXELS_A_PIXEL)), 1)
    pixels = [resized(picture, min(min(picture.size), finest)) for picture, _ in pictures]
    return Detail(
        graph=graph,
        exemplar=exemplar,
        place=place,
        tone=_tones(exemplar, graph, place, tones),
        strength=settings.strength,
        pixels=pixels,
        low=[resized(picture, LOOK_RESOLUTION) for picture, _ in pictures],
        blend=_BLEND * max(texel, extent / max(min(own.shape[:2]) for own in pixels)),
    )


def _laid_out(graph: SurfaceGraph, exemplar: Exemplar, settings: DetailSettings) -> Floats | None:
    """Places [N, 2] of a picture that repeats itself, if it is one and its own colours are wanted, not its strokes."""
    if not settings.lays_out or settings.strength <= _STROKES_ALONE or len(exemplar.pictures) > 1:
        return None
    lattice = find_lattice(exemplar.pictures[0])
    return None if lattice is None else lay_out(graph, exemplar, lattice)


def _tones(exemplar: Exemplar, graph: SurfaceGraph, place: Floats, surface: Floats) -> Floats:
    """[N, 3] what to add to the picture's colours, so that no piece of it ends where it is plain on both sides.

    Each point goes by the tone of the surface there, ``surface`` [N, 3], and more by its neighbours: the step from its
    piece to theirs is spread over both, as in Poisson image editing (Perez et al. 2003). Slight steps alone count, and
    what is not plain stays in the picture's own colours.
    """
    neighbours = graph.levels[0]
    own = place[neighbours.points]
    tone = exemplar.tones(own)
    plain = _slight(exemplar.contrasts(own)[:, None])
    wanted = surface[neighbours.points] - tone
    wanted = plain * _slight(wanted) * wanted
    step = tone[neighbours.index] - exemplar.tones(exemplar.within(own[:, None] + in_pixels(neighbours.way, exemplar)))
    weight = _slight(step) * plain[:, None] * plain[neighbours.index] * neighbours.real[..., None]
    pull = (weight * step).sum(axis=1) + _TONE_OF_SURFACE * wanted
    total = weight.sum(axis=1) + _TONE_OF_SURFACE
    added = wanted
    for _ in range(_TONE_ROUNDS):
        added = (pull + (weight * added[neighbours.index]).sum(axis=1)) / total
    found = np.empty_like(added)
    found[neighbours.points] = added
    return found


def _slight(tone: Floats) -> Floats:
    """[..., 1] in [0, 1]: how slight differences [..., d] are."""
    return np.exp(-np.square(tone / np.float32(_TONE_LIMIT)).sum(axis=-1, keepdims=True))
