# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that environments are built in: where it is, what would go wrong there, and one installer at a time."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .installed import POINTER, current_environment, environments
from .messages import InstallError

CACHE = "cache"
"""In the target: downloads, so that an interrupted installation continues."""
BOOTSTRAP = "bootstrap"
"""In the target: the small environment that uv runs from where the system has none."""
LOCK = "installing.lock"
"""In the target: held while an installer runs."""
PYTHONS = "python"
"""In the target: a Python that uv downloaded."""
_OWN = (CACHE, BOOTSTRAP, PYTHONS, LOCK, POINTER, f"{POINTER}.new")
_LONGEST_ON_WINDOWS = 110
"""The deepest file of PyTorch lies 145 characters further down, and Windows allows 259."""


def check(target: Path, megabytes: int) -> None:
    """Refuse a target in which the installation would fail later.

    Raises:
        InstallError: ``bad_target``, ``read_only`` or ``disk_full``.
    """
    text = str(target)
    if bad := next((sign for sign in (os.pathsep, "\n", "\r", '"') if sign in text.removeprefix(target.drive)), None):
        raise InstallError(
            "bad_target",
            f"The path {text!r} contains {bad!r}, which Python environments do not allow",
            "Choose another",
        )
    if sys.platform == "win32" and len(text) > _LONGEST_ON_WINDOWS:
        message = f"The path {text} has {len(text)} characters; on Windows at most {_LONGEST_ON_WINDOWS} are possible"
        raise InstallError("bad_target", message, "Choose a shorter one")
    try:
        target.mkdir(parents=True, exist_ok=True)
        own = _OWN if is_ours(target) else ()
        foreign = [path.name for path in target.iterdir() if path.name not in own and path not in environments(target)]
        # Not os.access: root is told that it may write to a disk that is mounted read-only, and so are some on Windows.
        probe = target / f"{POINTER}.new"
        probe.touch()
        probe.unlink()
    except (NotADirectoryError, FileExistsError) as error:
        raise InstallError("bad_target", f"{target} is not a folder", "Choose another target") from error
    except OSError as error:
        message = f"The folder {target} cannot be written to: {error.strerror}"
        raise InstallError("read_only", message, "Choose another with --target") from error
    if foreign:
        raise InstallError(
            "bad_target", f"{target} holds other things ({', '.join(sorted(foreign)[:3])})", "Choose an empty folder"
        )
    check_space(target, megabytes, "Free space, or choose another disk with --target")


def check_space(folder: Path, megabytes: int, hint: str = "Free space") -> None:
    """Refuse a disk that would be full before the end.

    Raises:
        InstallError: ``disk_full``.
    """
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        message = f"The installation needs {megabytes:,} MB of space in {folder}, which has {free:,} MB"
        raise InstallError("disk_full", message, hint)


def is_ours(target: Path) -> bool:
    """Whether an installation has been in ``target``: a folder called "cache" alone may be anybody's."""
    return (target / LOCK).exists() or (target / POINTER).exists() or bool(environments(target))


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Let one installer at a time work in ``target``.

    Raises:
        InstallError: ``busy`` when another one is at work.
    """
    with held(target / LOCK, f"Another installation is at work in {target}"):
        yield


@contextmanager
def held(file: Path, otherwise: str) -> Iterator[None]:
    """Hold the lock ``file``; the system frees the lock of a program that was killed.

    Raises:
        InstallError: ``busy``, with the text ``otherwise``, when another program holds it.
    """
    with file.open("a+") as lock:
        try:
            if sys.platform == "win32":
                import msvcrt

                lock.seek(0)
                msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InstallError("busy", otherwise, "Wait for its end") from error
        yield


def point_to(target: Path, environment: Path) -> None:
    """Put ``environment`` into use, in one step that is done or not done."""
    new = target / f"{POINTER}.new"
    with new.open("w", encoding="utf-8") as file:
        file.write(environment.name)
        file.flush()
        os.fsync(file.fileno())
    new.replace(target / POINTER)


def new_environment(target: Path, fingerprint: str) -> Path:
    """A name for an environment that no environment has had, so that a left-over process cannot write to it."""
    numbers = [int(path.name.rpartition("-")[2]) for path in environments(target)]
    return target / f"env-{fingerprint[:8]}-{max(numbers, default=0) + 1}"


def tidy(target: Path) -> None:
    """Remove every environment that is not in use; what another process still holds stays until the next time."""
    used = current_environment(target)
    for path in environments(target):
        if path != used:
            shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        (target / f"{POINTER}.new").unlink()


def remove(target: Path) -> None:
    """Remove everything that installations have put into ``target``, and ``target`` when nothing else is in it.

    Raises:
        InstallError: ``busy``; ``bad_target`` when no installation has been there, whatever the names of its folders;
            or ``read_only`` when something cannot be removed.
    """
    if not target.is_dir():
        return
    if not is_ours(target):
        message = f"{target} holds nothing that an installation made"
        raise InstallError("bad_target", message, "Name the folder that it was told to install into")
    with alone(target):
        # The pointer first: what is half removed is never in use.
        try:
            (target / POINTER).unlink(missing_ok=True)
            for path in [*environments(target), *(target / name for name in (CACHE, BOOTSTRAP, PYTHONS))]:
                if path.exists():
                    shutil.rmtree(path)
        except OSError as error:
            raise InstallError(
                "read_only", f"Not removed: {error}", "End the programs that use it, then again"
            ) from error
    with suppress(OSError):
        (target / LOCK).unlink()
        target.rmdir()


def size(folder: Path) -> int:
    """Bytes on disk of everything in ``folder``; a file with several names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            status = Path(place, name).lstat()
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size if sys.platform == "win32" else status.st_blocks * 512
    return total
