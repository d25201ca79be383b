# SPDX-License-Identifier: GPL-3.0-or-later
"""System libraries that Blender's Python module is linked to, and what makes a virtual environment on Debian."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .messages import SetupError, step

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libgomp.so.1": "libgomp1",
    "libxkbcommon.so.0": "libxkbcommon0",
}
"""Each library by the name the linker asks for, with the Debian package that holds it (bpy 4.2 to 5.0)."""


def missing_libraries(libraries: Mapping[str, str]) -> dict[str, str]:
    """Those of ``libraries`` that the linker does not find here, with their Debian packages."""
    return {name: package for name, package in libraries.items() if not _loads(name)}


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def provide() -> None:
    """Check for what is missing; install it as root on Debian and Ubuntu, else say how to.

    Raises:
        SetupError: something is missing and can't be installed from here.
    """
    if not sys.platform.startswith("linux"):
        return
    missing = missing_libraries(LIBRARIES)
    if importlib.util.find_spec("ensurepip") is None:
        missing["the Python module ensurepip"] = f"python3.{sys.version_info.minor}-venv"
    if not missing:
        return
    packages = sorted(set(missing.values()))
    if not is_debian():
        raise SetupError(f"Missing from this system: {', '.join(missing)}. Install them, then run this command again.")
    if os.geteuid() != 0:
        raise SetupError(
            "Some system packages are missing. Install them, then run this command again:\n"
            f"    sudo apt-get install -y {' '.join(packages)}"
        )
    with step(f"System packages: {' '.join(packages)}"):
        install(packages)
    if still := missing_libraries(LIBRARIES):
        raise SetupError(f"apt-get installed {' '.join(packages)}, but these are still not found: {', '.join(still)}")


def is_debian() -> bool:
    """Whether this is Debian or a child of it."""
    return Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install Debian packages with apt-get.

    Raises:
        SetupError: apt-get failed.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = ["apt-get", "update", "-q"]
    for command in (update, ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]):
        result = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if result.returncode != 0:
            raise SetupError(f"{' '.join(command)} failed:\n{result.stdout}")
