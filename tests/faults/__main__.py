# SPDX-License-Identifier: GPL-3.0-or-later
"""Inject every fault of the table, and write what came of it.

    python -m tests.faults [--only WORDS] [--output docs/reliability.md] [--report FILE.xml]
    python -m tests.faults soak [--minutes 60]

The exit status is 0 when every row is green. With a real Blender (``BLENDER=…``) and as root nothing is skipped.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from .results import Outcome, read_report
from .row import Row
from .rows import GROUPS
from .soak import soak
from .table import as_document

ROOT = Path(__file__).resolve().parents[2]


def run(rows: list[Row]) -> dict[str, Outcome]:
    """Run the tests of ``rows`` once each; outcomes by their node ids."""
    tests = list(dict.fromkeys(f"tests/{test}" for row in rows for test in row.tests))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", "--junit-xml", str(report)]
        subprocess.run([sys.executable, "-m", "pytest", *options, *tests], cwd=ROOT, check=False)
        return read_report(report)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Faults, one by one", prog="python -m tests.faults")
    parser.add_argument("what", nargs="?", choices=("table", "soak"), default="table")
    parser.add_argument("--only", default="", metavar="WORDS", help="rows whose name has these words")
    parser.add_argument("--output", type=Path, metavar="FILE.md", help="write the table there")
    parser.add_argument("--report", type=Path, metavar="FILE.xml", help="of a run of all tests, in place of a new one")
    parser.add_argument("--minutes", type=float, default=60.0, metavar="N", help="of the soak (60)")
    arguments = parser.parse_args()
    if arguments.what == "soak":
        return soak(arguments.minutes)
    groups = {
        group: [row for row in rows if arguments.only in row.fault or arguments.only in group]
        for group, rows in GROUPS.items()
    }
    if arguments.report:
        outcomes = read_report(arguments.report)
    else:
        outcomes = run([row for rows in groups.values() for row in rows])
    document, green = as_document(groups, outcomes)
    if arguments.output:
        arguments.output.write_text(document, encoding="utf-8")
    print(document)
    return 0 if green else 1


if __name__ == "__main__":
    sys.exit(main())
