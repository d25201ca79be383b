# SPDX-License-Identifier: GPL-3.0-or-later
"""What of this machine travels into a root: how the network is reached. Everything else of it stays outside."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_VARIABLES = re.compile(r"PIP_\w+|SSL_\w+|\w+_CA_BUNDLE|(https?|all|no)_proxy", re.IGNORECASE)
_OF_THIS_MACHINE = re.compile(r"PIP_(CACHE_DIR|CONFIG_FILE|CONSTRAINT|REQUIREMENT|SRC|LOG|TARGET|PREFIX|ROOT|PYTHON)")
"""pip's variables that name places here; what they say about the network is in its configuration as well."""
_PIP_SETTINGS = {"cert", "client-cert", "default-timeout", "extra-index-url", "find-links", "index-url", "proxy",
                 "retries", "timeout", "trusted-host"}  # fmt: skip
"""Those of pip's own settings that are about the network."""
_ALWAYS = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"


@dataclass(frozen=True)
class Settings:
    """How this machine reaches the network."""

    variables: dict[str, str]
    """All environment variables of a run."""
    files: tuple[Path, ...]
    """Files that the variables and pip's settings name, needed at the same path: certificates."""
    folders: tuple[Path, ...]
    """Folders of packages, needed at the same path."""
    pip: str
    """pip's configuration file, empty for none."""

    def put_into(self, root: Path) -> None:
        """Write them into ``root``; the variables and folders come with a run."""
        for file in self.files:
            place = root / file.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        (root / "etc").mkdir(exist_ok=True)
        shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")
        (root / "etc" / "hosts").write_text(_HOSTS, encoding="utf-8")
        if self.pip:
            (root / "etc" / "pip.conf").write_text(self.pip, encoding="utf-8")


def of_this_machine() -> Settings:
    """Read them from the environment and from pip's configuration."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if _VARIABLES.fullmatch(name) and not _OF_THIS_MACHINE.fullmatch(name.upper())
    }
    of_pip = _pip_settings()
    files = [*variables.values(), of_pip.get("cert", ""), of_pip.get("client-cert", "")]
    folders = f"{variables.get('PIP_FIND_LINKS', '')} {of_pip.get('find-links', '')}".split()
    pip = "".join(f"{name} = {value}\n" for name, value in of_pip.items())
    return Settings(
        {**_ALWAYS, **variables},
        tuple(sorted({Path(text) for text in files if text.startswith("/") and Path(text).is_file()})),
        tuple(sorted({Path(text) for text in folders if text.startswith("/") and Path(text).is_dir()})),
        f"[global]\n{pip}" if pip else "",
    )


def received() -> int:
    """Bytes that came in over every interface but the loopback, since this machine started."""
    lines = Path("/proc/net/dev").read_text(encoding="ascii").splitlines()[2:]
    counters = {name.strip(): numbers.split() for name, _, numbers in (line.partition(":") for line in lines)}
    return sum(int(numbers[0]) for name, numbers in counters.items() if name != "lo")


def _pip_settings() -> dict[str, str]:
    """pip's settings for every command; indexes that are folders of this machine are left out."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    result = subprocess.run(command, cwd="/", capture_output=True, encoding="utf-8", check=False)
    found = {}
    for line in result.stdout.splitlines() if result.returncode == 0 else []:
        name, _, value = line.partition("=")
        section, _, key = name.partition(".")
        words = [word for word in str(ast.literal_eval(value)).split() if not word.startswith("file:")]
        if section == "global" and key in _PIP_SETTINGS and words:
            found[key] = " ".join(words)
    return found
