# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core batch``: its options, and running it. Imports nothing heavy before it has something to do."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from .batch_folder import BatchFolder
    from .log import BatchLog
    from .make import Make
    from .manifest import Item, Parse

SOME_FAILED = 1
"""Exit status when an item failed; how many, the summary says."""


def run(options: argparse.Namespace, given: Mapping[str, Any], parse: Parse) -> int:
    """Do what ``core.command_line`` parsed.

    Args:
        options: ``manifest``, ``output`` and ``models``.
        given: the options of ``core stylize`` that the command line has, by the names that ``argparse`` gives them.
        parse: reads the options of one item.

    Returns:
        Exit status: 0; ``SOME_FAILED``; or that of "cancelled", or of SIGTERM, when it was ended.

    Raises:
        JobError: the manifest or the folder cannot be used.
    """
    from .manifest import read_manifest

    absolute = {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in given.items()}
    items = read_manifest(options.manifest, absolute, _with_models(parse, options.models))
    return texture_all(items, options.output)


def texture_all(items: Sequence[Item], output: Path, make: Make | None = None) -> int:
    """Texture the items, in this process; returns the exit status.

    Args:
        items: of the manifest.
        output: folder for the results.
        make: makes one result; ``None`` stylizes.

    Raises:
        JobError: the folder cannot be used.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from ..commands.interruptions import Interruptions
    from .batch_folder import BatchFolder
    from .log import BatchLog, ItemReporter
    from .make import stylizer
    from .one_by_one import work_through

    folder = BatchFolder(output)
    console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        log = BatchLog(folder.path, console, progress, len(items))
        reporter = ItemReporter(progress, console, log)

        def give_up() -> None:
            console.show_cursor()
            _say_farewell(log)

        interruptions = Interruptions(reporter, console.print, give_up)
        try:
            with interruptions:
                work_through(items, folder, make or stylizer(), reporter, log)
        except KeyboardInterrupt:
            progress.stop()
            _say_farewell(log)
            console.file.flush()
            # Python takes PyTorch down for seconds.
            os._exit(interruptions.status)
        finally:
            progress.stop()
            failed = _sum_up(items, folder, console, log)
    return SOME_FAILED if failed else 0


def _say_farewell(log: BatchLog) -> None:
    log.write("stopped")
    log.say("Stopped. What is finished stays, and the same command goes on with the rest from its checkpoint.")


def _sum_up(items: Sequence[Item], folder: BatchFolder, console: Console, log: BatchLog) -> int:
    """Show and write how all stand; returns how many have failed."""
    from ..storage.optional import cause
    from .summary import DONE, FAILED, show_summary, summarise, write_summary

    rows = summarise(items, folder)
    show_summary(rows, console)
    counts = {state: sum(row.state == state for row in rows) for state in (DONE, FAILED)}
    log.write("end", **counts)
    try:
        write_summary(rows, folder)
    except OSError as error:
        log.say(f"Warning: the summary in {folder.path} cannot be written: {cause(error)}")
    if not folder.can_lock:
        log.say(f"Warning: {folder.path} cannot be locked; let only one command work there")
    return counts[FAILED]


def _with_models(parse: Parse, models: Path | None) -> Parse:
    if models is None:
        return parse
    return lambda arguments: parse([f"--models={models.absolute()}", *arguments])
