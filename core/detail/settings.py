# SPDX-License-Identifier: GPL-3.0-or-later
"""How fine detail is taken from the style image."""

from __future__ import annotations

from dataclasses import dataclass

from ..geometry.mesh import LARGEST_SIDE
from ..job import JobError

_LEAST_EXTENT, _GREATEST_EXTENT = 0.7, 1.4
"""How much of the normalised mesh a style image covers when nobody says it: less is wallpaper, more too few strokes."""


@dataclass(frozen=True)
class DetailSettings:
    """What is looked for, and how long. Tuples have one value for each level, the finest first."""

    strength: float = 1.0
    """In [0, 1]. Up to one half the style image's fine strokes alone are laid over the optimised colours, more and more
    of them; from there on its own colours take their place, too. 0 leaves everything as it is."""
    search_resolution: int = 448
    """Shorter side at most of the style image in which places are looked for, in pixels; the pixels that texels take
    are those of the whole picture."""
    rounds: tuple[int, ...] = (6, 8, 12)
    """How often every point looks whether another place suits it better."""
    likeness: tuple[float, ...] = (0.6, 1.0, 1.0)
    """Weight of what a point's surroundings look like."""
    continuity: float = 2.0
    """Weight of how visible the border is between a point's place and those of its neighbours."""
    border: float = 0.04
    """What a border costs that cannot be seen, as a mean squared difference of colours in [0, 1]: pieces of the picture
    are not cut without need."""
    evenness: float = 0.01
    """What a place costs for each time that the use of its region has doubled beyond its share."""
    lays_out: bool = True
    """Whether a picture that repeats itself, as a pattern does, is laid over the surface as a whole."""
    most_points: int = 150_000
    """Points that look for places, at most."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.strength <= 1.0:
            raise JobError("bad_setting", f"The detail is {self.strength}; it must be between 0 and 1")
        if len(self.rounds) != len(self.likeness) or not self.rounds:
            raise JobError(
                "bad_setting",
                f"There are {len(self.rounds)} rounds and {len(self.likeness)} likeness;"
                " there must be one of each for every level",
            )


def style_extent(stroke_size: float | None, picture_sides: tuple[int, int], texel: float) -> float:
    """How much of the normalised mesh the style image's shorter side covers, in its units: the size of strokes.

    Args:
        stroke_size: see ``core.job.Job``; ``None`` lets the picture's own detail and the texels meet, within bounds.
        picture_sides: width and height of the style image in pixels.
        texel: side of a texel on the surface.
    """
    if stroke_size is not None:
        return stroke_size * LARGEST_SIDE
    return min(max(min(picture_sides) * texel, _LEAST_EXTENT), _GREATEST_EXTENT)
