# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the checkout: ``demo``, ``test`` and ``release``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import checks, demo, environment, release
from .messages import SetupError


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status: 0 for success, 2 for a failed set-up, 130 for Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python3 -m vendor_install", description="Set up StyleTex in this checkout.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("demo", help="make .venv/ and texture Suzanne; the result is in build/demo/")
    commands.add_parser("test", help="make .venv/ and run all checks and tests; other arguments go to pytest")
    release_command = commands.add_parser("release", help="build the extension's zip and a repository to host it")
    release_command.add_argument(
        "--output", type=Path, default=release.OUTPUT, metavar="DIR", help="where they go (%(default)s)"
    )
    options, rest = parser.parse_known_args(arguments)
    if options.command != "test" and rest:
        parser.error(f"{options.command} does not take these arguments: {' '.join(rest)}")
    try:
        if options.command == "release":
            return release.run(options.output.expanduser().absolute())
        python = environment.provide()
        return demo.run(python) if options.command == "demo" else checks.run(python, rest)
    except SetupError as error:
        print(f"\nERROR: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. The same command continues where this one stopped.", file=sys.stderr)
        return 130
