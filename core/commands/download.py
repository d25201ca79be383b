# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core download``: says what it would fetch, under which licences, asks, and fetches a profile's files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.prompt import Confirm

from ..job import EXIT_STATUS, JobError
from ..models.licences import USE_RESTRICTIONS, licences_of
from ..models.model_download import RemoteFile, ask_hub, fetch, free_bytes, require_space
from ..models.model_files import ModelFile, missing_files, require_downloadable
from ..models.places.use import download_place, require_folder
from ..models.profiles import profile
from .download_events import fetch_with_events
from .events import in_events


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed.

    Returns:
        Exit status: 0, or that of "cancelled" after Ctrl-C or a no.

    Raises:
        JobError: something a person can act on.
    """
    if options.json_events:
        return in_events(partial(_download, options))
    console = Console(stderr=True, highlight=False)
    _, missing = _missing(options)
    if not missing:
        console.print(f"Every file of the model {options.profile} is on this computer.")
        return 0
    files = ask_hub(missing, download_place(options.models))
    _show(files, console)
    require_space(files)
    if not options.yes and not _agreed(console):
        console.print("Nothing was downloaded.")
        return EXIT_STATUS["cancelled"]
    try:
        _fetch_all(files, console)
    except KeyboardInterrupt:
        console.print("Stopped. What has arrived is kept; the same command goes on from there.")
        return EXIT_STATUS["cancelled"]
    console.print(f"The model {options.profile} is complete.")
    return 0


def _download(options: argparse.Namespace) -> dict[str, Any]:
    """Without a question, telling of it in events; returns those of its end."""
    if not options.yes:
        raise JobError("bad_request", "Nothing was downloaded: the licences were not accepted", "Add --yes.")
    title, missing = _missing(options)
    if missing:
        files = ask_hub(missing, download_place(options.models))
        require_space(files)
        fetch_with_events(files)
    return {"text": f"{title} is complete"}


def _missing(options: argparse.Namespace) -> tuple[str, tuple[ModelFile, ...]]:
    """What people call the model, and its files that a download would bring."""
    folder: Path | None = options.models
    if folder is not None and folder.exists():
        # One that is not there yet is made.
        require_folder(folder)
    model = profile(options.profile, folder)
    require_downloadable(model)
    return model.title, missing_files(model)


def _show(files: Sequence[RemoteFile], console: Console) -> None:
    for repository, group in groupby(sorted(files, key=lambda file: (file.repository, file.path)), _repository):
        of_repository = list(group)
        console.print(f"{repository} {decimal(sum(file.size for file in of_repository))}", markup=False)
        for file in of_repository:
            console.print(f"    {decimal(file.size):>10}  {file.path}", markup=False)
    wanted, here = sum(file.size for file in files), sum(file.bytes_here for file in files)
    part = f", of which {decimal(here)} are here already" if here else ""
    console.print(f"{len(files)} files, {decimal(wanted)}{part}")
    cache = files[0].cache
    console.print(f"To {cache} ({decimal(free_bytes(cache))} free)", markup=False, soft_wrap=True)
    licences = licences_of(file.repository for file in files)
    for licence in dict.fromkeys(licences.values()):
        of = ", ".join(repository for repository, other in licences.items() if other == licence)
        console.print(f"Licence {licence.name} ({licence.address}): {of}", markup=False, soft_wrap=True)
    if any(licence.restricts_use for licence in licences.values()):
        console.print("The OpenRAIL licences ask everybody who uses the model", soft_wrap=True)
        for restriction in USE_RESTRICTIONS:
            console.print(f"    {restriction}", soft_wrap=True)


def _repository(file: RemoteFile) -> str:
    return f"{file.repository} (revision {file.revision[:7]})"


def _agreed(console: Console) -> bool:
    if not sys.stdin.isatty():
        raise JobError(
            "bad_request", "Nothing was downloaded, since there is no terminal to ask", "Add --yes to agree beforehand."
        )
    return Confirm.ask("Accept these licences? Download them?", default=False, console=console)


def _fetch_all(files: Sequence[RemoteFile], console: Console) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=sum(file.size for file in files))
        done = 0
        for number, file in enumerate(files, 1):
            progress.update(task, description=f"{number} of {len(files)}", completed=done + file.bytes_here)
            fetch(file, lambda count: progress.advance(task, count))
            done += file.size
            progress.update(task, completed=done)
            console.print(f"Arrived: {file.repository}/{file.path}", markup=False, soft_wrap=True)
