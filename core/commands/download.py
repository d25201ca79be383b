# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core download``: says what it would fetch, asks, and fetches the files of a profile."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.prompt import Confirm

from ..job import EXIT_STATUS, JobError
from ..models.model_download import RemoteFile, ask_hub, cache_folder, fetch, free_bytes, require_space
from ..models.model_files import missing_files, require_files
from ..models.profiles import profile


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed.

    Returns:
        Exit status: 0, or that of "cancelled" after Ctrl-C or a no.

    Raises:
        JobError: something a person can act on.
    """
    console = Console(stderr=True, highlight=False)
    model = profile(options.profile)
    if model.folder is not None:
        require_files(model)
    missing = missing_files(model)
    if not missing:
        console.print(f"Every file of the model {model.name} is on this computer.")
        return 0
    files = ask_hub(missing)
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
    console.print(f"The model {model.name} is complete.")
    return 0


def _show(files: Sequence[RemoteFile], console: Console) -> None:
    for repository, group in groupby(sorted(files, key=lambda file: (file.repository, file.path)), _repository):
        of_repository = list(group)
        console.print(f"{repository} {decimal(sum(file.size for file in of_repository))}", markup=False)
        for file in of_repository:
            console.print(f"    {decimal(file.size):>10}  {file.path}", markup=False)
    wanted, here = sum(file.size for file in files), sum(file.bytes_here for file in files)
    part = f", of which {decimal(here)} are here already" if here else ""
    console.print(f"{len(files)} files, {decimal(wanted)}{part}")
    console.print(f"To {cache_folder()} ({decimal(free_bytes())} free)", markup=False, soft_wrap=True)


def _repository(file: RemoteFile) -> str:
    return f"{file.repository} (revision {file.revision[:7]})"


def _agreed(console: Console) -> bool:
    if not sys.stdin.isatty():
        raise JobError(
            "bad_request", "Nothing was downloaded, since there is no terminal to ask", "Add --yes to agree beforehand."
        )
    return Confirm.ask("Download them?", default=False, console=console)


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
