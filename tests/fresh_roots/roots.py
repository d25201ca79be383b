# SPDX-License-Identifier: GPL-3.0-or-later
"""The bare Debian systems: which there are, and how each is made once and kept."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import inside
from .network import Settings

HOME = Path("/var/tmp/styletex-fresh")
"""The systems, and the copies in which commands run."""
_KEYRINGS = Path("/usr/share/keyrings")
_PYTHON = ("python3", "python3-venv")
_SLIM = """
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
force-unsafe-io
"""
"""dpkg's configuration: nothing that a command could miss."""
_STALE_MIRROR = 'Acquire::Check-Valid-Until "false";\n'
"""apt's configuration: a mirror that is a snapshot of an earlier day will do as well."""


class MissingError(Exception):
    """This machine cannot make roots, and what it lacks."""


@dataclass(frozen=True)
class Case:
    """One system."""

    name: str
    """On the command line, in the table, and as a folder."""
    suite: str
    """Debian's name for the release."""
    packages: tuple[str, ...] = _PYTHON
    """What the user installed before the README's commands; with what Debian recommends beside them."""
    may_fail_with: str = ""
    """Where a clear refusal is as good as success: a text in it. Its exit status is then 2."""


CASES = {
    case.name: case
    for case in (
        Case("bookworm", "bookworm"),
        Case("trixie", "trixie"),
        Case("trixie-blender", "trixie", (*_PYTHON, "blender")),
        Case("sid", "sid", may_fail_with="Tried:"),
        Case("sid-blender", "sid", (*_PYTHON, "blender"), may_fail_with="Tried:"),
    )
}
"""By name."""


@dataclass(frozen=True)
class Root:
    """A system that is ready."""

    case: Case
    """What it is."""
    folder: Path
    """Where it lies; nothing is ever run in it again."""
    python: str
    """The version of its Python."""
    blender: str
    """The version of its Blender, empty for none."""
    numpy: bool
    """Whether its own Python has numpy."""


def provide(case: Case, mirror: str, settings: Settings, renew: bool) -> Root:
    """The system of ``case``, made when it is not there or when ``renew`` asks for it.

    Args:
        case: which.
        mirror: address of a Debian mirror; empty reads it from this machine's apt settings.
        settings: how the network is reached.
        renew: make it anew.

    Raises:
        MissingError: this machine cannot make it.
        CalledProcessError: a program failed; ``install_log`` has what it said.
    """
    home = HOME / case.name
    base, complete = home / "base", home / ".complete"
    if renew or not complete.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        facts = _make(case, base, install_log(case), mirror or _mirror(), settings)
        complete.write_text(json.dumps(facts), encoding="utf-8")
    return Root(case, base, **json.loads(complete.read_text(encoding="utf-8")))


def install_log(case: Case) -> Path:
    """What was said when the system of ``case`` was made."""
    return HOME / case.name / "install.log"


def _make(case: Case, base: Path, log: Path, mirror: str, settings: Settings) -> dict[str, str | bool]:
    """Make the system in ``base`` and return what ``Root`` knows about it."""
    print(f"==> {case.name}: making it (Debian {case.suite} with {' '.join(case.packages)}); see {log}", flush=True)
    options = ["--variant=minbase", "--include=ca-certificates", f"--keyring={_keyring()}"]
    variables = {**settings.variables, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    with log.open("w", encoding="utf-8") as output:

        def run(command: list[str]) -> None:
            subprocess.run(
                command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=True
            )

        run([*inside.NAMESPACES, _debootstrap(), *options, case.suite, str(base), mirror])
        (base / "etc" / "dpkg" / "dpkg.cfg.d" / "slim").write_text(_SLIM, encoding="utf-8")
        (base / "etc" / "apt" / "apt.conf.d" / "stale-mirror").write_text(_STALE_MIRROR, encoding="utf-8")
        no_services = base / "usr" / "sbin" / "policy-rc.d"
        no_services.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        no_services.chmod(0o755)
        (base / "etc" / "mtab").symlink_to("/proc/self/mounts")
        settings.put_into(base)
        run(inside.command(base, ["apt-get", "update", "-q"]))
        run(inside.command(base, ["apt-get", "install", "-y", "-q", *case.packages]))
        run(inside.command(base, ["apt-get", "clean"]))

    def ask(*program: str) -> str:
        result = subprocess.run(
            inside.command(base, program), env=variables, capture_output=True, encoding="utf-8", check=False
        )
        return result.stdout

    python = ask("python3", "-c", "import platform; print(platform.python_version())").strip()
    numpy = ask("python3", "-c", "import importlib.util; print(bool(importlib.util.find_spec('numpy')))").strip()
    blender = re.search(r"^Blender (\S+)", ask("blender", "--version"), re.MULTILINE)
    return {"python": python, "blender": blender[1] if blender else "", "numpy": numpy == "True"}


def _debootstrap() -> str:
    """Its path; Debian gets it where it is not there.

    Raises:
        MissingError: it cannot be had.
    """
    if shutil.which("debootstrap") is None or not _KEYRINGS.joinpath("debian-archive-keyring.gpg").exists():
        if shutil.which("apt-get") is None:
            raise MissingError("debootstrap is missing: install it with debian-archive-keyring, then run this again")
        packages = ["debootstrap", "debian-archive-keyring"]
        for arguments in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", *arguments], stdout=subprocess.DEVNULL, check=True)
    return shutil.which("debootstrap") or "debootstrap"


def _keyring() -> Path:
    return _KEYRINGS / "debian-archive-keyring.gpg"


def _mirror() -> str:
    """The mirror that this machine's own apt uses.

    Raises:
        MissingError: it is no Debian.
    """
    apt = Path("/etc/apt")
    for file in (apt / "sources.list.d" / "debian.sources", apt / "sources.list"):
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if found := re.search(r"^(?:URIs:|deb(?: +\[.*?\])?) +(\S+/debian/?)(?:\s|$)", text, re.MULTILINE):
            return found[1]
    raise MissingError("This machine's apt names no Debian mirror: name one with --mirror ADDRESS")
