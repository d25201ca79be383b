# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core suggest``: words for what a style image shows, to choose from for ``--content``."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from ..diffusion.suggesting.suggestion import Suggestion, load_joint_space, suggest_content
from ..job import JobError
from ..models.places.use import require_folder
from ..models.profiles import profile
from ..style.style_image import read_style_image
from .events import in_events


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed: one word a line, the best first, or for Blender one event.

    Raises:
        JobError: something a person can act on.
    """
    if options.json_events:
        return in_events(partial(_words, options))
    for one in (found := _suggestions(options)):
        print(f"{one.word}  {one.score:.3f}")
    if not found:
        print("Nothing but pattern, as far as the model can tell.")
    return 0


def _words(options: argparse.Namespace) -> dict[str, Any]:
    return {"text": "", "words": [one.word for one in _suggestions(options)]}


def _suggestions(options: argparse.Namespace) -> list[Suggestion]:
    if not options.style.is_file():
        raise JobError("bad_image", f"There is no file {options.style}", "Name a PNG, JPEG or WebP picture.")
    require_folder(options.models)
    picture = read_style_image(options.style)
    return suggest_content(load_joint_space(profile(options.profile, options.models)), picture, count=options.count)
