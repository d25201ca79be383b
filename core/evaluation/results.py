# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evaluation found, as JSON, as a table and as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..results.preview import contact_sheet
from .baked_light import BakedLight
from .leakage import Leakage
from .palette import PaletteDistance
from .place import Place
from .rank import Rank, rank_own
from .seams import SeamError
from .style_distance import StyleDistance
from .styles import Style
from .views import SHEET_LABELS, SHEET_VIEWS


@dataclass(frozen=True)
class CaseResult:
    """The measures of one style on one mesh."""

    style: str
    mesh: str
    style_distances: Mapping[str, StyleDistance]
    """To every style, by its name."""
    judge_distances: Mapping[str, float] | None
    """The independent judge's, likewise; ``None`` when it was left out."""
    place: Place | None
    """Between floor and ceiling, by the centred judge; ``None`` when it was left out."""
    leakage: Leakage
    """Of the own style image's motif."""
    ceiling_leakage: Leakage
    """Of the picture laid on by box projection: all of the motif."""
    palette: PaletteDistance
    contrast: Sequence[float] | None
    """Over the style image's, in each of ``contrast.OCTAVES``; ``None`` where it cannot be told."""
    seams: SeamError
    baked_light: BakedLight
    undersides: float | None
    """Style distance of what is seen from below over that of what is seen from above; ``None`` where either is zero."""
    coverage: Mapping[str, float]
    """Shares of the texels ``seen``, ``filled`` and ``untouched``."""
    seconds: float
    """Time to stylize it."""

    @property
    def style_rank(self) -> Rank:
        """By the style distance."""
        return rank_own({name: distance.total for name, distance in self.style_distances.items()}, self.style)

    @property
    def place_rank(self) -> Rank | None:
        """By the centred judge among pictures that all wear the own one's colours."""
        return None if self.place is None else rank_own(self.place.distances, self.style)

    @property
    def judge_rank(self) -> Rank | None:
        """By the independent judge."""
        return None if self.judge_distances is None else rank_own(self.judge_distances, self.style)


@dataclass(frozen=True)
class SheetRow:
    """The pictures of one case."""

    style: Style
    views: Sequence[NDArray[np.uint8]]
    """Of ``views.evaluation_cameras``."""
    maps: Mapping[str, NDArray[np.uint8]]
    """Pictures of the UV layout by their labels, of the size of the views."""


def as_json(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Everything, fit for JSON."""
    return {
        "first": {
            "cases": len(results),
            "by_style_distance": sum(result.style_rank.place == 1 for result in results),
            "by_judge": _judge_firsts(results),
        },
        "cases": [
            {
                "style": result.style,
                "mesh": result.mesh,
                "style_distance": {
                    name: {"total": distance.total, **asdict(distance)}
                    for name, distance in result.style_distances.items()
                },
                "style_rank": asdict(result.style_rank),
                "judge_distance": None if result.judge_distances is None else dict(result.judge_distances),
                "judge_rank": None if result.judge_rank is None else asdict(result.judge_rank),
                "place": None
                if result.place is None
                else {
                    **asdict(result.place),
                    "value": result.place.value,
                    "rank": result.place_rank and asdict(result.place_rank),
                },
                "leakage": {**asdict(result.leakage), "excess": result.leakage.excess},
                "ceiling_leakage": {**asdict(result.ceiling_leakage), "excess": result.ceiling_leakage.excess},
                "palette": asdict(result.palette),
                "contrast": result.contrast,
                "seams": {name: getattr(result.seams, name) for name in ("seam", "interior", "pairs", "ratio")},
                "baked_light": asdict(result.baked_light),
                "undersides": result.undersides,
                "coverage": dict(result.coverage),
                "seconds": result.seconds,
            }
            for result in results
        ],
    }


def as_table(results: Sequence[CaseResult]) -> str:
    """A Markdown table, one row a case; a rank is followed by the distances to the own and the nearest other style."""
    lines = [
        "| style | mesh | style distance: rank (own / other) | judge: rank (own / other) | place: rank"
        " | leakage (ceiling) | detail by octave | seam error | undersides"
        " | baked light: from above (best) | seen, filled, untouched | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        shares = ", ".join(f"{100 * result.coverage[name]:.1f} %" for name in ("seen", "filled", "untouched"))
        ratio = "–" if result.seams.ratio is None else f"{result.seams.ratio:.2f}"
        undersides = "–" if result.undersides is None else f"{result.undersides:.2f}"
        lines.append(
            f"| {result.style} | {result.mesh} | {_cell(result.style_rank, 1)} | {_cell(result.judge_rank, 3)}"
            f" | {_place(result)}"
            f" | {result.leakage.excess:+.2f} ({result.ceiling_leakage.excess:+.2f}) | {_octaves(result.contrast)}"
            f" | {ratio} | {undersides} | {_light(result.baked_light)} | {shares}"
            f" | {result.seconds:.0f} |"
        )
    firsts, count = sum(result.style_rank.place == 1 for result in results), len(results)
    by_judge = _judge_firsts(results)
    judged = "the judge was left out" if by_judge is None else f"{by_judge} of {count} by the judge"
    lines += ["", f"Own style nearest: {firsts} of {count} by style distance, {judged}."]
    if places := [result.place for result in results if result.place is not None]:
        first = sum(rank.place == 1 for result in results if (rank := result.place_rank) is not None)
        values = [place.value for place in places if place.value is not None]
        mean = f"mean {np.mean(values):.2f}" if values else "not to be told"
        lines += [f"Place between floor (0) and ceiling (1): {mean}; nearest in its own colours: {first} of {count}."]
    leaked = sum(result.leakage.excess for result in results)
    if (all_of_it := sum(result.ceiling_leakage.excess for result in results)) > 0.0:
        lines += [f"Leakage over that of the picture laid on whole: {leaked / all_of_it:.2f}."]
    return "\n".join(lines) + "\n"


def as_sheet(rows: Sequence[SheetRow]) -> Image.Image:
    """One row a case: the style image, four of its views, and the maps of coverage and seams."""
    strips = [
        contact_sheet(
            row.style.picture,
            [*(row.views[number] for number in SHEET_VIEWS), *row.maps.values()],
            [row.style.name, *SHEET_LABELS, *row.maps],
        )
        for row in rows
    ]
    sheet = Image.new("RGB", (max(strip.width for strip in strips), sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


def _judge_firsts(results: Sequence[CaseResult]) -> int | None:
    ranks = [rank for result in results if (rank := result.judge_rank) is not None]
    return sum(rank.place == 1 for rank in ranks) if ranks else None


def _light(light: BakedLight) -> str:
    top = "–" if light.top is None else f"{light.top:+.2f}"
    return f"{top} (–)" if light.best is None else f"{top} ({light.best:.2f})"


def _octaves(contrast: Sequence[float] | None) -> str:
    return "–" if contrast is None else ", ".join(f"{ratio:.2f}" for ratio in contrast)


def _place(result: CaseResult) -> str:
    place, rank = result.place, result.place_rank
    if place is None or rank is None or place.value is None:
        return "–"
    return f"{place.value:.2f}: {rank.place}"


def _cell(rank: Rank | None, digits: int) -> str:
    return "–" if rank is None else f"{rank.place} ({rank.own:.{digits}f} / {rank.nearest_other:.{digits}f})"
