# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of ``core`` that tells in events how it goes, beside the worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..install.installer_process import InstallerProcess
from ..install.installer_run import InstallerRun
from ..worker.environment import PACKAGE_FOLDER, core_command, log_path, models_folder

TICK_SECONDS = 0.1
"""Time between two looks at a process."""
LOG_NAME = "models.log"
"""Beside the worker's log."""


class CoreTask:
    """The command while it runs."""

    def __init__(self, name: str, title: str, arguments: Sequence[str], over: Callable[[InstallerRun], None]) -> None:
        """Start it, which people know by ``title``; ``over`` is called at its end.

        Raises:
            JobError: ``dependencies``: there is nothing to run it with, or the log cannot be written.
        """
        folder = models_folder()
        where = ["--models", str(folder)] if folder is not None else []
        command = core_command(*arguments, "--json-events", *where)
        self.process = InstallerProcess(command, PACKAGE_FOLDER, log_path().with_name(LOG_NAME), title)
        self.run = InstallerRun(name)
        self._over = over

    def step(self) -> bool:
        """Take in what it said; whether it still runs."""
        for event in self.process.events():
            self.run.take(event)
        if self.process.over:
            self._over(self.run)
        return not self.process.over
