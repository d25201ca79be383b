# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``bundle`` command: a folder of wheels that ``install --wheels`` needs no network with."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from . import accelerators, fill, tools
from .children import run
from .consent import Agree
from .events import Reporter
from .installed import python_of
from .lock import Lock
from .messages import InstallError
from .platforms import PLATFORMS, VARIABLES, this_platform
from .pythons import choose, none_found, text as text_of

MANIFEST = "styletex-wheels.json"
"""In the folder, written last: what the wheels are for."""


def python_version(wheels: Path | None, lock: Lock) -> tuple[int, int] | None:
    """The Python version that the bundle in ``wheels`` is for; ``None`` for a folder that does not say.

    Raises:
        InstallError: ``bad_wheels``: no such folder, or it is a bundle for another version of the extension or system.
    """
    if wheels is None:
        return None
    if not wheels.is_dir():
        raise InstallError("bad_wheels", f"There is no folder {wheels}", "Correct --wheels")
    manifest = wheels / MANIFEST
    if not manifest.is_file():
        return None
    values = json.loads(manifest.read_text(encoding="utf-8"))
    hint = "Make a new one: python3 -m vendor_install bundle"
    if values["lock"] != lock.fingerprint:
        raise InstallError("bad_wheels", f"The wheels in {wheels} are for another version of the extension", hint)
    if values["platform"] != this_platform():
        message = f"The wheels in {wheels} are for {values['platform']}; this is {this_platform()}"
        raise InstallError("bad_wheels", message, f"{hint} --platform {this_platform()}")
    major, minor = values["python"].split(".")
    return int(major), int(minor)


def check(wheels: Path) -> None:
    """Refuse a folder with a wheel that is no whole archive, as a copy that was cut short is.

    Raises:
        InstallError: ``bad_wheels``, with the names.
    """
    broken = [wheel.name for wheel in sorted(wheels.glob("*.whl")) if not zipfile.is_zipfile(wheel)]
    if broken:
        message = f"In {wheels} {', '.join(broken)} {'is' if len(broken) == 1 else 'are'} cut short or damaged"
        raise InstallError("bad_wheels", message, "Copy the folder again")


def make(
    output: Path,
    lock: Lock,
    report: Reporter,
    device: str,
    version: tuple[int, int] | None,
    platform: str,
    timeout: int,
    agree: Agree,
) -> None:
    """Download every wheel that ``install --wheels`` needs.

    Args:
        output: the folder; what is in it already is not downloaded again.
        lock: the packages.
        report: told of the course.
        device: one of ``accelerators.DEVICES``; which build of PyTorch.
        version: of the Python to install with; ``None`` takes this one's.
        platform: a name in ``PLATFORMS``.
        timeout: seconds without an answer after which a download is given up and tried again.
        agree: asked before a build of PyTorch is fetched that is far larger than is needed.

    Raises:
        InstallError: ``no_python``: some package has no wheel for ``version`` on ``platform``; or a download failed.
    """
    version = version or (sys.version_info[0], sys.version_info[1])
    text = text_of(version)
    if missing := lock.on(version, platform).missing:
        message = f"There is no {' and no '.join(missing)} for Python {text} on {platform}"
        raise InstallError("no_python", message, "Name another with --python-version or --platform")
    output.mkdir(parents=True, exist_ok=True)
    (output / MANIFEST).unlink(missing_ok=True)
    with TemporaryDirectory(dir=output, prefix=".work-") as work:
        sources = tools.Sources(Path(work) / "uv", Path(work) / "cache", timeout=timeout)
        foreign = platform != this_platform()
        report.stage("python")
        choice = choose([], version=None if foreign else version)
        if choice.python is None:
            raise none_found([], choice.tried, version)
        report.stage("environment")
        environment = Path(work) / "downloader"
        pip = tools.Pip(sources, report.log)
        pip.make_environment(choice.python, environment)
        options = ["--dest", str(output), "--find-links", str(output), "--only-binary", ":all:", "--no-input"]
        options += ["--disable-pip-version-check", "--timeout", str(timeout)]
        requirements = lock.file
        if foreign:
            report.stage("tool")
            uv = tools.find_uv() or tools.fetch_uv(sources, report.log)
            requirements = _for_platform(uv, lock, text, platform, Path(work), report)
            options += ["--python-version", text, "--implementation", "cp"]
            options += [f"--platform={tag}" for tag in (*PLATFORMS[platform].tags, "any")]
        command = [str(python_of(environment)), "-m", "pip", "download", *options]
        report.stage("packages")
        failure = "The wheels could not be downloaded"
        run([*command, "--no-deps", "--require-hashes", "-r", str(requirements)], failure, report.log)
        report.stage("torch")
        with tools.constraints(lock) as constraints:
            # Only PyTorch for Linux has parts in wheels of their own; they are for Linux as pip knows it here.
            parts = ["-c", str(constraints)] if platform.startswith("linux") else ["--no-deps"]
            torch = [*command, lock.torch, *parts]
            kind = None if platform.startswith("macos") else accelerators.build(device)
            try:
                if kind is None:
                    raise tools.PytorchIndexError("not needed")
                index = ["--index-url", f"{accelerators.PYTORCH_INDEX}/{kind}", "--retries", "1"]
                with tools.pytorch_index():
                    run([*torch, *index], failure, report.log)
            except tools.PytorchIndexError as error:
                if kind:
                    report.note(
                        f"PyTorch's own index cannot be reached, so PyTorch comes from the default one ({error})"
                    )
                    asked_for = accelerators.likely_device(device)
                    if asked_for != "cuda" and (foreign or pip.default_torch_is_large(environment, lock)):
                        fill.agree_to_cuda(agree, lock, platform)
                run(torch, failure, report.log)
    values = {"lock": lock.fingerprint, "python": text, "platform": platform, "device": device}
    (output / MANIFEST).write_text(json.dumps(values), encoding="utf-8")
    report.done(f"The wheels are in {output}", output=str(output), **values)


def _for_platform(uv: str, lock: Lock, version: str, platform: str, work: Path, report: Reporter) -> Path:
    """The part of the lock that ``platform`` needs: pip would judge the markers by the system it runs on."""
    file = work / "requirements.txt"
    command = [uv, "pip", "compile", "--no-deps", "--generate-hashes", "--python-version", version, "--no-header"]
    command += ["--python-platform", PLATFORMS[platform].uv_name, str(lock.file), "--output-file", str(file)]
    run(command, "The packages for the platform could not be chosen", report.log, VARIABLES)
    return file
