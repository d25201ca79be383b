# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the installer's commands, one at a time: stepped by a timer in a window and by a loop in the background."""

from __future__ import annotations

import time
from collections.abc import Sequence

import bpy

from ..translation.translate import _
from ..worker import runner, warm_worker
from ..worker.environment import PACKAGE_FOLDER, install_target, log_path
from .installer_process import InstallerProcess
from .installer_python import installer_command
from .installer_run import InstallerRun

TICK_SECONDS = 0.1
"""Time between two looks at the installer."""
LOG_NAME = "install.log"
"""Beside the worker's log."""

_process: InstallerProcess | None = None
_run: InstallerRun | None = None
_last_check: InstallerRun | None = None
_drawn: tuple[object, ...] = ()


def current_run() -> InstallerRun | None:
    """The command that runs or, when none does, the last one."""
    return _run


def running() -> InstallerRun | None:
    """The command that runs, or ``None``."""
    return _run if _process is not None else None


def last_check() -> InstallerRun | None:
    """What ``doctor`` says, or said since something was last installed or removed."""
    return _last_check


def why_not(changes: bool) -> str:
    """Why no command can be begun now, as a sentence without a full stop, or nothing.

    Args:
        changes: whether it would change what is installed.
    """
    if running() is not None:
        return _("The installer is at work: wait for it, or cancel it")
    if changes and runner.running() is not None:
        return _("A texture is being made: wait for it, or cancel it")
    return ""


def begin(command: str, arguments: Sequence[str] = (), python: str = "") -> InstallerRun:
    """Start a command of the installer; a warm worker without a job is ended before anything is changed.

    Args:
        command: "install", "doctor" or "remove".
        arguments: its options besides the target and those that connect it with Blender.
        python: for "doctor", the Python to try in place of what is installed.

    Raises:
        JobError: ``dependencies``: Blender's Python, the installer or its log cannot be opened.
    """
    global _process, _run, _last_check
    run = InstallerRun(command, python)
    whole = [command, "--target", str(install_target()), "--json-events", "--end-with-input", *arguments]
    whole += ["--python", python] if python else []
    process = InstallerProcess(installer_command(whole), PACKAGE_FOLDER, log_path().with_name(LOG_NAME))
    if run.changes:
        warm_worker.close()
    _process, _run = process, run
    _last_check = run if command == "doctor" else None
    return run


def begin_in_window(command: str, arguments: Sequence[str] = (), python: str = "") -> InstallerRun:
    """As ``begin``; a timer follows it, while the window goes on answering."""
    run = begin(command, arguments, python)
    bpy.app.timers.register(_tick, first_interval=TICK_SECONDS, persistent=True)
    _redraw_what_changed()
    return run


def carry_out(command: str, arguments: Sequence[str] = (), python: str = "") -> InstallerRun:
    """As ``begin``; returns when it is over. For the background, where timers do not run."""
    run = begin(command, arguments, python)
    try:
        while step():
            time.sleep(TICK_SECONDS)
    except KeyboardInterrupt:
        abandon()
        raise
    return run


def step() -> bool:
    """Take in what the installer said since the last time; whether it still runs."""
    global _process
    if _process is None or _run is None:
        return False
    for event in _process.events():
        _run.take(event)
    if _process.over:
        _process = None
    return _process is not None


def cancel() -> None:
    """Ask the installer to end; what was installed before stays in use."""
    if _process is not None and _run is not None:
        _run.wants_cancel = True
        _process.cancel()


def abandon() -> None:
    """End the installer at once, because Blender or the add-on goes away."""
    global _process, _run, _last_check
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _process is not None:
        _process.close()
    _process = _run = _last_check = None


def _tick() -> float | None:
    """The timer."""
    goes_on = step()
    _redraw_what_changed()
    return TICK_SECONDS if goes_on else None


def _redraw_what_changed() -> None:
    """Redraw the preferences when their words changed, and the sidebar when the installer began or ended."""
    global _drawn
    run = _run
    if run is None:
        return
    over = run.ending is not None
    words = (id(run), over, run.number, run.percent, len(run.findings), run.wants_cancel, int(run.seconds))
    old_words, _drawn = _drawn, words
    kinds = {"PREFERENCES"} if words[:2] == old_words[:2] else {"PREFERENCES", "VIEW_3D"}
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in kinds and words != old_words:
                area.tag_redraw()
