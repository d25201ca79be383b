# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core suggest``: words for what a style image shows, to choose from for ``--content``."""

from __future__ import annotations

import argparse

from ..diffusion.suggesting.suggestion import load_joint_space, suggest_content
from ..job import JobError
from ..models.places.use import require_folder
from ..models.profiles import profile
from ..style.style_image import read_style_image


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed: one word a line, the best first.

    Raises:
        JobError: something a person can act on.
    """
    if not options.style.is_file():
        raise JobError("bad_image", f"There is no file {options.style}", "Name a PNG, JPEG or WebP picture.")
    require_folder(options.models)
    picture = read_style_image(options.style)
    found = suggest_content(load_joint_space(profile(options.profile, options.models)), picture, count=options.count)
    for one in found:
        print(f"{one.word}  {one.score:.3f}")
    return 0
