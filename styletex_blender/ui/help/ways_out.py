# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code of an error or a warning that can reach people, and the buttons that help.

What a code means and what to do about it is said in one place, ``docs/troubleshooting.md``, which comes with the
extension; the messages themselves stand where they are raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ...worker.environment import PACKAGE_FOLDER

ERRORS: dict[str, tuple[str, ...]] = {
    "bad_image": ("styletex.open_style",),
    "bad_mesh": ("styletex.select_failed",),
    "bad_request": (),
    "bad_setting": (),
    "cancelled": (),
    "dependencies": ("styletex.open_preferences", "styletex.open_log"),
    "disk_full": ("styletex.open_data_folder", "styletex.open_log"),
    "internal": ("styletex.open_log",),
    "model_missing": ("styletex.open_preferences", "styletex.open_log"),
    "no_card": ("styletex.open_preferences",),
    "non_finite": ("styletex.open_log",),
    "offline": ("styletex.open_log",),
    "out_of_memory": ("styletex.free_memory", "styletex.open_log"),
    "worker_died": ("styletex.open_log",),
    "worker_stalled": ("styletex.free_memory", "styletex.open_log"),
}
"""The codes of ``JobError``, each with the operators that help besides Help."""
WARNINGS = (
    "base_color",
    "checkpoint",
    "content",
    "device",
    "elsewhere",
    "frame",
    "mesh_file",
    "model",
    "no_lock",
    "non_finite",
    "other_checkpoint",
    "pinched_uvs",
    "preview",
    "region",
    "region_shared",
    "report",
    "shared_texels",
    "style_image",
    "uv_tiles",
)
"""The codes of the ``warning`` events of a job."""
INSTALLER = (
    "bad_lock",
    "bad_target",
    "bad_wheels",
    "busy",
    "damaged",
    "disk_full",
    "failed",
    "installer_died",
    "large_download",
    "licence",
    "network",
    "no_environment",
    "no_python",
    "no_uv",
    "read_only",
    "tools_missing",
    "unresolvable",
    "wrong_hash",
)
"""The codes of the installer's errors."""
INSTALLER_SECTION = "Errors of the installer"
"""Where the guide speaks of those."""
GUIDE = PACKAGE_FOLDER / "docs" / "troubleshooting.md"
"""What is said of each."""


def buttons_for(codes: Iterable[str]) -> list[str]:
    """The operators that help with errors of these codes, each once."""
    return list(dict.fromkeys(operator for code in sorted(codes) for operator in ERRORS.get(code, ())))


def line_of(code: str, section: str = "Errors", guide: Path = GUIDE) -> int:
    """The line, from 0, at which the guide speaks of a code in a section; 0 where it does not.

    Raises:
        OSError: the guide cannot be read.
    """
    return headings(guide).get((section, code), 0)


@cache
def headings(guide: Path) -> dict[tuple[str, str], int]:
    """The lines of the guide that begin what is said of a code, by section and code."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(guide.read_text(encoding="utf-8").splitlines()):
        if line.startswith("## "):
            section = line[3:].strip()
        elif line.startswith("### "):
            found[section, line[4:].strip().strip("`")] = number
    return found
