# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core suggest``: words for what a style image shows, to choose from for ``--content``."""

from __future__ import annotations

import argparse

from ..diffusion.suggesting.suggestion import Suggestion, load_joint_space, suggest_content
from ..failure import as_job_error
from ..job import EXIT_STATUS, JobError
from ..models.places.use import require_folder
from ..models.profiles import profile
from ..style.style_image import read_style_image
from .download_events import emit, emit_error, end_with_input


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed: one word a line, the best first, or for Blender one event.

    Raises:
        JobError: something a person can act on.
    """
    if options.json_events:
        return _run_with_events(options)
    for one in (found := _suggestions(options)):
        print(f"{one.word}  {one.score:.3f}")
    if not found:
        print("Nothing but pattern, as far as the model can tell.")
    return 0


def _run_with_events(options: argparse.Namespace) -> int:
    end_with_input()
    try:
        found = _suggestions(options)
    except Exception as error:
        failure = as_job_error(error)
        emit_error(failure)
        return EXIT_STATUS[failure.code]
    emit("done", text="", words=[one.word for one in found])
    return 0


def _suggestions(options: argparse.Namespace) -> list[Suggestion]:
    if not options.style.is_file():
        raise JobError("bad_image", f"There is no file {options.style}", "Name a PNG, JPEG or WebP picture.")
    require_folder(options.models)
    picture = read_style_image(options.style)
    return suggest_content(load_joint_space(profile(options.profile, options.models)), picture, count=options.count)
