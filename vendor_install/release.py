# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``release`` command: the extension's zip, checked, in a folder that any web server can offer to Blender.

Blender's own tool does the work: it builds, validates, and lists the folder as an extension repository.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from . import environment
from .blender import Blender, find_blender
from .checkout import ROOT
from .children import scrubbed_environment
from .messages import SetupError, say, step

OUTPUT = ROOT / "build" / "release"
"""Where the release goes unless told otherwise."""
LARGEST_ZIP = 60_000_000
"""Bytes that the zip may have."""
INDEX = "index.json"
"""In the output: what Blender reads of a repository; ``index.html`` beside it is for people."""


def run(output: Path) -> int:
    """Make the release in ``output`` with the Blender that is there, and return 0.

    Raises:
        SetupError: the zip is not fit to be released, and why.
    """
    blender = find_blender().found or Blender(environment.provide(blender_module=True, tests=False), is_module=True)
    package = make(blender, output)
    say(f"The release is {package} ({package.stat().st_size / 1e6:.1f} MB)")
    say(f"To host it, serve {output} and give Blender the address of its {INDEX} as a repository")
    return 0


def make(blender: Blender, output: Path, source: Path = ROOT) -> Path:
    """Build the extension, check it, and list it in ``output`` as an extension repository.

    What was in ``output`` stays as it was when the new zip is not fit. Other extensions in it are listed as well.

    Args:
        blender: its tool does the work.
        output: the folder; made when it is not there.
        source: the extension's files.

    Returns:
        The zip.

    Raises:
        SetupError: the zip is not fit to be released, and why.
    """
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output, prefix=".building-") as work:
        with step("1 of 3 · Build the extension"):
            built = build(blender, source, Path(work))
        with step("2 of 3 · Check it"):
            extension_command(blender, "validate", str(built))
            check_size(built)
            check_contents(built, source)
        if older := [path.name for path in output.glob("styletex-*.zip") if path.name != built.name]:
            raise SetupError(
                f"{output} holds {', '.join(sorted(older))} too, and a repository offers one version of an extension. "
                "Move it away, or choose another folder with --output."
            )
        package = built.replace(output / built.name)
    with step("3 of 3 · List the folder as a repository"):
        extension_command(blender, "server-generate", "--repo-dir", str(output), "--html")
        _check_listed(package)
    return package


def build(blender: Blender, source: Path, folder: Path) -> Path:
    """Build the extension in ``source`` into ``folder`` and return the zip, which is named by its version.

    Raises:
        SetupError: Blender's tool refused, with what it said.
    """
    extension_command(blender, "build", "--source-dir", str(source), "--output-dir", str(folder))
    return next(folder.glob("*.zip"))


def extension_command(blender: Blender, *arguments: str) -> str:
    """Run Blender's own tool for extensions and return what it printed.

    Raises:
        SetupError: it failed, with what it said.
    """
    result = subprocess.run(
        blender.extension_command(arguments),
        cwd=ROOT,
        env=scrubbed_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if result.returncode != 0:
        raise SetupError(f"Blender's tool for extensions failed at {' '.join(arguments)}:\n{result.stdout}")
    return result.stdout


def check_size(package: Path, largest: int = LARGEST_ZIP) -> None:
    """Refuse a zip of more than ``largest`` bytes.

    Raises:
        SetupError: it is larger; names its largest files.
    """
    size = package.stat().st_size
    if size <= largest:
        return
    with zipfile.ZipFile(package) as archive:
        files = sorted(archive.infolist(), key=lambda file: -file.compress_size)[:3]
    names = ", ".join(f"{file.filename} ({file.compress_size / 1e6:.1f} MB)" for file in files)
    raise SetupError(
        f"The zip has {size / 1e6:.1f} MB; at most {largest / 1e6:.0f} MB are allowed. Its largest files: {names}"
    )


def check_contents(package: Path, source: Path) -> None:
    """Refuse a zip with files that the version control of ``source`` does not know: results and notes left lying.

    Raises:
        SetupError: it holds such files; names them.
    """
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=source, capture_output=True, encoding="utf-8", check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        say(f"Git does not know {source}, so nothing tells whether a stray file got into the zip")
        return
    with zipfile.ZipFile(package) as archive:
        strays = sorted({name for name in archive.namelist() if not name.endswith("/")} - set(listed.split("\0")))
    if strays:
        shown = ", ".join(strays[:5]) + (f" and {len(strays) - 5} more" if len(strays) > 5 else "")
        raise SetupError(
            f"The zip would hold files that Git does not know: {shown}. "
            "Add them, remove them, or exclude them in blender_manifest.toml."
        )


def _check_listed(package: Path) -> None:
    """Blender's tool passes over zips that it cannot read and goes on; so look."""
    digest = f"sha256:{hashlib.sha256(package.read_bytes()).hexdigest()}"
    index = json.loads((package.parent / INDEX).read_text(encoding="utf-8"))
    if digest not in [entry["archive_hash"] for entry in index["data"]]:
        raise SetupError(f"{package.parent / INDEX} does not list {package.name}")
