# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of graphics cards in the documentation is what the program plans."""

from core.rehearsal.cards import SIZES, as_table
from tests.conftest import ROOT


def test_table_is_that_of_the_docs_and_no_card_of_8_gb_or_more_is_left_without_a_model():
    table = as_table()
    assert table in (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    assert len(rows) == len(SIZES)
    assert all("nothing" not in row[2] for row in rows[1:])
