# SPDX-License-Identifier: GPL-3.0-or-later
"""What each file in a folder of models is, from its header alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...job import JobError
from ..own_weights import family_of, profile_of_width
from ..weights_header import PICKLE_SUFFIXES, WeightsHeader, read_header
from .layouts import WEIGHTS, Layout, files_on, is_diffusers_model, layout_of, shelves

_NOT_WEIGHTS = re.compile(r"vae-approx|embeddings|upscale", re.IGNORECASE)
_UNION = "task_embedding"
"""Part of the weights of a union ControlNet alone."""


@dataclass(frozen=True)
class FoundFile:
    """A file, or a model in diffusers' layout."""

    path: Path
    """Where it is."""
    kind: str
    """See ``WeightsHeader.kind``; a model in diffusers' layout is a "checkpoint", and what cannot be read a "file"."""
    family: str
    """The profile that it is for; empty where it is for none, or its header does not say."""
    title: str
    """What people call its family; empty where its header does not say."""
    bytes: int
    """Its size; 0 for a folder."""
    problem: str = ""
    """Why it cannot be used, in one line."""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False, compare=False)
    """Of its tensors."""

    @property
    def sees(self) -> tuple[str, ...]:
        """Of a ControlNet: what it sees, as its name says; the weights do not."""
        if any(_UNION in name for name in self.shapes):
            return ("normal", "depth")
        return tuple(kind for kind in ("normal", "depth") if kind in self.path.name.lower())[:1]


def find_files(folder: Path) -> list[FoundFile]:
    """The files for people to choose from, and those of ControlNets and encoders, in a folder of models."""
    layout = layout_of(folder)
    if layout is Layout.MODEL:
        return [_look_at(folder)]
    if layout is Layout.SHELVES:
        return list(_on_shelves(shelves(folder)))
    return []


def _on_shelves(places: list[Path]) -> Iterator[FoundFile]:
    for place in dict.fromkeys(path for shelf in places for path in files_on(shelf)):
        suffix = place.suffix.lower()
        if _NOT_WEIGHTS.search(place.as_posix()):
            continue
        if is_diffusers_model(place) or suffix == WEIGHTS or suffix in PICKLE_SUFFIXES:
            yield _look_at(place)


def _look_at(place: Path) -> FoundFile:
    try:
        if place.is_dir():
            family = family_of(place)
            return FoundFile(place, "checkpoint", family, "", 0)
        header = read_header(place, "file")
    except JobError as error:
        return FoundFile(place, "file", "", "", 0, error.message)
    except OSError as error:
        return FoundFile(place, "file", "", "", 0, f"The file {place} cannot be read ({error.strerror})")
    width = _width(header)
    family = "" if width is None else profile_of_width(width)
    return FoundFile(place, header.kind, family, header.family, place.stat().st_size, "", dict(header.shapes))


def _width(header: WeightsHeader) -> int | None:
    """Width of the texts of the UNet that the file is for."""
    if header.kind == "IP-Adapter":
        return next(iter(header.shapes.get("image_proj.norm.weight", ())), None)
    return header.text_width
