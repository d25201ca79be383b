# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist may choose of an object."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.job import LARGEST_BORDER, JobError

REGIONS = ("all", "faces", "slot", "group", "mask")
"""All of it; the faces selected in Edit Mode; those of a material slot; those of a vertex group; what a mask shows."""


@dataclass(frozen=True)
class RegionChoice:
    """A part of an object, by what it is known."""

    kind: str = "all"
    """One of ``REGIONS``."""
    slot: int = 1
    """Number of the material slot, counted from 1."""
    group: str = ""
    """Name of the vertex group; its weights are kept."""
    mask: str = ""
    """Name of the image on the active UV map whose white is meant."""
    border: float = 0.02
    """Width of the soft border inside, as a share of the object's largest side."""

    @property
    def slot_alone(self) -> int:
        """Number of the material slot that is the part, from 1; 0 where something else is."""
        return self.slot if self.kind == "slot" else 0

    def __post_init__(self) -> None:
        if self.kind not in REGIONS:
            raise JobError("bad_setting", f"The region is {self.kind!r}; it must be one of {', '.join(REGIONS)}")
        if self.slot < 1:
            raise JobError("bad_setting", f"The material slot is {self.slot}; it must be at least 1")
        if not 0.0 <= self.border <= LARGEST_BORDER:
            raise JobError(
                "bad_setting", f"The region's border is {self.border}; it must be between 0 and {LARGEST_BORDER}"
            )
