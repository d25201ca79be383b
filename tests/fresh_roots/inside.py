# SPDX-License-Identifier: GPL-3.0-or-later
"""A root as a machine of its own: what is mounted, and what runs in it, is gone when the command ends.

``command`` names this file as a program; it runs in namespaces of its own, so that whoever started it never has a
mount in a folder that it removes later. It is the first process there: with it the kernel ends all others.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")


def command(
    root: Path, program: Sequence[str], at: str = "/", overlay: Sequence[Path] = (), folders: Sequence[Path] = ()
) -> list[str]:
    """The command that runs ``program`` in ``root``.

    Args:
        root: a whole system, or the empty folder where ``overlay`` is to appear.
        program: the program and its arguments.
        at: the folder to start it in, as seen from inside.
        overlay: the system below, the folder that gets what is written, and an empty folder beside that one.
        folders: folders of this machine that are there under the same path, read-only.
    """
    layers = ["--overlay", *map(str, overlay)] if overlay else []
    binds = [option for folder in folders for option in ("--folder", str(folder))]
    this = [sys.executable, "-I", str(Path(__file__).resolve()), "--root", str(root), "--at", at, *layers, *binds]
    return [*NAMESPACES, *this, "--", *program]


def main() -> None:
    """Mount, run the program, adopt and bury what it leaves running, and end with its status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path)
    parser.add_argument("--at")
    parser.add_argument("--overlay", nargs=3)
    parser.add_argument("--folder", type=Path, action="append", default=[])
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    if options.overlay:
        below, above, work = options.overlay
        _mount("-t", "overlay", "overlay", "-o", f"lowerdir={below},upperdir={above},workdir={work}", options.root)
    _mount("-t", "proc", "proc", options.root / "proc")
    _mount("-t", "sysfs", "-o", "ro", "sysfs", options.root / "sys")
    _mount("--rbind", "/dev", options.root / "dev")
    for folder in options.folder:
        place = options.root / folder.relative_to("/")
        place.mkdir(parents=True, exist_ok=True)
        _mount("--bind", folder, place)
        _mount("-o", "remount,bind,ro", place)
    child = os.fork()
    if child == 0:
        _become(options.program, options.root, options.at)
    while True:
        process, status = os.wait()
        if process == child:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(code if code >= 0 else 128 - code)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _become(program: Sequence[str], root: Path, at: str) -> NoReturn:
    try:
        os.chroot(root)
        os.chdir(at)
        os.setsid()
        os.execvp(program[0], program)
    except OSError as error:
        print(f"{program[0]}: {error}", file=sys.stderr, flush=True)
        os._exit(127)


if __name__ == "__main__":
    main()
