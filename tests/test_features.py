# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of features: each of ours is shown by a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    line for line in (ROOT / "docs" / "features.md").read_text(encoding="utf-8").splitlines() if line.startswith("| **")
]


def named(row: str) -> list[tuple[str, str]]:
    """File and test of each that a row names in the column of ours."""
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row.split(" | ")[1])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("**")[1])
def test_every_feature_names_a_test_that_exists(row: str):
    assert named(row)
    for file, test in named(row):
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)], f"{file}::{test}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("**")[1])
def test_what_is_said_of_others_names_its_page(row: str):
    for cell in row.strip("| ").split(" | ")[2:]:
        assert cell == "–" or re.search(r"\[[a-i]\]$", cell)


def test_there_are_rows_and_names_are_found_in_them():
    assert len(ROWS) >= 15
    row = "| **X** | yes: `tests/test_features.py::test_gone` | – |"
    assert named(row) == [("tests/test_features.py", "test_gone")]
