# SPDX-License-Identifier: GPL-3.0-or-later
"""What pytest's report says of each test."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """Of one test."""

    state: str
    """"passed", "skipped" or "failed"."""
    measured: dict[str, str] = field(default_factory=dict)
    """What it recorded with ``record_property``."""


def read_report(path: Path) -> dict[str, Outcome]:
    """Outcomes by node id from a report in pytest's ``xunit1`` form; none where there is no file."""
    if not path.is_file():
        return {}
    found: dict[str, Outcome] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        if any(case.find(tag) is not None for tag in ("failure", "error")):
            state = "failed"
        else:
            state = "skipped" if case.find("skipped") is not None else "passed"
        measured = {entry.get("name", ""): entry.get("value", "") for entry in case.iter("property")}
        found[f"{case.get('file')}::{case.get('name')}"] = Outcome(state, measured)
    return found


def outcomes_of(tests: tuple[str, ...], outcomes: dict[str, Outcome]) -> list[Outcome]:
    """Those of a row's tests, every parameter of each; "failed" for a test that has none."""
    found: list[Outcome] = []
    for test in tests:
        name = f"tests/{test}"
        own = [
            outcome
            for node, outcome in outcomes.items()
            if node == name or node.startswith((f"{name}[", f"{name}::", f"{name}/"))
        ]
        found += own or [Outcome("failed")]
    return found
