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

from .children import scrubbed_environment
from .messages import SetupError, step

BLENDER_LIBRARIES = {
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
"""Each library by the name the linker asks for, with the Debian package that holds it (bpy 4.2 to 5.2)."""


def missing_libraries(libraries: Mapping[str, str]) -> dict[str, str]:
    """Those of ``libraries`` that the linker does not find here, with their Debian packages."""
    return {name: package for name, package in libraries.items() if not _loads(name)}


def missing_for_blender() -> dict[str, str]:
    """Those of ``BLENDER_LIBRARIES`` that are not here."""
    return missing_libraries(BLENDER_LIBRARIES) if sys.platform.startswith("linux") else {}


def missing_ensurepip() -> dict[str, str]:
    """What this Python lacks to make an environment that has pip, with the Debian package of a Python of Debian's."""
    if importlib.util.find_spec("ensurepip") is not None:
        return {}
    package = f"python3.{sys.version_info.minor}-venv" if sys.base_prefix == "/usr" else ""
    return {"the Python module ensurepip": package}


def provide(missing: Mapping[str, str]) -> None:
    """Install what is missing as root on Debian and Ubuntu, else say how to.

    Args:
        missing: what it is, with its Debian package.

    Raises:
        SetupError: something is missing and can't be installed from here.
    """
    if not missing:
        return
    packages = sorted({package for package in missing.values() if package})
    unnamed = [name for name, package in missing.items() if not package]
    if unnamed or not is_debian():
        raise SetupError(f"Missing from this system: {', '.join(missing)}. Install them, then run this command again.")
    if not may_install():
        raise SetupError(
            f"Some system packages are missing ({', '.join(missing)}). Install them, then run this command again:\n"
            f"    sudo apt-get install -y {' '.join(packages)}"
        )
    with step(f"System packages: {' '.join(packages)}"):
        update()
        if unknown := [package for package in packages if not is_offered(package)]:
            lacking = [name for name, package in missing.items() if package in unknown]
            raise SetupError(
                f"This system has no package {', '.join(unknown)}, which should bring {', '.join(lacking)}"
            )
        _apt_get("install", "-y", "-q", "--no-install-recommends", *packages)
    if still := [name for name in missing if ".so" in name and not _loads(name)]:
        raise SetupError(f"apt-get installed {' '.join(packages)}, but these are still not found: {', '.join(still)}")


def may_install() -> bool:
    """Whether packages can be installed from here: by root, on Debian or a child of it."""
    return is_debian() and os.geteuid() == 0


def update() -> None:
    """Fetch the lists of what this Debian offers.

    Raises:
        SetupError: apt-get failed.
    """
    _apt_get("update", "-q")


def is_debian() -> bool:
    """Whether this is Debian or a child of it."""
    return Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def is_offered(package: str) -> bool:
    """Whether this Debian's package lists, as far as they are here, have ``package``."""
    command = ["apt-cache", "show", "--no-all-versions", package]
    return shutil.which("apt-cache") is not None and (
        subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _apt_get(*arguments: str) -> None:
    environment = {**scrubbed_environment(), "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", *arguments]
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode != 0:
        raise SetupError(f"{' '.join(command)} failed:\n{result.stdout}")
