# SPDX-License-Identifier: GPL-3.0-or-later
"""The table can be trusted: what it names is there, and what fails is red."""

from __future__ import annotations

import ast

from tests.conftest import ROOT

from .results import Outcome
from .row import Row
from .rows import GROUPS
from .table import as_document


def test_every_test_that_a_row_names_is_there():
    for row in (row for rows in GROUPS.values() for row in rows):
        for test in row.tests:
            file, _, name = f"tests/{test}".partition("::")
            path = ROOT / file
            assert path.exists(), f"{row.fault}: {test}"
            if name:
                functions = [node.name for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "name")]
                assert name in functions, f"{row.fault}: {test}"


def test_a_row_is_green_only_when_a_test_of_it_passed_and_none_failed():
    row = Row("a fault", "somehow", "nothing", "no process", ("core/test_a.py::test_one", "core/test_a.py::test_two"))
    one, two = (f"tests/{test}" for test in row.tests)
    passed, failed, skipped = (Outcome(state) for state in ("passed", "failed", "skipped"))

    def green(outcomes):
        return as_document({"Group": [row]}, outcomes)[1]

    assert green({one: passed, f"{two}[a]": passed, f"{two}[b]": skipped})
    assert not green({one: passed, f"{two}[a]": passed, f"{two}[b]": failed})
    assert not green({one: passed})
    assert not green({one: skipped, two: skipped})


def test_what_a_test_measured_stands_in_place_of_what_was_expected():
    row = Row("a fault", "somehow", "steps", "no process", ("core/test_a.py::test_one",))
    document, _ = as_document(
        {"Group": [row]}, {"tests/core/test_a.py::test_one": Outcome("passed", {"lost": "2 steps"})}
    )
    assert "| a fault | somehow | 2 steps | no process | green (1) |" in document
