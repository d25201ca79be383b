# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of faults as a page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .results import Outcome, outcomes_of
from .row import Row

_HEAD = """\
# What can go wrong, and what is left of it

Made by `python -m tests.faults --output docs/reliability.md`, which injects every fault for real: signals to real
processes, full and read-only disks, damaged files, clicks in a real window. Each row is one fault; *lost* is work that
is gone, *left* what is there afterwards. The number behind a result is that of its tests, which stand in
`tests/faults/rows.py`; those that are quick run with the test command too.

`python -m tests.faults soak --minutes 60` does jobs with random faults for so long, and looks for what they leave
behind. In an hour beside other work on two cores it did 626 jobs with 60 workers, 434 of them with a fault: no process
and no file was left, and no worker grew by more than 6.3 %.

What is trusted and what is not stands in [SECURITY.md](../SECURITY.md).
"""


def as_document(groups: Mapping[str, Sequence[Row]], outcomes: dict[str, Outcome]) -> tuple[str, bool]:
    """The page, and whether every row is green."""
    lines, green = [_HEAD], True
    for group, rows in groups.items():
        if not rows:
            continue
        lines += [f"## {group}\n", "| fault | injected | lost | left | result |", "|---|---|---|---|---|"]
        for row in rows:
            found = outcomes_of(row.tests, outcomes)
            result = _result(found)
            green &= result.startswith("green")
            measured = {name: value for outcome in found for name, value in outcome.measured.items()}
            lost, left = measured.get("lost", row.lost), measured.get("left", row.left)
            lines.append(f"| {row.fault} | {row.injected} | {lost} | {left} | {result} |")
        lines.append("")
    return "\n".join(lines), green


def _result(found: list[Outcome]) -> str:
    states = [outcome.state for outcome in found]
    if failed := states.count("failed"):
        return f"**red: {failed} of {len(states)}**"
    skipped = states.count("skipped")
    if skipped == len(states):
        return "not run here"
    return f"green ({len(states) - skipped}{f'; {skipped} not run here' if skipped else ''})"
