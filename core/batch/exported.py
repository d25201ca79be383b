# SPDX-License-Identifier: GPL-3.0-or-later
"""Job folders that Blender exported, as items of a batch: a folder of them is a manifest too.

Each says itself how it is textured. Whoever removes a job's folder withdraws the job, also while it is being made.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..commands.output_folder import OutputFolder
from ..job import JOB_FILE, MESH_FILE, THUMBNAIL_FILE, Job, JobError, read_job
from ..reporting import RememberedWarnings, Reporter
from ..storage.whole_file import whole_file
from .inputs import files_of
from .manifest import Item, is_folder_name

if TYPE_CHECKING:
    from ..stylize import LoadedModels


def job_folders(folder: Path) -> list[Path]:
    """The job folders in a folder, by name; those that are being written begin with a dot."""
    found = (path for path in folder.iterdir() if not path.name.startswith(".") and (path / JOB_FILE).is_file())
    return sorted(found)


def exported_items(folder: Path, models: Path | None) -> list[Item]:
    """An item for each job folder in ``folder``; one that cannot be read fails when its turn comes.

    Args:
        folder: absolute.
        models: folder with the models' files, of the command line.

    Raises:
        JobError: ``bad_request``: one has a name that no result can have.
    """
    found = job_folders(folder)
    for path in found:
        if not is_folder_name(path.name):
            raise JobError("bad_request", f"No result can have the name of the job {path}", "Give it another one.")
    return [Item(path.name, _options(path, models), {}) for path in found]


def _options(folder: Path, models: Path | None) -> argparse.Namespace:
    """The files of a job as those of ``core stylize`` are known, and what its cost goes by."""
    try:
        job = read_job(folder)
    except JobError:
        # ``make_exported`` says so, of this item alone.
        job = Job(object_name=folder.name, prompt=folder.name, style_image=JOB_FILE)
    return argparse.Namespace(
        job=folder / JOB_FILE,
        mesh=folder / MESH_FILE,
        style=folder / job.style_image,
        more_styles=[(folder / name, weight) for name, weight in job.more_styles],
        base_color=None if job.base_color is None else folder / job.base_color,
        region=None if job.region is None else folder / job.region,
        preset=job.preset,
        size=job.texture_size,
        models=models,
    )


def make_exported(
    options: argparse.Namespace, output: OutputFolder, reporter: Reporter, models: LoadedModels
) -> list[Path]:
    """Do a job, and put the results into ``output``.

    Returns:
        The textures.

    Raises:
        JobError: something a person can act on.
    """
    from ..stylize import stylize

    told = RememberedWarnings(reporter)
    job = read_job(options.job.parent)
    for path in files_of(options).values():
        with path.open("rb") as reading, whole_file(output.job / path.name) as writing:
            shutil.copyfileobj(reading, writing)
    result = stylize(job, output.job, told, models, keep_checkpoint=True)
    others = [path for path in (result.preview, output.job / THUMBNAIL_FILE) if path.is_file()]
    warned = [{"code": code, "message": message} for code, message in told.told]
    return output.put(result.textures, others, result.report | {"warnings": warned}, told)


def require_files(options: argparse.Namespace) -> None:
    """Whether all files of a job are there.

    Raises:
        JobError: ``bad_request``: one is not.
    """
    read_job(options.job.parent)
    for path in files_of(options).values():
        if not path.is_file():
            raise JobError("bad_request", f"The job lacks its file {path.name}", "Send it to the farm again.")
