# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the worker's Python is, and where jobs and logs are kept."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...core.job import JobError
from ...vendor_install.installed import current_environment, default_target, python_of
from ..folders.kept import kept_place

PACKAGE = __name__.rsplit(".", 3)[0]
"""The add-on's package: ``bl_ext.<repository>.styletex`` when installed as an extension."""
PACKAGE_FOLDER = Path(__file__).resolve().parents[2]
"""The folder that holds ``core``: the extension's, or the checkout's."""
COMMAND_VARIABLE = "STYLETEX_WORKER"
"""Environment variable that replaces the worker's command: a JSON list of strings."""

NOT_INSTALLED = "PyTorch and what else StyleTex computes with are not installed"
"""What ``worker_command`` says when there is none anywhere."""

_PYTHONS = tuple(
    f"{folder}{name}"
    for folder in ("", "bin/", "Scripts/", ".venv/bin/", ".venv/Scripts/")
    for name in (("python.exe",) if sys.platform == "win32" else ("python3", "python"))
)
"""Where the program is in the folder of a Python, of a virtual environment, or of a project that has one."""


@dataclass(frozen=True)
class WorkerCommand:
    """How to start the worker."""

    command: tuple[str, ...]
    """The program and its arguments."""
    origin: str
    """Where it was found, for people."""


def worker_command() -> WorkerCommand:
    """The command that starts the worker.

    The first of these that is there: the Python of the preferences, ``STYLETEX_WORKER``, the environment that is
    current in ``env`` in the extension's own folder, ``.venv`` beside the source, what ``vendor_install install`` made
    without a target.

    Raises:
        JobError: ``dependencies`` when there is none, or when a place that was named is wrong.
    """
    chosen = preference("worker_python", "")
    if chosen:
        return _python_worker(own_python(Path(bpy.path.abspath(chosen))), "the add-on's preferences")
    if named := os.environ.get(COMMAND_VARIABLE):
        return WorkerCommand(_parse_command(named), f"the environment variable {COMMAND_VARIABLE}")
    for folder, origin in _environments():
        environment = current_environment(folder)
        if environment and python_of(environment).is_file():
            return _python_worker(python_of(environment), origin)
    hint = "Install it in the preferences" if is_extension() else "Run: python3 -m vendor_install install"
    raise JobError("dependencies", NOT_INSTALLED, hint)


def core_command(*arguments: str) -> list[str]:
    """The command that runs another command of ``core`` in the worker's environment.

    Raises:
        JobError: ``dependencies``: there is no such environment, or the worker was named and is none of ``core``.
    """
    found = worker_command()
    if "worker" not in found.command:
        raise JobError("dependencies", f"The worker of {found.origin} has no other commands")
    return [*found.command[: found.command.index("worker")], *arguments]


def models_folder() -> Path | None:
    """The folder of the preferences where models are looked for first; ``None`` where none is chosen."""
    chosen = str(preference("models_folder", ""))
    return Path(bpy.path.abspath(chosen)).absolute() if chosen else None


def own_python(place: Path) -> Path:
    """The Python program that somebody means by ``place``: itself, or the one in that folder.

    Raises:
        JobError: ``dependencies``: there is none.
    """
    if place.is_file():
        return place
    for name in _PYTHONS:
        if (place / name).is_file():
            return place / name
    raise JobError("dependencies", f"There is no Python at {place}", "Correct the path in the add-on's preferences")


def preference(name: str, default: str | int) -> str | int:
    """A value of the add-on's preferences, or ``default`` where the add-on runs from a checkout."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    return getattr(addon.preferences, name) if addon else default


def jobs_folder() -> Path:
    """The folder for job folders; see ``job_folder``."""
    return own_data_folder("jobs")


def kept_folder() -> Path:
    """The folder for finished textures that could not be put on their objects; see ``landing.kept``."""
    return kept_place(jobs_folder())


def log_path() -> Path:
    """The file that the worker's messages go to."""
    chosen = preference("log_folder", "")
    folder = Path(bpy.path.abspath(chosen)) if chosen else own_data_folder("logs")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "worker.log"


def own_data_folder(name: str) -> Path:
    """A folder of the person's own for what StyleTex keeps, made if need be."""
    if is_extension():
        return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path=f"styletex/{name}", create=True))


def install_target() -> Path:
    """The folder that the preferences' Install fills: the extension's own, or the user's for a checkout."""
    if is_extension():
        return Path(bpy.utils.extension_path_user(PACKAGE, path="env", create=False))
    return default_target()


def is_extension() -> bool:
    """Whether the add-on was installed as an extension, so that it has a folder of its own."""
    return PACKAGE.startswith("bl_ext.")


def _environments() -> list[tuple[Path, str]]:
    places = [
        (PACKAGE_FOLDER / ".venv", "the folder .venv beside the source"),
        (default_target(), "the user's own environment"),
    ]
    if is_extension():
        places.insert(0, (install_target(), "the extension's own environment"))
    return places


def _python_worker(python: Path, origin: str) -> WorkerCommand:
    # In a window ``warm_worker`` ends it after its idle time; this is for when Blender cannot. With 0 the worker would
    # leave before its first job.
    idle_minutes = max(1, int(preference("idle_minutes", 10)))
    command = [str(python), "-u", "-m", "core", "worker", "--idle-minutes", str(idle_minutes)]
    folder = models_folder()
    return WorkerCommand((*command, *(() if folder is None else ("--models", str(folder)))), origin)


def _parse_command(text: str) -> tuple[str, ...]:
    try:
        command = json.loads(text)
    except ValueError:
        command = None
    if not (isinstance(command, list) and command and all(isinstance(part, str) for part in command)):
        raise JobError("dependencies", f"{COMMAND_VARIABLE} is {text!r}; it must be a JSON list of strings")
    return tuple(command)
