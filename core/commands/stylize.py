# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core stylize``: one mesh file and one picture in, a folder of results out."""

from __future__ import annotations

import argparse
import os
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..job import MESH_FILE, Job, JobError, tile_file
from ..models.own_weights import family_of, family_of_lora
from ..models.places.use import require_folder
from ..models.weights_header import CHECK_THE_PATH
from ..reporting import Cancelled, RememberedWarnings, Reporter
from ..storage.optional import optional
from ..storage.whole_file import whole_file
from .console_reporter import ConsoleReporter as ConsoleReporter
from .interruptions import InterruptibleReporter, Interruptions
from .output_folder import MODEL_FILE, RESULTS, OutputFolder

if TYPE_CHECKING:
    from ..stylize import LoadedModels


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed.

    Returns:
        Exit status: 0; or that of "cancelled", or of SIGTERM, when it was ended before there was a result.

    Raises:
        JobError: something a person can act on.
    """
    job = job_of(options)
    styles = [options.style, *(path for path, _ in options.more_styles)]
    given = (options.mesh, *styles, options.base_color, options.only_mask)
    inputs = [path for path in given if path is not None]
    console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    output: OutputFolder | None = None
    resumable = False

    def leave() -> None:
        nonlocal resumable
        if output is not None:
            resumable = output.resumable
            output.leave()

    def give_up() -> None:
        console.show_cursor()
        leave()
        console.print(_farewell(resumable))

    with Progress(*columns, console=console, transient=True) as progress:
        reporter = InterruptibleReporter(progress, console)
        interruptions = Interruptions(reporter, console.print, give_up)
        try:
            with interruptions:
                reporter.stage("imports", "Starting PyTorch")
                output = OutputFolder(options.output, options.force, inputs)
                output.require_room(RESULTS)
                if not output.locked:
                    reporter.warning(
                        "no_lock",
                        f"The file system of {output.path} has no locks: use that folder for one run at a time",
                    )
                textures = run_job(job, options, output, reporter)
        except (Cancelled, KeyboardInterrupt):
            leave()
            progress.stop()
            console.print(_farewell(resumable))
            if reporter.ending:
                # Python takes PyTorch down for seconds, and whoever said it twice does not wait.
                console.file.flush()
                os._exit(interruptions.status)
            return interruptions.status
        finally:
            leave()
    for path in textures:
        console.print(str(path))
    return 0


def _farewell(resumable: bool) -> str:
    if resumable:
        return "Stopped. The checkpoint is kept: the same command goes on from it."
    return "Cancelled before there was anything to keep."


def job_of(options: argparse.Namespace) -> Job:
    """The job that the options ask for.

    Raises:
        JobError: a file is not there, or a setting is out of range.
    """
    if not options.mesh.is_file():
        raise JobError("bad_mesh", f"There is no file {_printable(options.mesh)}", CHECK_THE_PATH)
    for style in (options.style, *(path for path, _ in options.more_styles)):
        if not style.is_file():
            raise JobError("bad_image", f"There is no file {_printable(style)}", CHECK_THE_PATH)
    require_folder(options.models)
    base_color: Path | None = options.base_color
    if base_color is None and options.restyle is not None:
        raise JobError("bad_request", "--restyle has nothing to start from", "Name the picture with --base-color.")
    mask: Path | None = options.only_mask
    if base_color is None and mask is not None:
        raise JobError(
            "bad_request", "--only-mask needs the texture that stays outside of it", "Name it with --base-color."
        )
    for path in (base_color, mask):
        if path is not None and not path.is_file():
            raise JobError("bad_image", f"There is no file {_printable(path)}", CHECK_THE_PATH)
    # Of a part nothing is kept unless that is said.
    restyle = Job.restyle_strength if mask is None else 1.0
    return Job(
        object_name=_printable(options.mesh.stem),
        prompt=options.prompt,
        style_image=_style_file(0, options.style),
        style_name=_printable(options.style),
        style_weight=options.style_weight,
        more_styles=tuple(
            (_style_file(number, path), weight) for number, (path, weight) in enumerate(options.more_styles, 1)
        ),
        content=options.content,
        preset=options.preset,
        profile=options.profile or _profile(options),
        texture_size=options.size,
        seed=options.seed,
        content_removal=options.content_removal,
        tone=options.tone,
        style_strength=options.style_strength,
        detail=options.detail,
        stroke_size=options.stroke_size,
        tiles=options.tiles,
        device=options.device,
        shading=not options.no_shading,
        base_color=None if base_color is None else f"present{_plain_suffix(base_color)}",
        base_color_name="" if base_color is None else _printable(base_color),
        restyle_strength=restyle if options.restyle is None else options.restyle,
        region=None if mask is None else f"only{_plain_suffix(mask)}",
        region_name="" if mask is None else _printable(mask),
        region_border=options.only_border,
        own_model=_absolute(options.model),
        loras=tuple((str(path.absolute()), weight) for path, weight in options.lora),
        own_vae=_absolute(options.vae),
    )


def _profile(options: argparse.Namespace) -> str:
    """The family of what was named, or the bundled model when nothing was."""
    if options.model is not None:
        return family_of(options.model)
    return family_of_lora(options.lora[0][0]) if options.lora else Job.profile


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _style_file(number: int, path: Path) -> str:
    """Name of a style image in the job folder."""
    return f"style{number or ''}{_plain_suffix(path)}"


def _plain_suffix(path: Path) -> str:
    """The suffix, if it is one: whatever else follows a dot stays out of the job."""
    return path.suffix if path.suffix.isascii() and path.suffix[1:].isalnum() else ""


def run_job(
    job: Job, options: argparse.Namespace, output: OutputFolder, reporter: Reporter, models: LoadedModels | None = None
) -> list[Path]:
    """Do the job, and put the results into ``output``.

    Args:
        job: what ``options`` ask for.
        options: of the command line.
        output: the folder for the results.
        reporter: told of everything that happens.
        models: of earlier jobs.

    Returns:
        The textures.

    Raises:
        JobError: something a person can act on.
    """
    from ..geometry.tiles import find_tiles
    from ..mesh_files.import_file import import_file
    from ..results.glb import write_glb
    from ..style.style_image import read_style_image
    from ..stylize import LoadedModels, stylize

    warnings.filterwarnings("ignore", module="huggingface_hub")
    told = RememberedWarnings(reporter)
    reporter.stage("mesh", "Reading the mesh")
    imported = import_file(options.mesh, unwrap=job.base_color is None, reporter=reporter)
    mesh = imported.mesh
    for notice in imported.notices:
        told.warning("mesh_file", notice)
    tiles, _ = find_tiles(mesh, job.tiles)
    if tiles:
        output.require_room(map(tile_file, tiles.numbers))
    with whole_file(output.job / MESH_FILE) as file:
        np.savez(file, **vars(mesh))
    _copy(options.style, output.job / job.style_image)
    for number, (path, _) in enumerate(options.more_styles, 1):
        # The job knows it by another name, and here is where a user's own can be said.
        read_style_image(path, _printable(path))
        _copy(path, output.job / _style_file(number, path))
    if job.base_color is not None:
        _copy(options.base_color, output.job / job.base_color)
    if job.region is not None:
        _copy(options.only_mask, output.job / job.region)
    result = stylize(job, output.job, told, models or LoadedModels(options.models), keep_checkpoint=True)
    model = output.job / MODEL_FILE
    with optional(told, "model", f"There is no {MODEL_FILE}, since it could not be written"):
        meshes = [tiles.part(mesh, index) for index in range(len(tiles.numbers))] if tiles else [mesh]
        write_glb(list(zip(meshes, result.textures, strict=True)), model, imported.origin)
    others = [path for path in (model, result.preview) if path.is_file()]
    warned = [{"code": code, "message": message} for code, message in told.told]
    report = result.report | {"mesh_file": imported.report(), "warnings": warned}
    return output.put(result.textures, others, report, told)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, whole_file(target) as writing:
        shutil.copyfileobj(reading, writing)


def _printable(path: Path | str) -> str:
    """A path as text that can be written anywhere: not every path is Unicode."""
    return os.fsencode(path).decode(errors="replace")
