# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the checkout: ``demo``, ``test`` and ``release``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from . import checks, demo, release
from .children import Cancelled, cancellable
from .messages import SetupError

COMMANDS = ("demo", "test", "release")
"""What this file knows."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status: 0 for success, 2 for a failed set-up, 130 for Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python3 -m vendor_install",
        description="Set up StyleTex in this checkout.",
        epilog="For the environment of the installed extension: install, doctor, size, remove, bundle, nvdiffrast.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo_command = commands.add_parser("demo", help="make .venv/ and texture Suzanne; the result is in build/demo/")
    test_command = commands.add_parser(
        "test", help="make .venv/ and run all checks and tests; other arguments go to pytest"
    )
    for command in (demo_command, test_command):
        command.add_argument("--python", metavar="PATH", help="the Python to make .venv/ with")
    release_command = commands.add_parser("release", help="build the extension's zip and a repository to host it")
    release_command.add_argument(
        "--output", type=Path, default=release.OUTPUT, metavar="DIR", help="where they go (%(default)s)"
    )
    options, rest = parser.parse_known_args(arguments)
    if options.command != "test" and rest:
        parser.error(f"{options.command} does not take these arguments: {' '.join(rest)}")
    try:
        with cancellable(signal.SIGTERM):  # Ctrl-C reaches the programs as well, and they end by themselves.
            if options.command == "release":
                return release.run(options.output.expanduser().absolute())
            named = options.python or None
            return demo.run(named) if options.command == "demo" else checks.run(named, rest)
    except SetupError as error:
        print(f"\nERROR: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"\nERROR: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Cancelled):
        print("\nInterrupted. The same command continues where this one stopped.", file=sys.stderr)
        return 130
