# SPDX-License-Identifier: GPL-3.0-or-later
"""The style images to evaluate with, and what each of them shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..style.style_image import read_style_image

SAMPLES = Path(__file__).parents[1] / "samples"
"""The style images that come with the program, and ``samples.json``, which says what they show."""


@dataclass(frozen=True)
class Style:
    """One style image."""

    name: str
    """For tables and folders: the file's name without its ending."""
    path: Path
    """The file."""
    content: str
    """What it shows, to be kept out of the texture; may be empty."""
    picture: Image.Image
    """The picture itself."""


def sample_paths() -> list[Path]:
    """The style images that come with the program."""
    return sorted(SAMPLES / name for name in _samples())


def style(path: Path, content: str | None = None) -> Style:
    """The style image at ``path``; without ``content``, a picture of ours brings its own, and others have none.

    Raises:
        JobError: ``bad_image`` when it cannot be used.
    """
    if content is None:
        known = _samples().get(path.name) if path.resolve().parent == SAMPLES.resolve() else None
        content = known["content"] if known else ""
    return Style(path.stem, path, content, read_style_image(path))


def _samples() -> dict[str, dict[str, str]]:
    return json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))
