# SPDX-License-Identifier: GPL-3.0-or-later
"""One command in a throw-away copy of a root, with what it took.

What is received is counted on the interfaces of the whole machine: other traffic during a run counts too. The caches
of pip and uv are empty at the start, so that it is what a fresh machine would download.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import checkout, inside, network
from .roots import HOME, Case, Root

RESULTS = checkout.HERE / "build" / "fresh_roots"
"""The table, each run's output, and the demo's pictures."""
_PICTURES = (("base_color.png",), ("render.png", "preview.png"))
"""What a demo must leave: one of each."""


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    root: str
    """The name of the case."""
    python: str
    """The version of the root's Python."""
    blender: str
    """The version of its Blender, or "none"."""
    command: str
    """``demo`` or ``test``."""
    result: str
    """How it ended."""
    ok: bool
    """Whether that is as it should be."""
    seconds: int
    """From its start to its end."""
    received_megabytes: int
    """What came over the network meanwhile."""
    environment_megabytes: int
    """What ``.venv/`` then has on disk."""
    ended: str
    """When, in this machine's time."""


@dataclass(frozen=True)
class _Copy:
    """A copy of a root that may be changed."""

    written: Path
    """Everything, or what differs from the root; to be read and written while no command runs in it."""
    root: Path
    """Where it appears to the command."""
    overlay: tuple[Path, ...]
    """What ``inside.command`` needs."""


def run(root: Root, command: str, settings: network.Settings, minutes: float, keep: bool, committed: bool) -> Result:
    """Run ``python3 -m vendor_install COMMAND`` in a copy of ``root``.

    Args:
        root: the system.
        command: ``demo`` or ``test``.
        settings: how the network is reached.
        minutes: after them it is ended.
        keep: whether the copy stays.
        committed: whether the checkout in it is HEAD without the working tree's changes.
    """
    RESULTS.mkdir(parents=True, exist_ok=True)
    log = log_of(root.case, command)
    print(f"==> {root.case.name}: python3 -m vendor_install {command}; see {log}", flush=True)
    with copy_of(root, log.stem, keep) as copy:
        settings.put_into(copy.written)
        folder = checkout.copy_into(copy.written, committed)
        program = ["python3", "-m", "vendor_install", command]
        place = str(Path("/") / checkout.PLACE)
        whole = inside.command(copy.root, program, place, copy.overlay, settings.folders)
        before, start = network.received(), time.monotonic()
        status = _wait(whole, settings.variables, log, minutes * 60)
        seconds, received = time.monotonic() - start, network.received() - before
        missing = _take_pictures(folder, RESULTS / root.case.name) if command == "demo" and status == 0 else []
        size = _size(folder / ".venv")
    result, ok = _judge(root, status, missing, log, minutes)
    return Result(
        root.case.name,
        root.python,
        root.blender or "none",
        command,
        result,
        ok,
        round(seconds),
        round(received / 1e6),
        round(size / 1e6),
        time.strftime("%Y-%m-%d %H:%M"),
    )


def log_of(case: Case, command: str) -> Path:
    """Where the output of a run goes."""
    return RESULTS / f"{case.name}-{command}.log"


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of ``log`` that are not empty."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.rstrip() for line in lines if line.strip()][-count:]


@contextmanager
def copy_of(root: Root, title: str, keep: bool) -> Iterator[_Copy]:
    """A copy of ``root``: what is changed lies over it where the kernel can do that, else it is copied whole."""
    folder = HOME / "runs"
    folder.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{title}-", dir=folder))
    written, work, merged = folder / "written", folder / "work", folder / "root"
    try:
        for each in (written, work, merged):
            each.mkdir()
        if _can_overlay(root.folder, written, work, merged):
            yield _Copy(written, merged, (root.folder, written, work))
        else:
            subprocess.run(["cp", "-a", "--reflink=auto", f"{root.folder}/.", str(merged)], check=True)
            yield _Copy(merged, merged, ())
    finally:
        if keep:
            print(f"    Kept: {folder}", flush=True)
        else:
            _remove(folder)


def _can_overlay(below: Path, above: Path, work: Path, merged: Path) -> bool:
    options = f"lowerdir={below},upperdir={above},workdir={work}"
    command = [*inside.NAMESPACES, "mount", "-t", "overlay", "overlay", "-o", options, str(merged)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _remove(folder: Path) -> None:
    """Remove a copy; what was killed in it may need a moment to be gone."""
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(1)
    shutil.rmtree(folder)


def _wait(command: Sequence[str], variables: dict[str, str], log: Path, seconds: float) -> int | None:
    """The status of ``command``, or ``None`` when it took longer than ``seconds`` and was ended."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            process.kill()
            process.wait()


def _take_pictures(folder: Path, target: Path) -> list[str]:
    """Copy the demo's pictures to ``target`` and return the names of those that are missing."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    missing = []
    for names in _PICTURES:
        found = [path for name in names if (path := folder / "build" / "demo" / name).is_file()]
        for path in found:
            shutil.copy2(path, target)
        if not found:
            missing.append(" and no ".join(names))
    return missing


def _judge(root: Root, status: int | None, missing: list[str], log: Path, minutes: float) -> tuple[str, bool]:
    """How the run ended, in words, and whether that is as it should be."""
    if status == 0:
        return (f"exit status 0, but no {' and no '.join(missing)}", False) if missing else ("passed", True)
    if status is None:
        return f"ended after {minutes:g} minutes", False
    expected = root.case.may_fail_with
    refused = bool(expected) and status == 2 and expected in log.read_text(encoding="utf-8", errors="replace")
    line = "".join(last_lines(log, 1))
    return f"exit status {status}{' (refused, as is allowed here)' if refused else ''}: {line}", refused


def _size(folder: Path) -> int:
    """Bytes on disk, a file with several names counted once."""
    files = (path.lstat() for path in folder.rglob("*"))
    return sum({each.st_ino: each.st_blocks * 512 for each in files}.values())
