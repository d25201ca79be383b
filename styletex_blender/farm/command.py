# SPDX-License-Identifier: GPL-3.0-or-later
"""The batch command of a farm: a process that goes on when Blender ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ...core.job import JobError
from ...core.protocol import BATCH_TURN, PARENT_VARIABLE
from ..folders.job_folder import is_locked
from ..worker.environment import PACKAGE_FOLDER, core_command, models_folder
from ..worker.process import scrubbed_environment
from .place import Farm

LOG_FILE = "command.log"
"""In the farm's own folder: what its commands said."""
_LARGEST_LOG = 1_000_000
if sys.platform == "win32":
    _APART = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _APART = 0

_started: dict[Path, subprocess.Popen[bytes]] = {}


def start(farm: Farm) -> None:
    """Have the jobs in the farm's folder done; where a command is at work there, when that has ended.

    Raises:
        JobError: ``dependencies``: there is no worker; ``bad_request``: it cannot be started.
    """
    if farm.is_shared:
        return
    command = core_command("batch", str(farm.jobs), "--output", str(farm.results), "--in-turn")
    if (models := models_folder()) is not None:
        command += ["--models", str(models)]
    if farm.ray is not None:
        command += ["--ray", farm.ray]
    environment = scrubbed_environment(os.environ)
    # The one thing that makes a process end with Blender.
    del environment[PARENT_VARIABLE]
    try:
        with _log(farm).open("ab") as log:
            _started[farm.folder] = subprocess.Popen(
                command,
                cwd=PACKAGE_FOLDER,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                creationflags=_APART,
            )
    except OSError as error:
        text = f"The farm's command cannot be started: {error.strerror or error}"
        raise JobError("bad_request", text, "Install or repair the environment in the preferences") from error


def is_at_work(farm: Farm) -> bool:
    """Whether a command works on the farm, or is about to."""
    started = _started.get(farm.folder)
    if started is not None and started.poll() is None:
        return True
    return is_locked(farm.results / BATCH_TURN)


def last_words(farm: Farm) -> str:
    """Why the farm's last command ended, as it said so itself; empty where it did not."""
    path = farm.folder / LOG_FILE
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return next((line.removeprefix("Error: ") for line in reversed(lines[-5:]) if line.startswith("Error: ")), "")


def _log(farm: Farm) -> Path:
    path = farm.folder / LOG_FILE
    if path.is_file() and path.stat().st_size > _LARGEST_LOG:
        path.replace(path.with_suffix(".old.log"))
    return path
