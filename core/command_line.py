# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line. What is heavy is imported inside the sub-commands, so that a missing package can be reported."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one sub-command.

    Returns:
        Exit status, as in ``core.job.EXIT_STATUS``.
    """
    parser = argparse.ArgumentParser(prog="python -m core", description="Textures in the style of one picture")
    commands = parser.add_subparsers(dest="command", required=True)
    add_worker(commands)
    options = parser.parse_args(arguments)
    return options.run(options)


def add_worker(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The sub-command ``worker``, which Blender starts."""
    parser = commands.add_parser("worker", help="do jobs for Blender (started by the add-on)")
    parser.add_argument("--idle-minutes", type=positive, default=10.0, help="leave after so long without a job")
    parser.set_defaults(run=run_worker)


def positive(text: str) -> float:
    """A number above 0, for argparse."""
    value = float(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def run_worker(options: argparse.Namespace) -> int:
    """Be the worker of this process."""
    from .worker import main as serve

    return serve(options.idle_minutes)
