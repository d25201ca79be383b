# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the result of one item, in the place where it is told to."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..commands.output_folder import OutputFolder
from ..commands.stylize import job_of, run_job
from ..job import REPORT_FILE, JobError
from ..reporting import Reporter
from .exported import make_exported, require_files
from .manifest import is_exported

if TYPE_CHECKING:
    from ..stylize import LoadedModels

Make = Callable[[argparse.Namespace, OutputFolder, Reporter], None]
"""Puts a result into an output folder, by the options of ``core stylize``; raises ``JobError``."""
_RESULT_BYTES_PER_TEXEL = 7.5
"""Of the texture, once more inside the model, before they are compressed, and a little beside."""


def stylizer() -> Make:
    """What makes real textures; it keeps its model from item to item."""
    models: LoadedModels | None = None

    def make(options: argparse.Namespace, output: OutputFolder, reporter: Reporter) -> None:
        nonlocal models
        if is_exported(options):
            require_files(options)
            job = None
        else:
            job = job_of(options)
        require_space(options, output.path)
        reporter.stage("imports", "Starting PyTorch")
        from ..stylize import LoadedModels

        if models is None:
            models = LoadedModels(options.models)
        if job is None:
            make_exported(options, output, reporter, models)
        else:
            run_job(job, options, output, reporter, models)

    return make


def require_space(options: argparse.Namespace, folder: Path) -> None:
    """Whether there is room for the files; found out now rather than after all the work.

    Raises:
        JobError: ``disk_full``.
    """
    need = round(options.size**2 * _RESULT_BYTES_PER_TEXEL) + 2 * options.mesh.stat().st_size
    free = shutil.disk_usage(folder).free
    if free < need:
        raise JobError(
            "disk_full",
            f"The disk is full: {free / 1e6:,.0f} MB are free, and a result may need {need / 1e6:,.0f} MB",
            "Free some space; the same command then makes what is missing.",
        )


def make_in(folder: Path, options: argparse.Namespace, make: Make, reporter: Reporter) -> None:
    """Let ``make`` fill ``folder``, or go on where an earlier call on it was interrupted.

    Raises:
        JobError: the item cannot be made.
    """
    inputs = [value for value in vars(options).values() if isinstance(value, Path)]
    output = OutputFolder(folder, force=False, inputs=inputs)
    try:
        # An earlier process may have ended after the last file had its place.
        if not (folder / REPORT_FILE).is_file():
            make(options, output, reporter)
    finally:
        output.leave()
