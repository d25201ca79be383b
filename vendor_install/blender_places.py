# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Blender lies on each system when it is not on the PATH, and the kinds of it that cannot be used."""

from __future__ import annotations

import glob
import os
import re
import sys
from pathlib import Path

_FLATPAK = "org.blender.Blender"


def programs() -> list[Path]:
    """Blender programs in the usual places, the newest first as far as their folders' names tell."""
    found = [Path(path) for pattern in _patterns() for path in glob.glob(str(pattern))]  # noqa: PTH207 (absolute)
    return sorted((path for path in found if path.is_file()), key=_version_in_name, reverse=True)


def sandboxed() -> list[str]:
    """Blenders that are here but shut off from this system's Python, each with the reason."""
    if not sys.platform.startswith("linux"):
        return []
    tried = []
    for folder in (Path("/var/lib/flatpak"), _data_home() / "flatpak"):
        if (folder / "app" / _FLATPAK).exists():
            tried.append(
                f"{folder / 'app' / _FLATPAK}: a Flatpak, which cannot start a Python outside of its sandbox; "
                "take Blender from blender.org or from your system's packages"
            )
    return tried


def _patterns() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        roots = [Path(os.environ[name]) for name in ("ProgramFiles", "ProgramFiles(x86)") if os.environ.get(name)]
        return [
            *(root / "Blender Foundation" / "Blender *" / "blender.exe" for root in roots),
            *(root / "Steam" / "steamapps" / "common" / "Blender" / "blender.exe" for root in roots),
        ]
    if sys.platform == "darwin":
        roots = [Path("/Applications"), home / "Applications"]
        return [root / "Blender*.app" / "Contents" / "MacOS" / "Blender" for root in roots]
    return [
        *(root / "blender*" / "blender" for root in (Path("/opt"), Path("/usr/local"), home, home / "Applications")),
        home / "Downloads" / "blender*" / "blender",
        _data_home() / "Steam" / "steamapps" / "common" / "Blender" / "blender",
        Path("/snap/bin/blender"),
    ]


def _data_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _version_in_name(program: Path) -> tuple[int, ...]:
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", str(program))
    return tuple(int(part or 0) for part in match.groups()) if match else ()
