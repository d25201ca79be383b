# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core batch``: its options, and running it. Imports nothing heavy before it has something to do."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..job import JobError

if TYPE_CHECKING:
    from rich.console import Console

    from .batch_folder import BatchFolder
    from .log import BatchLog, ItemReporter
    from .manifest import Item, Parse

ONE_FAILED = 11
"""Exit status when one item failed, one more for each further one, apart from those of ``core.job.EXIT_STATUS``."""
MOST_TOLD = 90
"""Failed items from which on the exit status stays the same."""


def run(options: argparse.Namespace, given: Mapping[str, Any], parse: Parse) -> int:
    """Do what ``core.command_line`` parsed.

    Args:
        options: ``manifest``, ``output``, ``models``, ``ray``, ``workers`` and ``in_turn``.
        given: the options of ``core stylize`` that the command line has, by the names that ``argparse`` gives them.
        parse: reads the options of one item.

    Returns:
        Exit status: 0; ``ONE_FAILED`` and up when items failed; or that of "cancelled", or of SIGTERM, when it was
        ended.

    Raises:
        JobError: the manifest or the folder cannot be used.
    """
    if options.workers is not None and options.ray is None:
        raise JobError("bad_request", "--workers goes with --ray", "Without Ray, give the command several times.")
    if options.workers is not None and options.workers < 1:
        raise JobError("bad_setting", f"--workers is {options.workers}; it must be at least 1")
    if options.ray is not None:
        from .on_ray import require_ray

        require_ray()
    if not options.in_turn:
        return _texture_all(_items(options, given, parse), options.output, options.ray, options.workers)
    from .batch_folder import BatchFolder

    with BatchFolder(options.output).in_turn():
        # What was to be done may be done by now.
        return _texture_all(_items(options, given, parse), options.output, options.ray, options.workers)


def _items(options: argparse.Namespace, given: Mapping[str, Any], parse: Parse) -> list[Item]:
    from ..models.places.use import require_folder
    from .exported import exported_items, job_folders
    from .manifest import as_manifest, read_manifest

    manifest: Path = options.manifest
    require_folder(options.models)
    models = None if options.models is None else options.models.absolute()
    if manifest.is_dir() and job_folders(manifest):
        if given:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise JobError("bad_request", f"The jobs in {manifest} say themselves how they are textured, not {names}")
        return exported_items(manifest.absolute(), models)
    return read_manifest(manifest, as_manifest(given), _with_models(parse, models))


def _texture_all(items: Sequence[Item], output: Path, address: str | None, workers: int | None) -> int:
    """Texture the items, on the Ray cluster at ``address`` or in this process; returns the exit status."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from ..commands.interruptions import Interruptions
    from .batch_folder import BatchFolder
    from .log import BatchLog, ItemReporter

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
                _work_through(items, folder, reporter, log, address, workers)
        except KeyboardInterrupt:
            progress.stop()
            _say_farewell(log)
            console.file.flush()
            # Python takes PyTorch down for seconds.
            os._exit(interruptions.status)
        finally:
            progress.stop()
            failed = _sum_up(items, folder, console, log)
    return ONE_FAILED - 1 + min(failed, MOST_TOLD) if failed else 0


def _work_through(
    items: Sequence[Item],
    folder: BatchFolder,
    reporter: ItemReporter,
    log: BatchLog,
    address: str | None,
    workers: int | None,
) -> None:
    if address is None:
        from . import make, one_by_one

        one_by_one.work_through(items, folder, make.stylizer(), reporter, log)
        return
    from .on_ray import Farm

    farm = Farm(address, workers)
    try:
        farm.work_through(items, folder, reporter, log)
    finally:
        farm.close()


def _say_farewell(log: BatchLog) -> None:
    log.write("stopped")
    log.say("Stopped. What is finished stays, and the same command goes on with the rest from its checkpoint.")


def _sum_up(items: Sequence[Item], folder: BatchFolder, console: Console, log: BatchLog) -> int:
    """Show and write how all stand; returns how many have failed."""
    from ..storage.optional import cause
    from .summary import DONE, FAILED, show_summary, summarise, write_summary

    rows = summarise([item for item in items if not item.is_withdrawn], folder)
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
    return lambda arguments: parse([f"--models={models}", *arguments])
