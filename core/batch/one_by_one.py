# SPDX-License-Identifier: GPL-3.0-or-later
"""Works through the items of a batch in this process, beside whoever else works through them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..failure import as_job_error, is_beyond_repair, release_memory
from ..job import JobError
from ..reporting import Cancelled
from ..storage.optional import cause
from .batch_folder import BatchFolder
from .inputs import inputs_of
from .log import BatchLog, ItemReporter
from .make import Make, make_in
from .manifest import Item


def work_through(items: Sequence[Item], folder: BatchFolder, make: Make, reporter: ItemReporter, log: BatchLog) -> None:
    """Make every item that is not finished, and leave those to others that others are at.

    An item that fails is recorded; the others go on.

    Raises:
        JobError: ``worker_died``: the accelerator is in a state that only a new process mends.
        KeyboardInterrupt: the command is to end; the item's checkpoint is kept.
    """
    waiting, settled = list(items), True
    # Who was at an item may have been killed meanwhile; so once more, as long as there is anything to find.
    while waiting and settled:
        left = [item for item in waiting if not _settle(item, folder, make, reporter, log)]
        waiting, settled = left, len(left) < len(waiting)
    for item in waiting:
        log.write("left to another command", item=item.name)


def _settle(item: Item, folder: BatchFolder, make: Make, reporter: ItemReporter, log: BatchLog) -> bool:
    """Whether the item is finished or has failed; else another command is at it."""
    reporter.item, reporter.is_withdrawn = item.name, lambda: item.is_withdrawn
    reporter.stage("item", "Beginning")
    with folder.claim(item.name) as is_ours:
        if not is_ours:
            return False
        begun = time.monotonic()
        if item.is_withdrawn:
            withdraw(item.name, folder, log)
            return True
        try:
            inputs = inputs_of(item)
            if folder.is_finished(item.name, inputs):
                log.finished_before(item.name)
                return True
            if folder.has_failed_meanwhile(item.name):
                log.failed_elsewhere(item.name)
                return True
            log.write("item", item=item.name)
            make_in(folder.unfinished(item.name, inputs), item.options, make, reporter)
            folder.finish(item.name)
        except Cancelled:
            if reporter.ending or not item.is_withdrawn:
                # Before the first step there is nothing to keep.
                raise KeyboardInterrupt from None
            withdraw(item.name, folder, log)
        except Exception as error:
            if reporter.ending:
                raise KeyboardInterrupt from error
            fail(item.name, as_job_error(error), folder, log)
            if is_beyond_repair(error):
                raise JobError(
                    "worker_died",
                    f"The graphics device failed at {item.name} such that only a new process can use it",
                    "Give the same command again: it goes on with the rest.",
                ) from error
            release_memory()
        else:
            log.made(item.name, time.monotonic() - begun)
    return True


def withdraw(name: str, folder: BatchFolder, log: BatchLog) -> None:
    """Nobody wants an item any more."""
    folder.drop(name)
    log.withdrawn(name)


def fail(name: str, error: JobError, folder: BatchFolder, log: BatchLog) -> None:
    """Record that an item failed, as far as the disk lets us."""
    log.failed(name, error)
    try:
        folder.record_failure(name, error)
    except OSError as why:
        log.say(f"Warning: that {name} failed cannot be recorded: {cause(why)}")
