# SPDX-License-Identifier: GPL-3.0-or-later
"""The locked packages: one ``.lock`` for each list of requirements, made by ``python3 -m vendor_install lock``.

Every package has its version and the hashes of its files, for all systems and Python versions at once. PyTorch is
apart: each accelerator has its own build, with its own libraries, so only its version is fixed. The first line of a
lock is JSON with what an installer must know besides (the fields of ``Lock``).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path

from .installed import LOCK_FILE, fingerprint
from .messages import InstallError
from .platforms import PLATFORMS, this_platform
from .requirements import BLENDER_MODULE, TESTS, WORKER, torch_requirement
from .wheels import Wheels, look_for_wheels

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
"""The Python versions that are looked for, the oldest first; ``Lock.missing`` tells which of them will do."""
IMPORTS = {
    WORKER: ("torch", "diffusers", "transformers", "scipy", "trimesh", "PIL", "numpy", "numba"),
    BLENDER_MODULE: ("bpy",),
    TESTS: ("pytest", "hypothesis", "skimage", "matplotlib", "efficientnet_lite_pytorch"),
}
"""By list of requirements: modules that must load in a finished environment."""
IMPORTS_ON = {
    WORKER: {name: ("igl",) if name == "linux-aarch64" else ("embreex", "xatlas") for name in PLATFORMS},
    BLENDER_MODULE: {},
    TESTS: {},
}
"""By list of requirements and system: further ones."""
MEGABYTES = {
    WORKER: {"cpu": 3000, "mps": 3000, "cuda": 14000, "rocm": 30000},
    BLENDER_MODULE: dict.fromkeys(("cpu", "mps", "cuda", "rocm"), 1500),
    TESTS: dict.fromkeys(("cpu", "mps", "cuda", "rocm"), 500),
}
"""Free space that an installation needs by device, with downloads: rounded up from what the builds take."""
_TORCH_OWN = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)==")


@dataclass(frozen=True)
class Lock:
    """What to install."""

    file: Path
    """Requirements with versions, markers and hashes, as pip and uv read them."""
    fingerprint: str
    """Changes with the locked packages."""
    torch: str
    """PyTorch's requirement, such as ``torch==2.13.0``; empty in a lock that does not need it."""
    imports: tuple[str, ...]
    """Modules that must load in the finished environment on this system."""
    megabytes: Mapping[str, int]
    """Free space needed by device."""
    wheels: Mapping[str, Mapping[str, Wheels]]
    """By system (``platforms``) and Python ("3.13"): the wheels that there are."""

    def pins(self) -> list[str]:
        """The requirements without hashes, one for each line, such as ``numpy==1.26.4 ; python_version < "3.12"``."""
        lines = self.file.read_text(encoding="utf-8").splitlines()
        return [_pin(line) for line in lines if line[:1].isalnum()]

    def on(self, version: tuple[int, int], platform: str | None = None) -> Wheels:
        """What there is for a Python ``version`` on ``platform`` (this one), or ``Wheels`` that names what there isn't.

        A lock that says nothing about any system is taken to be for all.
        """
        platform = platform or this_platform()
        if not self.wheels:
            return Wheels()
        nothing = Wheels(missing=(f"PyTorch for {platform}",))
        return self.wheels.get(platform, {}).get(f"{version[0]}.{version[1]}", nothing)


def read(file: Path = LOCK_FILE) -> Lock:
    """The lock in ``file``.

    Raises:
        InstallError: ``bad_lock`` when it is missing or cut short.
    """
    try:
        header = json.loads(file.read_text(encoding="utf-8").splitlines()[0].removeprefix("#"))
        wheels = {
            platform: {version: Wheels.from_json(values) for version, values in versions.items()}
            for platform, versions in header["wheels"].items()
        }
        imports = _imports(header["imports"], header.get("imports_on", {}))
        return Lock(file, fingerprint(file), header["torch"], imports, header["megabytes"], wheels)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InstallError(
            "bad_lock", f"The list of packages {file} cannot be read: {error}", "Install the extension again"
        ) from error


def read_of(requirements: Path) -> Lock:
    """The lock of a list of requirements."""
    return read(lock_file(requirements))


def imports_of(requirements: Path) -> tuple[str, ...]:
    """Modules that must load on this system where a list of requirements was installed."""
    return _imports(IMPORTS[requirements], IMPORTS_ON[requirements])


def _imports(anywhere: Sequence[str], on: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return (*anywhere, *on.get(this_platform(), ()))


def lock_file(requirements: Path) -> Path:
    """Where the lock of a list of requirements lies."""
    return requirements.with_suffix(".lock")


def locked(pin: str, file: Path) -> str:
    """One requirement of the lock ``file``, such as ``uv==0.13.9``, with its hashes.

    Raises:
        InstallError: ``bad_lock`` when it is not there.
    """
    try:
        blocks = re.split(r"\n(?=[A-Za-z0-9])", file.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        blocks = []
    for block in blocks:
        if _pin(block) == pin and "--hash=" in block:
            return f"{block}\n"
    raise InstallError("bad_lock", f"The list of packages {file} has no {pin}", "Install the extension again")


def make_all(uv: str) -> None:
    """Write all locks anew; the later ones hold only what the worker's does not, or not for the same systems.

    Args:
        uv: the program.

    Raises:
        InstallError: ``unresolvable`` with uv's explanation.
    """
    pins: frozenset[str] = frozenset()
    for requirements in (WORKER, BLENDER_MODULE, TESTS):
        pins |= make(uv, requirements, without=pins)


def make(uv: str, requirements: Path, without: frozenset[str] = frozenset()) -> frozenset[str]:
    """Resolve ``requirements`` for all systems and write their lock.

    Args:
        uv: the program.
        requirements: one of the lists that say which versions.
        without: pins that another lock holds already.

    Returns:
        The pins of the lock, with their markers.

    Raises:
        InstallError: ``unresolvable`` with uv's explanation.
    """
    command = [uv, "pip", "compile", "--universal", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--python-version", "{}.{}".format(*PYTHONS[0]), str(requirements), "--constraints", str(WORKER)]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if result.returncode != 0:
        raise InstallError("unresolvable", f"The versions in {requirements} do not fit together:\n{result.stderr}")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", result.stdout.strip())
    kept = [block for block in blocks if not _TORCH_OWN.match(block) and not _held(_pin(block), without)]
    torch = torch_requirement(requirements) if requirements == WORKER else ""
    file = lock_file(requirements)
    must = ("bpy",) if requirements == BLENDER_MODULE else ()
    wheels = look_for_wheels(uv, kept, torch, must, PYTHONS)
    header = {
        "torch": torch,
        "imports": IMPORTS[requirements],
        "imports_on": IMPORTS_ON[requirements],
        "megabytes": MEGABYTES[requirements],
        "wheels": {
            platform: {version: asdict(each) for version, each in versions.items()}
            for platform, versions in wheels.items()
        },
    }
    note = f"# Made from {requirements.name} by: python3 -m vendor_install lock"
    file.write_text("\n".join([f"# {json.dumps(header)}", note, *kept, ""]), encoding="utf-8", newline="\n")
    return frozenset(map(_pin, blocks))


def _pin(block: str) -> str:
    """A requirement without its hashes, such as ``numpy==1.26.4 ; python_version < "3.12"``."""
    return re.split(r"\\|--hash", block)[0].strip()


def _held(pin: str, pins: Set[str]) -> bool:
    """Whether ``pins`` have the package of ``pin``, for all systems or for the same ones."""
    name = pin.split("==")[0]
    return pin in pins or any(each.split("==")[0] == name and "platform" not in each for each in pins)


def newest_python(locks: Sequence[Lock]) -> tuple[int, int] | None:
    """The newest Python for which every package of ``locks`` has a wheel on this system."""
    fitting = [version for version in PYTHONS if not any(lock.on(version).missing for lock in locks)]
    return max(fitting, default=None)
