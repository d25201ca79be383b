# SPDX-License-Identifier: GPL-3.0-or-later
"""The locked packages: ``requirements.lock``, made from ``requirements.txt`` by ``python3 -m vendor_install lock``.

Every package has its version and the hashes of its files, for all systems and Python versions at once. PyTorch is
apart: each accelerator has its own build, with its own libraries, so only its version is fixed. The first line of the
lock is JSON with that version and what an installer must know besides.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .installed import LOCK_FILE, fingerprint
from .messages import InstallError
from .requirements import WORKER, torch_requirement

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
"""The Python versions that the lock is for."""
IMPORTS = ("torch", "diffusers", "transformers", "scipy", "embreex", "xatlas", "trimesh", "PIL", "numpy")
"""Modules that must load in a finished environment."""
MEGABYTES = {"cpu": 3000, "mps": 3000, "cuda": 14000, "rocm": 30000}
"""Free space that an installation needs by device, with downloads: rounded up from what the builds take."""
_TORCH_OWN = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)$")


@dataclass(frozen=True)
class Lock:
    """What to install."""

    file: Path
    """Requirements with versions, markers and hashes, as pip and uv read them."""
    torch: str
    """PyTorch's requirement, such as ``torch==2.13.0``."""
    imports: tuple[str, ...]
    """Modules that must load in the finished environment."""
    megabytes: Mapping[str, int]
    """Free space needed by device."""
    fingerprint: str
    """Changes with the locked packages."""

    def pins(self) -> list[str]:
        """The requirements without hashes, one for each line, such as ``numpy==1.26.4 ; python_version < "3.12"``."""
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return [re.split(r"\\|--hash", line)[0].strip() for line in lines if line[:1].isalnum()]


def read(file: Path = LOCK_FILE) -> Lock:
    """The lock in ``file``.

    Raises:
        InstallError: ``bad_lock`` when it is missing or cut short.
    """
    try:
        header = json.loads(file.read_text(encoding="utf-8").splitlines()[0].removeprefix("#"))
        return Lock(file, header["torch"], tuple(header["imports"]), header["megabytes"], fingerprint(file))
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InstallError(
            "bad_lock", f"The list of packages {file} cannot be read: {error}", "Install the extension again"
        ) from error


def make(uv: str, requirements: Path = WORKER, file: Path = LOCK_FILE) -> None:
    """Resolve ``requirements`` for all systems and write the lock; versions already in it stay where they may.

    Args:
        uv: the program.
        requirements: the one place that says which versions.
        file: the lock.

    Raises:
        InstallError: ``unresolvable`` with uv's explanation.
    """
    command = [uv, "pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--python-version", "{}.{}".format(*OLDEST_PYTHON), str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if result.returncode != 0:
        raise InstallError("unresolvable", f"The versions in {requirements} do not fit together:\n{result.stderr}")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", result.stdout.strip())
    kept = [block for block in blocks if not _TORCH_OWN.match(block.split("==")[0])]
    header = {"torch": torch_requirement(requirements), "imports": IMPORTS, "megabytes": MEGABYTES}
    note = f"# Made from {requirements.name} by: python3 -m vendor_install lock"
    file.write_text("\n".join([f"# {json.dumps(header)}", note, *kept, ""]), encoding="utf-8", newline="\n")
