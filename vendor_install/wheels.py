# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the package index, when a lock is made, for which systems and Pythons there are wheels, and how large."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .messages import InstallError
from .platforms import PLATFORMS, VARIABLES, Platform

_WITHOUT_WHEEL = re.compile(r"Because (?:only )?([\w.-]+)\S*?(?:{[^}]*})?(?:==\S+)? has no ")
"""How uv says that there is no wheel that would do."""


@dataclass(frozen=True)
class Wheels:
    """The wheels of a lock for one system and Python."""

    missing: tuple[str, ...] = ()
    """Packages that have none there."""
    bytes: int = 0
    """What the others have together, PyTorch apart."""
    torch_bytes: int = 0
    """What PyTorch's build of the default index has, with the libraries that it needs."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Wheels:
        """The inverse of ``dataclasses.asdict``."""
        return cls(tuple(values["missing"]), values["bytes"], values["torch_bytes"])


def look_for_wheels(
    uv: str, blocks: Sequence[str], torch: str, must: Sequence[str], versions: Sequence[tuple[int, int]]
) -> dict[str, dict[str, Wheels]]:
    """What there is, by system and Python version such as "3.13".

    Args:
        uv: the program.
        blocks: locked requirements with markers and hashes.
        torch: PyTorch's requirement, or nothing.
        must: packages that count as missing also where a marker leaves them out.
        versions: the Pythons to ask for.

    Raises:
        InstallError: ``unresolvable``: uv fails for another reason than a missing wheel.
    """
    found: dict[str, dict[str, Wheels]] = {}
    for name, platform in PLATFORMS.items():
        found[name] = {}
        for version in versions:
            text = f"{version[0]}.{version[1]}"
            sizes, missing = _choose(uv, blocks, platform, text, "--no-deps")
            missing += [package for package in must if package not in (*sizes, *missing)]
            torch_sizes, torch_missing = _choose(uv, [torch], platform, text) if torch else ({}, [])
            torch_bytes = sum(size for package, size in torch_sizes.items() if package not in sizes)
            found[name][text] = Wheels(tuple(missing + torch_missing), sum(sizes.values()), torch_bytes)
    return found


def _choose(
    uv: str, requirements: Sequence[str], platform: Platform, version: str, *options: str
) -> tuple[dict[str, int], list[str]]:
    """Those ``requirements`` that have a wheel, with its bytes (of several, the largest), and those that have none."""
    left, missing = list(requirements), list[str]()
    with TemporaryDirectory() as folder:
        file, output = Path(folder) / "requirements.txt", Path(folder) / "pylock.toml"
        while left:
            file.write_text("\n".join(left), encoding="utf-8")
            command = [uv, "pip", "compile", "--quiet", "--only-binary", ":all:", *options, "--python-version", version]
            command += ["--python-platform", platform.uv_name, str(file), "--format", "pylock.toml", "-o", str(output)]
            result = subprocess.run(
                command, capture_output=True, encoding="utf-8", env={**os.environ, **VARIABLES}, check=False
            )
            if result.returncode == 0:
                packages = tomllib.loads(output.read_text(encoding="utf-8")).get("packages", [])
                return {each["name"]: max(wheel["size"] for wheel in each["wheels"]) for each in packages}, missing
            match = _WITHOUT_WHEEL.search(result.stderr)
            rest = [each for each in left if not (match and each.split("==")[0] == match[1])]
            if match is None or rest == left:
                raise InstallError(
                    "unresolvable", f"No packages for Python {version} on {platform.uv_name}:\n{result.stderr}"
                )
            missing.append(match[1])
            left = rest
    return {}, missing
