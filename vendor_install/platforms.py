# SPDX-License-Identifier: GPL-3.0-or-later
"""The systems that packages are locked, checked and bundled for."""

from __future__ import annotations

import platform as this
import sys
from dataclasses import dataclass

_GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_24", "manylinux_2_17", "manylinux2014", "manylinux2010",
          "manylinux_2_12", "manylinux_2_5", "manylinux1")  # fmt: skip


@dataclass(frozen=True)
class Platform:
    """A system that wheels can be chosen and downloaded for from another one."""

    uv_name: str
    """uv's word for it."""
    tags: tuple[str, ...]
    """pip's words for it, the best first."""


PLATFORMS = {
    "linux-x86_64": Platform("x86_64-manylinux_2_28", tuple(f"{glibc}_x86_64" for glibc in _GLIBC)),
    "linux-aarch64": Platform("aarch64-manylinux_2_28", tuple(f"{glibc}_aarch64" for glibc in _GLIBC)),
    "windows-x86_64": Platform("x86_64-pc-windows-msvc", ("win_amd64",)),
    "macos-arm64": Platform(
        "aarch64-apple-darwin",
        tuple(f"macosx_{major}_0_{kind}" for major in (14, 13, 12, 11) for kind in ("arm64", "universal2")),
    ),
}
"""By the name that the user gives."""
VARIABLES = {"MACOSX_DEPLOYMENT_TARGET": "14.0", "UV_PYTHON_DOWNLOADS": "never"}
"""Environment variables with which uv chooses packages for another system."""


def this_platform() -> str:
    """The name of this system; one that is not in ``PLATFORMS`` has no packages."""
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = {"amd64": "x86_64", "arm64": "arm64" if system == "macos" else "aarch64"}
    return f"{system}-{machine.get(this.machine().lower(), this.machine().lower())}"
