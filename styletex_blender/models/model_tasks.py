# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and downloads models by commands of ``core``: followed by a timer in a window, by a loop in the background."""

from __future__ import annotations

import time

import bpy

from ...core.job import JobError
from ..install.installer_run import InstallerRun
from ..worker.environment import core_command, models_folder
from .catalogue import Catalogue
from .core_task import TICK_SECONDS, CoreTask

_listing: CoreTask | None = None
_download: CoreTask | None = None
_last_download: InstallerRun | None = None
_model = ""
_catalogue: Catalogue | None = None
_problem = ""
_listed: tuple[str, ...] = ()
_drawn: tuple[object, ...] = ()


def catalogue() -> Catalogue | None:
    """The models as they were when they were last listed; ``None`` before that."""
    return _catalogue


def problem() -> str:
    """Why they could not be listed; empty while nothing is known of that."""
    return _problem


def is_listing() -> bool:
    """Whether they are being listed."""
    return _listing is not None


def downloading() -> InstallerRun | None:
    """The download that goes on."""
    return _download.run if _download is not None else None


def last_download() -> tuple[str, InstallerRun | None]:
    """The model that is being downloaded or was last, and how that goes or came out."""
    return _model, _download.run if _download is not None else _last_download


def forget_outcome() -> None:
    """Speak of the last download no more."""
    global _last_download
    _last_download = None


def want_list() -> None:
    """Have the models listed soon unless that was done for this models folder. May be called in a draw."""
    if _listing is None and _listed != _key() and not bpy.app.timers.is_registered(_list_soon):
        bpy.app.timers.register(_list_soon, first_interval=0.0)


def list_anew() -> None:
    """List the models; in the background, wait for the end."""
    global _listing, _listed, _problem
    if _listing is not None:
        return
    _listed = _key()
    try:
        _listing = CoreTask("models", "The list of models", ["models"], _take_list)
    except JobError as error:
        _problem = error.message
        return
    _follow()


def download(name: str) -> InstallerRun:
    """Begin to download the model called ``name``, whose licences were accepted; in the background, wait for the end.

    Raises:
        JobError: ``dependencies``: there is nothing to do it with; ``bad_request``: a download goes on already.
    """
    global _download, _model, _last_download
    if _download is not None:
        raise JobError("bad_request", "A model is being downloaded already", "Wait for it, or cancel it")
    _download = CoreTask("download", "The download", ["download", "--profile", name, "--yes"], _take_download)
    _model, _last_download = name, None
    run = _download.run
    _follow()
    return run


def cancel() -> None:
    """Stop the download; what has arrived is kept for the next one."""
    if _download is not None:
        _download.run.wants_cancel = True
        _download.process.cancel()


def abandon() -> None:
    """End everything, because Blender or the add-on goes away, and forget what was known."""
    global _listing, _download, _catalogue, _listed, _last_download, _problem
    for timer in (_tick, _list_soon):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for task in (_listing, _download):
        if task is not None:
            task.process.close()
    _listing = _download = _catalogue = _last_download = None
    _listed, _problem = (), ""


def step() -> bool:
    """Take in what the processes said; whether one still runs."""
    global _listing, _download
    for task in (_listing, _download):
        if task is not None and not task.step():
            if task is _listing:
                _listing = None
            if task is _download:
                _download = None
    return _listing is not None or _download is not None


def _take_list(run: InstallerRun) -> None:
    global _catalogue, _problem
    ending = run.ending or {}
    try:
        _catalogue, _problem = Catalogue.from_event(ending), ""
    except (KeyError, TypeError):
        _problem = str(ending.get("message", "The models could not be listed"))


def _take_download(run: InstallerRun) -> None:
    global _last_download, _listed
    _last_download = run
    _listed = ()
    if bpy.app.background:
        return
    want_list()


def _key() -> tuple[str, ...]:
    """What a list depends on."""
    try:
        return (*core_command("models"), str(models_folder()))
    except JobError as error:
        return (error.message,)


def _list_soon() -> None:
    list_anew()


def _follow() -> None:
    if bpy.app.background:
        while step():
            time.sleep(TICK_SECONDS)
        return
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_SECONDS, persistent=True)
    _redraw()


def _tick() -> float | None:
    """The timer."""
    goes_on = step()
    _redraw()
    return TICK_SECONDS if goes_on else None


def _redraw() -> None:
    """Redraw the sidebar and the preferences when their words changed."""
    global _drawn
    _, run = last_download()
    shown = () if run is None else (id(run), run.number, run.percent, run.ending is not None, run.wants_cancel)
    words = (*shown, _listing is None, id(_catalogue), _problem)
    if words == _drawn:
        return
    _drawn = words
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"PREFERENCES", "VIEW_3D"}:
                area.tag_redraw()
