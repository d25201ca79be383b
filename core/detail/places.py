# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in the style images each point of a surface takes its pixels from.

A point wants a place whose surroundings look like its own, and that its neighbours' places go on from; where they do
not, the border between them should not be seen. As in PatchMatch (Barnes et al. 2009) good places spread from point to
point; as in graph-cut textures (Kwatra et al. 2003) a border costs what the two sides differ there. Coarse levels come
first and hand their places down. Of several pictures each is to paint its share of the surface, where it suits best:
the likeness of all its places has an advantage that makes it so. No region of a picture is to come back much more often
than the others.

A picture that repeats itself is laid over the surface as a whole, and only where it tears are places looked for: bricks
in pieces are no bricks, and nothing is shown by them but the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .borders import borders
from .evenness import Crowding
from .exemplar import Exemplar
from .settings import DetailSettings
from .surface_graph import Neighbours, SurfaceGraph
from .ways import in_pixels, offset

_WORST_BORDER = 0.06
"""A border is not worse than so visible, as a mean squared difference: edges of the object may be borders."""
_SAME = 1.5
"""Pixels of a level up to which two places are one piece of the picture."""
_STEPS = (32.0, 8.0, 2.0)
"""Pixels, in the mean, to the places that are tried at random."""
_CHANGED = 0.6
"""Share of the points that may change in a round: were all to, neighbours would swap for ever."""
_APPROXIMATE = 1.5
"""The first places need not be the nearest looks; those this much farther will do."""
_ROUNDS_FOR_SHARES = 10
"""Times that each picture's advantage is set anew, given those of the others; of two, one is enough."""
_LAID_OUT_LIKENESS = 0.1
"""Factor of what a point's surroundings look like where a picture is laid out: it knows where it goes by itself."""
_KEPT = (0.5, 2.0)
"""Least and greatest factor by which the spread of the surface's looks is brought to that of the picture's."""

Floats = NDArray[np.float32]


def find_places(
    exemplar: Exemplar,
    graph: SurfaceGraph,
    colours: Floats,
    settings: DetailSettings,
    generator: np.random.Generator,
    tick: Callable[[], None],
    laid_out: Floats | None = None,
) -> Floats:
    """A place for each of the graph's N points: [N, 2].

    Args:
        exemplar: the style images.
        graph: of the mesh.
        colours: [N, LOOK_SIZE ** 2, 3] around the points, upright, row by row.
        settings: what counts.
        generator: draws what is tried.
        tick: called after each round.
        laid_out: places [N, 2] of a picture that repeats itself (``laying_out.lay_out``), to begin with.
    """
    wanted = _as_spread_out(exemplar.components.of(colours.reshape(len(colours), -1)), exemplar)
    if laid_out is not None:
        likeness = tuple(_LAID_OUT_LIKENESS * weight for weight in settings.likeness)
        settings = replace(settings, likeness=likeness, evenness=0.0)
        place, advantage = laid_out, np.zeros(1, np.float32)
    else:
        place, advantage = _first_places(exemplar, wanted)
    crowding = Crowding(exemplar, len(graph.position) * (graph.spacing * exemplar.scale) ** 2)
    for level in _levels(graph, laid_out is not None):
        here = graph.levels[level]
        if laid_out is None and level + 1 < len(graph.levels):
            _hand_down(place, graph, graph.levels[level + 1].points, here.points, exemplar)
        search = _Search(exemplar, level, here, wanted[here.points], advantage, crowding, settings)
        place[here.points] = search.improved(place[here.points], settings.rounds[level], generator, tick)
    return place


def rounds(graph: SurfaceGraph, settings: DetailSettings, laid_out: bool) -> int:
    """How often ``find_places`` calls ``tick``."""
    return sum(settings.rounds[level] for level in _levels(graph, laid_out))


def _levels(graph: SurfaceGraph, laid_out: bool) -> list[int]:
    """Which levels are looked through: what is laid out needs no coarse ones."""
    return [0] if laid_out else [*reversed(range(len(graph.levels)))]


class _Search:
    """One level of it."""

    def __init__(
        self,
        exemplar: Exemplar,
        level: int,
        neighbours: Neighbours,
        wanted: Floats,
        advantage: Floats,
        crowding: Crowding,
        settings: DetailSettings,
    ) -> None:
        self._exemplar, self._neighbours, self._wanted, self._advantage = exemplar, neighbours, wanted, advantage
        self._fine = exemplar.fine[level]
        self._way, self._back = (in_pixels(ways, exemplar) for ways in (neighbours.way, neighbours.back))
        self._same = (_SAME * 2**level) ** 2
        self._likeness, self._settings = settings.likeness[level], settings
        self._crowding = crowding

    def improved(self, place: Floats, rounds: int, generator: np.random.Generator, tick: Callable[[], None]) -> Floats:
        """Places [n, 2] from which none of what was tried is better, or nearly so."""
        for _ in range(rounds):
            self._crowding.count(place)
            everyone = np.arange(len(place))
            cost, at_border = self._cost(everyone, place, place)
            moving = everyone[at_border]
            best, least = place[moving], cost[at_border]
            offers = place[self._neighbours.index[moving]] + self._back[moving]
            for number in range(offers.shape[1]):
                self._try(moving, offers[:, number], place, best, least)
            for reach in _STEPS:
                self._try(moving, best + generator.normal(0.0, reach, best.shape), place, best, least)
            chosen = generator.random(len(moving)) < _CHANGED
            place[moving[chosen]] = best[chosen]
            tick()
        return place

    def _try(self, point: NDArray[np.int64], offer: Floats, place: Floats, best: Floats, least: Floats) -> None:
        """Take what is better of ``offer`` [m, 2] into ``best`` and ``least``."""
        offer = self._exemplar.within(offer.astype(np.float32))
        cost, _ = self._cost(point, offer, place)
        better = cost < least
        best[better], least[better] = offer[better], cost[better]

    def _cost(self, point: NDArray[np.int64], own: Floats, place: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """What the places ``own`` [m, 2] cost points [m] while all are at ``place`` [n, 2]; and whether each is at a
        border of its piece: [m].
        """
        around, fine = self._neighbours, self._fine
        visible, at_border = borders(
            point,
            own,
            place,
            around.index,
            self._way,
            around.turned,
            around.real,
            self._same,
            fine.around,
            fine.colour,
            fine.pixels.pictures,
            fine.scale,
            _WORST_BORDER,
            self._settings.border,
        )
        unlike = self._wanted[point] - self._exemplar.looks(own)
        likeness = np.einsum("md,md->m", unlike, unlike) - self._advantage[self._exemplar.which(own)]
        cost = self._likeness * likeness + self._settings.continuity * visible
        cost += self._settings.evenness * self._crowding.of(own)
        return cost.astype(np.float32), at_border


def _as_spread_out(looks: Floats, exemplar: Exemplar) -> Floats:
    """The looks of the surface with mean and spread of the pictures': it is blurred and duller, and means the same."""
    goals = [exemplar.candidates(picture)[1] for picture in range(len(exemplar.pictures))]
    shares = np.array(exemplar.shares)[:, None]
    means = np.stack([goal.mean(axis=0) for goal in goals])
    mean = (shares * means).sum(axis=0)
    variances = np.stack([goal.var(axis=0) for goal in goals]) + np.square(means - mean)
    spread = np.sqrt((shares * variances).sum(axis=0))
    factor = np.clip(spread / np.maximum(looks.std(axis=0), 1e-4), *_KEPT)
    return ((looks - looks.mean(axis=0)) * factor + mean).astype(np.float32)


def _first_places(exemplar: Exemplar, wanted: Floats) -> tuple[Floats, Floats]:
    """Places [n, 2] that look like ``wanted`` [n, d], of each picture its share; and its advantage: [pictures]."""
    offers, unlike = [], []
    for picture in range(len(exemplar.pictures)):
        offered, looks = exemplar.candidates(picture)
        apart, nearest = KDTree(looks).query(wanted, eps=_APPROXIMATE)
        offers.append(offered[nearest])
        unlike.append(np.square(apart))
    cost = np.stack(unlike, axis=-1)
    advantage = _advantages(cost, exemplar.shares)
    chosen = (cost - advantage).argmin(axis=-1)
    return np.stack(offers)[chosen, np.arange(len(wanted))], advantage.astype(np.float32)


def _advantages(cost: NDArray[np.float64], shares: Sequence[float]) -> NDArray[np.float64]:
    """What to take off the columns of ``cost`` [n, m], so that each is the least in its share of the rows: [m]."""
    advantage = np.zeros(len(shares))
    if len(shares) == 1:
        return advantage
    for _ in range(_ROUNDS_FOR_SHARES):
        for column, share in enumerate(shares):
            others = np.delete(cost - advantage, column, axis=1).min(axis=1)
            advantage[column] = np.quantile(cost[:, column] - others, share)
    return advantage


def _hand_down(
    place: Floats, graph: SurfaceGraph, source: NDArray[np.int64], target: NDArray[np.int64], exemplar: Exemplar
) -> None:
    """Give the points ``target`` the places that go on from those of the nearest of the points ``source``."""
    _, nearest = KDTree(graph.position[source]).query(graph.position[target])
    origin = source[nearest]
    place[target] = exemplar.within(place[origin] + offset(graph, origin, graph.position[target], exemplar))
