# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands for the worker's own environment: install, doctor, size, remove, bundle, nvdiffrast, lock."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from . import (
    accelerators,
    bundle,
    consent,
    doctor,
    install,
    lock as locks,
    nvdiffrast,
    platforms,
    pythons,
    target as targets,
    tools,
)
from .checkout import ENVIRONMENT
from .children import Cancelled, cancellable, end_with_input
from .events import Reporter
from .installed import LOCK_FILE, current_environment, default_target
from .messages import InstallError

COMMANDS = ("install", "doctor", "size", "remove", "bundle", "nvdiffrast", "lock")
"""What this file knows."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its status: 0 done, 1 ``doctor`` found something, 2 failed, 130 cancelled."""
    options = _parser().parse_args(arguments)
    report = Reporter(as_json=getattr(options, "json_events", False))
    try:
        with cancellable():
            if getattr(options, "end_with_input", False):
                end_with_input()
            return _run(options, report)
    except InstallError as error:
        report.failed(error)
        print(f"\nERROR: {error}", file=sys.stderr)
        return 2
    except Cancelled:
        report.cancelled()
        print("\nCancelled. What was there before is as it was; downloads are kept.", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace, report: Reporter) -> int:
    if options.command == "lock":
        uv = tools.find_uv()
        if uv is None:
            raise InstallError("no_uv", "There is no uv on the PATH", f"Install it: pip install {tools.UV}")
        locks.make_all(uv)
        return 0
    if options.command == "size":
        print(json.dumps({"target": str(options.target), "bytes": targets.size(options.target)}))
        return 0
    if options.command == "remove":
        targets.remove(options.target)
        report.done(f"There is no environment in {options.target} any more")
        return 0
    if options.command == "nvdiffrast":
        nvdiffrast.install(options.target, options.accept_license, options.source, report)
        return 0
    lock = locks.read(options.lock)
    if options.command == "doctor":
        findings = []
        if options.python is not None:
            found = doctor.examine_python(options.python, lock, options.model)
        else:
            found = doctor.examine(options.target, lock, options.model)
        for finding in found:
            findings.append(finding)
            if not options.json:
                report.finding(finding.line(), **asdict(finding))
        if options.json:
            environment = current_environment(options.target)
            values = {"environment": environment and str(environment), "findings": [asdict(each) for each in findings]}
            print(json.dumps(values))
        wrong = sum(not finding.ok for finding in findings)
        if options.json_events:
            report.done(f"{wrong} of {len(findings)} checks found something wrong" if wrong else "All is well")
        return 1 if wrong else 0
    if options.command == "bundle":
        version, platform = options.python_version, options.platform
        agree = consent.by_terminal(report)
        bundle.make(options.output, lock, report, options.device, version, platform, options.timeout, agree)
        return 0
    request = install.Request(
        options.target,
        lock,
        options.device,
        options.wheels,
        options.python,
        options.timeout,
        options.rebuild,
        _agree(options, report),
    )
    install.install(request, report)
    return 0


def _agree(options: argparse.Namespace, report: Reporter) -> consent.Agree:
    if options.large_download:
        return consent.tell(report)
    return consent.refuse if options.json_events else consent.by_terminal(report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m vendor_install", description="StyleTex's worker environment.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    made = {
        "install": commands.add_parser("install", help="make or repair the environment"),
        "doctor": commands.add_parser("doctor", help="say what is wrong with the environment and how to mend it"),
        "size": commands.add_parser("size", help="say how much the environment takes on disk"),
        "remove": commands.add_parser("remove", help="remove the environment"),
        "bundle": commands.add_parser("bundle", help="download what install --wheels needs elsewhere"),
        "nvdiffrast": commands.add_parser(
            "nvdiffrast", help="build NVIDIA's rasteriser into the environment (for non-commercial use only)"
        ),
        "lock": commands.add_parser("lock", help="write the locks anew from the lists of requirements (needs uv)"),
    }
    for name in ("install", "doctor", "size", "remove", "nvdiffrast"):
        in_checkout = name in ("doctor", "size", "nvdiffrast") and ENVIRONMENT.is_dir()
        place = ENVIRONMENT if in_checkout else default_target()
        made[name].add_argument("--target", type=_path, default=place, metavar="DIR", help="where it is (%(default)s)")
    for name in ("install", "bundle"):
        made[name].add_argument("--device", choices=accelerators.DEVICES, default="auto", help="for which (auto)")
        made[name].add_argument(
            "--timeout",
            type=int,
            default=30,
            metavar="SECONDS",
            help="silence after which a download is tried again (30)",
        )
    for name in ("install", "doctor", "remove", "bundle", "nvdiffrast"):
        made[name].add_argument("--json-events", action="store_true", help="print JSON, one event a line")
    for name in ("install", "doctor", "remove"):
        made[name].add_argument(
            "--end-with-input", action="store_true", help="cancel when the standard input ends, as it does with Blender"
        )
    for name in ("install", "doctor", "bundle"):
        made[name].add_argument(
            "--lock", type=_path, default=LOCK_FILE, metavar="FILE", help="another list of packages"
        )
    made["install"].add_argument(
        "--wheels", type=_path, metavar="DIR", help="a folder made by bundle; no network is used"
    )
    made["install"].add_argument("--python", metavar="PATH", help="the Python to make the environment with")
    made["install"].add_argument("--rebuild", action="store_true", help="also when the present one seems sound")
    made["install"].add_argument(
        "--large-download", action="store_true", help="also where PyTorch can only be had in a build that is far larger"
    )
    made["doctor"].add_argument("--json", action="store_true", help="print one JSON object")
    made["doctor"].add_argument(
        "--python", type=_path, metavar="PATH", help="try this Python in place of what is in the target"
    )
    made["doctor"].add_argument(
        "--model", type=_path, default=doctor.MODEL, metavar="DIR", help="another bundled model"
    )
    made["nvdiffrast"].add_argument(
        "--accept-license", action="store_true", help="accept nvdiffrast's licence, which the command shows"
    )
    made["nvdiffrast"].add_argument(
        "--source", default=nvdiffrast.SOURCE, metavar="PLACE", help="a folder or archive with its source (%(default)s)"
    )
    made["bundle"].add_argument("--output", type=_path, required=True, metavar="DIR", help="where the wheels go")
    made["bundle"].add_argument(
        "--python-version", type=_version, metavar="3.N", help="of the Python there (this one's)"
    )
    made["bundle"].add_argument(
        "--platform",
        choices=tuple(platforms.PLATFORMS),
        default=platforms.this_platform(),
        help="of the computer there (%(default)s)",
    )
    return parser


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it is empty; write . for the current folder")
    return Path(text).expanduser().absolute()


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    version = (int(major), int(minor))
    if version not in locks.PYTHONS:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(map(pythons.text, locks.PYTHONS))}")
    return version
