# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core stylize``: one mesh file and one picture in, a folder of results out."""

from __future__ import annotations

import argparse
import shutil
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..job import MESH_FILE, PREVIEW_FILE, REPORT_FILE, Job, JobError

JOB_FOLDER = ".job"
"""Where the job runs inside the output folder; an interrupted run leaves its checkpoint there, and goes on from it."""
MODEL_FILE = "textured.glb"
"""The mesh with its texture."""


class ConsoleReporter:
    """Shows a job in the terminal; Ctrl-C cancels it."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._task = progress.add_task("Starting", total=None, left="")
        self.interrupted = False
        """Whether Ctrl-C was pressed."""

    def stage(self, name: str, label: str) -> None:
        self._progress.update(self._task, description=label, total=None, completed=0, left="")

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        left = "" if seconds_left is None else f"{_duration(seconds_left)} left"
        self._progress.update(self._task, total=steps, completed=step, left=left)

    def checkpoint(self, step: int, steps: int) -> None:
        """Ctrl-C cancels; whoever kills the process knows that it goes on."""

    def frame(self, image: np.ndarray, extent: int = 1) -> None:
        """A terminal has no picture to update."""

    def warning(self, code: str, message: str) -> None:
        self._console.print(f"[yellow]{message}")

    def wants_frame(self) -> bool:
        return False

    def should_cancel(self) -> bool:
        return self.interrupted

    def should_pause(self) -> bool:
        return False

    def should_finish(self) -> bool:
        return False


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed.

    Raises:
        JobError: something a person can act on.
        Cancelled: Ctrl-C; nothing is left in the output folder.
    """
    job = _job(options)
    output: Path = options.output
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        reporter = ConsoleReporter(progress, console)
        with _interruptions(reporter):
            reporter.stage("imports", "Starting PyTorch")
            textures = _run_job(job, options, output, reporter)
    for path in textures:
        console.print(f"{path}")
    return 0


def _job(options: argparse.Namespace) -> Job:
    if not options.mesh.is_file():
        raise JobError("bad_mesh", f"There is no file {options.mesh}", "Name an .obj, .glb, .gltf or .ply file.")
    if not options.style.is_file():
        raise JobError("bad_image", f"There is no file {options.style}", "Name a PNG, JPEG or WebP picture.")
    base_color: Path | None = options.base_color
    if base_color is None and options.restyle is not None:
        raise JobError("bad_request", "--restyle has nothing to start from", "Name the picture with --base-color.")
    if base_color is not None and not base_color.is_file():
        raise JobError("bad_image", f"There is no file {base_color}", "Name a PNG, JPEG or WebP picture.")
    return Job(
        object_name=options.mesh.stem,
        prompt=options.prompt,
        style_image=f"style{options.style.suffix}",
        style_name=_printable(options.style),
        content=options.content,
        preset=options.preset,
        profile=options.profile,
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
        base_color=None if base_color is None else f"present{base_color.suffix}",
        base_color_name="" if base_color is None else _printable(base_color),
        restyle_strength=Job.restyle_strength if options.restyle is None else options.restyle,
    )


def _run_job(job: Job, options: argparse.Namespace, output: Path, reporter: ConsoleReporter) -> list[Path]:
    """Returns the textures."""
    from ..geometry.tiles import find_tiles
    from ..mesh_files.import_file import import_file
    from ..optimisation.checkpoint import CHECKPOINT_FILE
    from ..reporting import Cancelled
    from ..results.glb import write_glb
    from ..results.report import write_report
    from ..stylize import LoadedModels, stylize

    warnings.filterwarnings("ignore", module="huggingface_hub")
    reporter.stage("mesh", "Reading the mesh")
    imported = import_file(options.mesh, unwrap=job.base_color is None, reporter=reporter)
    mesh = imported.mesh
    for notice in imported.notices:
        reporter.warning("mesh_file", notice)
    folder = output / JOB_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobError("bad_request", f"The folder {output} cannot be made: {error}", "Name another folder.") from error
    try:
        np.savez(folder / MESH_FILE, **vars(mesh))
        shutil.copyfile(options.style, folder / job.style_image)
        if job.base_color is not None:
            shutil.copyfile(options.base_color, folder / job.base_color)
        result = stylize(job, folder, reporter, LoadedModels(options.models))
        tiles, _ = find_tiles(mesh, job.tiles)
        meshes = [tiles.part(mesh, index) for index in range(len(tiles.numbers))] if tiles else [mesh]
        write_glb(list(zip(meshes, result.textures, strict=True)), folder / MODEL_FILE, imported.origin)
        write_report({**result.report, "mesh_file": imported.report()}, result.report_path)
        if reporter.should_cancel():
            raise Cancelled
    except (Cancelled, KeyboardInterrupt):
        _leave_nothing(folder)
        raise
    except Exception:
        if not (folder / CHECKPOINT_FILE).exists():
            _leave_nothing(folder)
        raise
    textures = [path.name for path in result.textures]
    for name in (*textures, MODEL_FILE, PREVIEW_FILE, REPORT_FILE):
        (folder / name).replace(output / name)
    shutil.rmtree(folder)
    return [output / name for name in textures]


def _leave_nothing(folder: Path) -> None:
    """Remove the job folder, and the output folder if that leaves it empty."""
    shutil.rmtree(folder)
    if not any(folder.parent.iterdir()):
        folder.parent.rmdir()


@contextmanager
def _interruptions(reporter: ConsoleReporter) -> Iterator[None]:
    """Ctrl-C asks the job to stop; a second one stops at once."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if reporter.interrupted:
            raise KeyboardInterrupt
        reporter.interrupted = True
        reporter.stage("cancel", "Cancelling")

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _printable(path: Path) -> str:
    """A path as text that can be written anywhere: not every path is Unicode."""
    return str(path).encode("utf-8", errors="replace").decode("utf-8")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
