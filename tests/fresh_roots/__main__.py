# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m tests.fresh_roots [CASE…]``: the README's commands on bare Debian systems, and one table."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from . import network, roots, runs, table

COMMANDS = {"demo": ("demo",), "test": ("test",), "both": ("demo", "test")}
"""What ``--command`` means."""


def main() -> int:
    """Make the roots that are missing, run the commands one after the other, and return 0 when all went as expected."""
    options = _parser().parse_args()
    if options.list:
        for case in roots.CASES.values():
            print(f"{case.name:15} Debian {case.suite} with {' '.join(case.packages)}")
        return 0
    if unknown := [name for name in options.cases if name not in roots.CASES]:
        print(f"There is no case {', '.join(unknown)}; there are {', '.join(roots.CASES)}", file=sys.stderr)
        return 2
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        print("Roots are made, and entered, as root on Linux: run this again as root", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    settings = network.of_this_machine()
    commands = dict.fromkeys(each for word in options.command or ["demo"] for each in COMMANDS[word])
    results, unmade = [], []
    try:
        for case in [roots.CASES[name] for name in options.cases or roots.CASES]:
            try:
                root = roots.provide(case, options.mirror, settings, options.renew)
            except subprocess.CalledProcessError as error:
                print(f"    It could not be made: status {error.returncode} of {' '.join(map(str, error.cmd))}")
                _show(roots.install_log(case))
                unmade.append(case.name)
                continue
            numpy = "with numpy" if root.numpy else "without numpy"
            print(f"==> {case.name}: Python {root.python} {numpy}, Blender {root.blender or 'none'}", flush=True)
            for command in commands:
                result = runs.run(root, command, settings, options.minutes, options.keep, options.committed)
                results.append(result)
                table.keep([result], runs.RESULTS)
                print(f"    {result.result} ({result.seconds} s)", flush=True)
                if not result.ok:
                    _show(runs.log_of(case, command))
    except roots.MissingError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; nothing of the run is left", file=sys.stderr)
        return 130
    print(f"\n{table.markdown(results)}")
    if unmade:
        print(f"\nNot made: {', '.join(unmade)}")
    return int(bool(unmade) or not all(result.ok for result in results))


def _show(log: Path) -> None:
    """Print the end of ``log``."""
    print("\n".join(f"    | {line}" for line in runs.last_lines(log, 15)), flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.fresh_roots", description="The README's commands on bare Debian systems."
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="the systems (all; --list names them)")
    parser.add_argument(
        "--command", action="append", choices=COMMANDS, help="what to run in each (demo); may be given several times"
    )
    parser.add_argument("--list", action="store_true", help="name the systems and do nothing")
    parser.add_argument("--minutes", type=float, default=60, help="after which a run is ended (60)")
    parser.add_argument("--keep", action="store_true", help="leave the copies in which the commands ran")
    parser.add_argument("--renew", action="store_true", help="make the systems anew")
    parser.add_argument("--committed", action="store_true", help="run HEAD, without what is not committed yet")
    parser.add_argument("--mirror", default="", metavar="ADDRESS", help="a Debian mirror (the one of this machine)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
