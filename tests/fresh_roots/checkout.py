# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout as a new user has it: a fresh clone, by default with what is not committed yet."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
"""This checkout."""
PLACE = Path("home") / "user" / "styletex"
"""Where it lies in a root."""


def copy_into(root: Path, committed: bool) -> Path:
    """Clone this checkout into ``root`` and return its folder there.

    Args:
        root: the folder of a root.
        committed: whether it stays as HEAD is, without the working tree's changes and new files.
    """
    folder = root / PLACE
    _git("clone", "--quiet", "--no-hardlinks", "--no-checkout", str(HERE), str(folder))
    _git("-C", str(folder), "remote", "remove", "origin")
    if committed:
        _git("-C", str(folder), "reset", "--quiet", "--hard")
        return folder
    _git("-C", str(folder), "reset", "--quiet")
    for name in _git("-C", str(HERE), "ls-files", "-coz", "--exclude-standard").split("\0"):
        source = HERE / name
        if name and (source.is_symlink() or source.is_file()):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name, follow_symlinks=False)
    return folder


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
