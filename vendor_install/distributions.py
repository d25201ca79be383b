# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds packages that an interrupted installation left incomplete, and forgets them so that pip installs them anew.

pip takes a package for installed once its metadata folder is there, but writes the list of the package's files
(``RECORD``) last; what was killed in between, or cut short by a full disk, is found by that list.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path


def incomplete(site_packages: Path) -> list[Path]:
    """The metadata folders (``*.dist-info``) whose packages lack a file or have one cut short.

    Longer ones are whole: people add their own certificates to certifi's file.
    """
    return [folder for folder in sorted(site_packages.glob("*.dist-info")) if not _is_complete(folder)]


def _is_complete(metadata: Path) -> bool:
    record = metadata / "RECORD"
    if not record.is_file():
        return False
    with record.open(newline="", encoding="utf-8") as lines:
        for row in csv.reader(lines):
            if len(row) != 3:
                return False
            name, _, size = row
            if name.endswith(".pyc"):
                continue
            file = metadata.parent / name
            if not file.is_file() or (size and file.stat().st_size < int(size)):
                return False
    return True


def forget(site_packages: Path) -> list[str]:
    """Remove the metadata of incomplete packages and what pip put aside while replacing one.

    Returns:
        The names of the packages that pip will now install anew.
    """
    folders = incomplete(site_packages)
    for folder in folders:
        shutil.rmtree(folder)
    for leftover in site_packages.glob("~*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    return [folder.name.split("-")[0] for folder in folders]
