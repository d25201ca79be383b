# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way an environment is filled, the extension's and the checkout's: the Python, the packages, a check."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from . import accelerators, distributions, pythons, tools
from .children import run, scrubbed_environment
from .consent import Agree
from .events import Reporter
from .installed import python_of
from .lock import Lock, newest_python
from .messages import InstallError
from .platforms import this_platform


class DamagedError(Exception):
    """Files are missing in an environment that was just filled: the downloads it was filled from are damaged."""


def find_python(
    tool: tools.Uv | tools.Pip,
    locks: Sequence[Lock],
    report: Reporter,
    named: str | None = None,
    version: tuple[int, int] | None = None,
    offline: bool = False,
    more: Callable[[], Sequence[Path]] = tuple,
) -> Path:
    """The Python to make the environment with: one that is here, else one that uv downloads.

    Args:
        tool: what makes the environment.
        locks: what is to be installed in it.
        report: told which Pythons will not do, and why.
        named: the one that the user named.
        version: the only version that will do.
        offline: whether nothing may be downloaded.
        more: gives further Pythons that are here.

    Raises:
        InstallError: ``no_python``, with all that was tried and what to do.
    """
    choice = pythons.choose(locks, named, tool.needs_pip, version, more)
    for line in choice.tried:
        report.note(f"Not {line}")
    if choice.python:
        report.note(f"Python: {choice.python}")
        return choice.python
    tried = list(choice.tried)
    wanted = version or newest_python(locks)
    if wanted and not offline:
        if isinstance(tool, tools.Uv):
            try:
                python = tool.fetch_python(wanted)
            except InstallError as error:
                tried.append(error.message)
            else:
                report.note(f"Python: {python}, which uv brought")
                return python
        else:
            tried.append("uv, which brings a Python, cannot be had")
    raise pythons.none_found(locks, tried, version)


def tell_sizes(python: Path, locks: Sequence[Lock], device: str, report: Reporter) -> None:
    """Say how much is to be downloaded, as far as it is not there already."""
    version = pythons.version_of(python)
    packages = sum(lock.on(version).bytes for lock in locks) if version else 0
    if not packages:
        return
    kind = accelerators.likely_device(device)
    torch = accelerators.DOWNLOAD_MEGABYTES[kind]
    text = f"To download, unless it is here already: {packages / 1e6:,.0f} MB of packages"
    report.note(f"{text}, and about {torch:,} MB of PyTorch for {accelerators.NAMES[kind]}")


def fill(
    environment: Path, locks: Sequence[Lock], device: str, tool: tools.Uv | tools.Pip, agree: Agree, report: Reporter
) -> dict[str, str]:
    """Install the packages of ``locks`` into ``environment`` and check that they load.

    Args:
        environment: an environment that ``tool`` has made; what it holds already is not installed again.
        locks: the first one's PyTorch is installed.
        device: one of ``accelerators.DEVICES``.
        tool: what installs.
        agree: asked before a build of PyTorch is fetched that is far larger than this computer needs.
        report: told of the course.

    Returns:
        The versions of ``python`` and ``torch``.

    Raises:
        InstallError: it could not be done.
        DamagedError: some files did not arrive.
    """
    report.stage("packages")
    for lock in locks:
        tool = _install_packages(environment, lock, tool, report)
    report.stage("torch")
    lock = locks[0]
    try:
        tool.install_torch(environment, lock, device)
    except tools.PytorchIndexError as error:
        report.note(f"PyTorch's own index cannot be reached, so PyTorch comes from pip's default index ({error})")
        pip = tool.pip(environment) if isinstance(tool, tools.Uv) else tool
        if accelerators.likely_device(device) != "cuda" and pip.default_torch_is_large(environment, lock):
            agree_to_cuda(agree, lock)
        pip.install_default_torch(environment, lock)
    report.stage("check")
    if damaged := distributions.incomplete(site_packages(environment)):
        raise DamagedError(f"Installed in part only: {', '.join(path.name.split('-')[0] for path in damaged)}.")
    return probe(environment, locks)


def site_packages(environment: Path) -> Path:
    """The folder of the packages of ``environment``."""
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    command = [str(python_of(environment)), "-X", "utf8", "-I", "-c", question]
    answer = subprocess.run(command, capture_output=True, encoding="utf-8", env=scrubbed_environment(), check=True)
    return Path(answer.stdout.strip())


def probe(environment: Path, locks: Sequence[Lock]) -> dict[str, str]:
    """Load every module of ``locks`` and return the versions of Python and PyTorch.

    Raises:
        InstallError: one does not load, and what it said.
    """
    modules = ", ".join(name for lock in locks for name in lock.imports)
    code = f"import json, platform, {modules}\n"
    code += "print(json.dumps({'python': platform.python_version(), 'torch': str(torch.__version__)}))"
    lines: list[str] = []
    run([str(python_of(environment)), "-I", "-c", code], "The installed packages do not load", lines.append)
    return json.loads(lines[-1])


def agree_to_cuda(agree: Agree, lock: Lock, platform: str | None = None) -> None:
    """Ask before PyTorch comes from the default index for a computer that needs no CUDA, where it is with CUDA.

    Raises:
        InstallError: ``large_download``: it may not.
    """
    builds = lock.wheels.get(platform or this_platform(), {}).values()
    size = max((each.torch_bytes for each in builds), default=0)
    needed = accelerators.DOWNLOAD_MEGABYTES["cpu"]
    if builds and size < 2e6 * needed:
        return
    agree(
        f"The default index has only PyTorch's build for NVIDIA cards: {size / 1e9:.1f} GB to download and twice that "
        f"on disk, where {needed} MB would do",
        f"let {accelerators.PYTORCH_INDEX} be reached, or put the file {lock.torch.replace('==', '-')}+cpu-….whl for "
        "this Python into a folder and name the folder in the environment variable PIP_FIND_LINKS",
    )


def _install_packages(
    environment: Path, lock: Lock, tool: tools.Uv | tools.Pip, report: Reporter
) -> tools.Uv | tools.Pip:
    """Install one lock and return the tool that could: pip may know an index by its settings that uv does not reach."""
    try:
        tool.install_packages(environment, lock)
    except InstallError as error:
        if error.code != "network" or not isinstance(tool, tools.Uv) or tool.offline:
            raise
        report.note(f"uv does not reach the package index, so pip tries it with its own settings ({error.message})")
        tool = tool.pip(environment)
        tool.install_packages(environment, lock)
    return tool
