# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a farm is: its address, and the folder through which jobs and textures go."""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...core.job import JobError
from ..worker.environment import own_data_folder, preference

LOCAL = "local"
"""The address of this machine."""
_ADDRESS_FILE = "address.txt"
_RAY = re.compile(r"auto|ray://[^\s/]+|[\w.-]+:\d+|\[[0-9A-Fa-f:.]+\]:\d+")


@dataclass(frozen=True)
class Farm:
    """A folder that jobs are put into, and the command that works on it."""

    address: str
    """As a person gave it."""
    folder: Path
    """Where jobs and textures are."""
    ray: str | None = None
    """Address of the Ray cluster that makes the textures."""
    is_shared: bool = False
    """Whether it is a folder on which somebody else's command works, in place of one that Blender starts."""

    @property
    def jobs(self) -> Path:
        """A folder for each job: the command's manifest."""
        return self.folder / "jobs"

    @property
    def results(self) -> Path:
        """The command's output."""
        return self.folder / "textured"


def farm_at(address: str) -> Farm:
    """The farm of an address: ``local``, that of a Ray cluster, or a folder.

    Raises:
        JobError: ``bad_setting``: it is none of them.
    """
    text = address.strip()
    if _RAY.fullmatch(text):
        return Farm(text, _own_folder(text), ray=text)
    if text == LOCAL:
        return Farm(text, _own_folder(text))
    if "/" in text or "\\" in text:
        folder = Path(bpy.path.abspath(text))
        if folder.is_absolute():
            return Farm(str(folder), folder, is_shared=True)
    raise JobError(
        "bad_setting",
        f"The farm is {address!r}; it must be local, the address of a Ray cluster (HOST:PORT), or a folder",
        "Correct it in the add-on's preferences",
    )


def remember(farm: Farm) -> None:
    """Know the farm in later sessions, and make its folders.

    Raises:
        OSError: they cannot be made.
    """
    own = _own_folder(farm.address)
    own.mkdir(parents=True, exist_ok=True)
    (own / _ADDRESS_FILE).write_text(farm.address, encoding="utf-8")
    for folder in (farm.jobs, farm.results):
        folder.mkdir(parents=True, exist_ok=True)


def known_farms() -> list[Farm]:
    """Those that something was sent to from this machine, and that of the preferences."""
    addresses = [path.read_text(encoding="utf-8") for path in own_data_folder("farm").glob(f"*/{_ADDRESS_FILE}")]
    farms: dict[Path, Farm] = {}
    for address in (*addresses, preferred_address()):
        # One that was written by hand, or of a disk that this machine does not have.
        with contextlib.suppress(JobError):
            farm = farm_at(address)
            farms.setdefault(farm.folder, farm)
    return list(farms.values())


def preferred_address() -> str:
    """That of the add-on's preferences."""
    return str(preference("farm", LOCAL)) or LOCAL


def _own_folder(address: str) -> Path:
    plain = re.sub(r"[^\w.-]+", "_", address)[:40].strip("._") or "farm"
    return own_data_folder("farm") / f"{plain}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
