# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual environment, ``.venv/`` in the checkout: built, repaired, or left alone when it is ready.

It is filled as the worker's environment on a user's computer is, but in place: a record inside it says what it was
built from and is written last. As long as that is missing or older than the locks, the environment counts as
unfinished, and the next command continues it: complete packages stay, half-installed ones are installed anew.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import (
    accelerators,
    consent,
    distributions,
    fill,
    lock as lock_files,
    pythons,
    system_packages,
    target as targets,
    tools,
)
from .checkout import BUILD, ENVIRONMENT
from .children import undisturbed
from .events import Reporter
from .installed import python_of, record_of, write_record
from .lock import Lock
from .messages import InstallError, SetupError, say
from .requirements import BLENDER_MODULE, TESTS, WORKER

DEVICE = "auto"
"""The checkout's environment follows the machine."""


def provide(
    blender_module: bool, tests: bool, named: str | None = None, more: Callable[[], Sequence[Path]] = tuple
) -> Path:
    """Make ``.venv/`` ready, whatever state it is in.

    Args:
        blender_module: whether Blender as a Python module must be in it.
        tests: whether what the tests need must be in it.
        named: the Python that the user named.
        more: gives further Pythons to make it with, when no other will do.

    Returns:
        Its Python program.

    Raises:
        SetupError: a step failed; what is done so far stays and is not done again. With the code ``no_python`` no
            Python will do for what is wanted.
    """
    wanted = [WORKER, *([BLENDER_MODULE] if blender_module else []), *([TESTS] if tests else [])]
    locks = [lock_files.read_of(requirements) for requirements in wanted]
    report = Reporter()
    sources = tools.Sources(BUILD / "uv")
    with _alone():
        _recover(ENVIRONMENT)
        if is_ready(ENVIRONMENT, locks) and _is_of(ENVIRONMENT, named):
            say(f"The environment {ENVIRONMENT} is ready")
            return python_of(ENVIRONMENT)
        if not tools.find_uv() and not tools.fetched_uv(sources):
            system_packages.provide(system_packages.missing_ensurepip())
        build(ENVIRONMENT, locks, sources, consent.by_terminal(report), report, named, more)
    return python_of(ENVIRONMENT)


def is_ready(folder: Path, locks: Sequence[Lock]) -> bool:
    """Whether ``folder`` holds a finished environment with the packages of ``locks``, perhaps with others, and every
    file of theirs.
    """
    record = record_of(folder)
    built_from = _fingerprints(record)
    return (
        _is_here(record, folder)
        and all(lock.fingerprint in built_from for lock in locks)
        and _starts(folder)
        and not distributions.incomplete(fill.site_packages(folder))
    )


def build(
    folder: Path,
    locks: Sequence[Lock],
    sources: tools.Sources,
    agree: consent.Agree,
    report: Reporter,
    named: str | None = None,
    more: Callable[[], Sequence[Path]] = tuple,
) -> None:
    """Fill the environment in ``folder`` with the packages of ``locks``.

    Args:
        folder: made when it is not there; kept when its Python will do.
        locks: the first one's PyTorch is installed.
        sources: where packages come from.
        agree: asked before a download that is much larger than this computer needs.
        report: told of the course.
        named: the Python that the user named.
        more: gives further Pythons to make it with, when no other will do.

    Raises:
        SetupError: a step failed.
    """
    _recover(folder)
    record = record_of(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists():
        raise SetupError(f"{folder} is there but is no Python environment. Move it away, then run this again.")
    report.stage("tool")
    tool = tools.provide(sources, report)
    report.note(f"The packages are installed with {tool.name}")
    report.stage("python")
    kept = _will_do(folder, locks) and _is_of(folder, named) and _is_here(record, folder)
    if kept:
        python = python_of(folder)
        report.note(f"Python: {python}, which is there")
    else:
        python = _find_python(tool, locks, report, named, more)
    if any("bpy" in lock.imports for lock in locks):
        system_packages.provide(system_packages.missing_for_blender())
    fill.tell_sizes(python, locks, DEVICE, report)
    report.stage("environment")
    if not kept:
        kind = accelerators.likely_device(DEVICE)
        with _put_aside(folder, report):
            targets.check_space(folder.parent, sum(lock.megabytes[kind] for lock in locks))
            tool.make_environment(python, folder)
            _fill(folder, locks, tool, agree, report, {})
        return
    if repaired := distributions.forget(fill.site_packages(folder)):
        report.note(f"Installed only in part, so installed anew: {', '.join(repaired)}")
    _fill(folder, locks, tool, agree, report, record)


def _fill(
    folder: Path,
    locks: Sequence[Lock],
    tool: tools.Uv | tools.Pip,
    agree: consent.Agree,
    report: Reporter,
    record: dict[str, Any],
) -> None:
    """The last steps of ``build``; ``record`` says what the environment holds already."""
    write_record(folder, {})
    if isinstance(tool, tools.Pip):
        tools.seed_pip(folder, report.log)
    try:
        versions = fill.fill(folder, locks, DEVICE, tool, agree, report)
    except fill.DamagedError as error:
        clean = f"{tool.program} cache clean" if isinstance(tool, tools.Uv) else "pip cache purge"
        hint = f"Remove {folder} and run the same command again; if that does not help, first: {clean}"
        raise InstallError("damaged", str(error).rstrip("."), hint) from error
    except InstallError as error:
        raise SetupError(f"{error}\nThe next run continues from here.") from error
    others = [each for each in _fingerprints(record)[1:] if each not in {lock.fingerprint for lock in locks}]
    write_record(
        folder,
        {
            "lock": locks[0].fingerprint,
            "more": [*(lock.fingerprint for lock in locks[1:]), *others],
            "device": DEVICE,
            "folder": str(folder),
            **versions,
        },
    )
    report.done(f"The environment {folder} is ready")


def _find_python(
    tool: tools.Uv | tools.Pip,
    locks: Sequence[Lock],
    report: Reporter,
    named: str | None,
    more: Callable[[], Sequence[Path]],
) -> Path:
    """As ``fill.find_python``; where nothing will do, root on Debian gets one of Debian's."""
    try:
        return fill.find_python(tool, locks, report, named, more=more)
    except InstallError as error:
        if error.code != "no_python" or named or not system_packages.may_install():
            raise
        system_packages.update()
        offered = pythons.debian_packages(locks)
        if offered is None:
            raise
        version, packages = offered
        system_packages.provide({f"{package} (for Python {pythons.text(version)})": package for package in packages})
        return fill.find_python(tool, locks, report, named, more=more)


def _fingerprints(record: dict[str, Any]) -> list[str]:
    """What the environment with ``record`` was built from, the worker's lock first."""
    return [record["lock"], *record.get("more", [])] if record else []


def _is_here(record: dict[str, Any], folder: Path) -> bool:
    """Whether the environment was built where it is: its programs know their Python by its path."""
    return record.get("folder", str(folder)) == str(folder)


def _will_do(folder: Path, locks: Sequence[Lock]) -> bool:
    """Whether the environment's own Python will do for ``locks``."""
    version = pythons.version_of(python_of(folder))
    return version is not None and not any(lock.on(version).missing for lock in locks)


def _is_of(folder: Path, named: str | None) -> bool:
    """Whether the environment's Python has the version of the one that the user named, if one was named."""
    return named is None or pythons.version_of(python_of(folder)) == pythons.version_of(Path(named))


def _starts(folder: Path) -> bool:
    return pythons.version_of(python_of(folder)) is not None


@contextmanager
def _put_aside(folder: Path, report: Reporter) -> Iterator[None]:
    """Make room for another environment in ``folder``; one that works comes back when the other is not finished.

    Whoever is asked before a large download, and declines, or has no network, still has what was there.
    """
    aside = folder.with_name(f"{folder.name}.before")
    record = record_of(folder)
    works = bool(record) and _is_here(record, folder) and _starts(folder)
    if folder.exists():
        report.note(f"The environment {folder} does not work with this Python, so it is made anew")
    if not works:
        if folder.exists():
            shutil.rmtree(folder)
        yield
        return
    folder.rename(aside)
    try:
        yield
    except BaseException:
        with undisturbed():
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)
            report.note(f"The environment {folder} that was there is back")
        raise
    shutil.rmtree(aside)


def _recover(folder: Path) -> None:
    """Undo what a killed command put aside."""
    aside = folder.with_name(f"{folder.name}.before")
    if not aside.exists():
        return
    if record_of(folder):
        shutil.rmtree(aside)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one command at a time change the environment; another waits."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    BUILD.mkdir(exist_ok=True)
    with (BUILD / "environment.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is preparing the environment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
