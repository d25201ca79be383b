# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON is written whatever came into it."""

import json
import math

from core.storage.json_file import write_json


def test_numbers_and_text_that_json_does_not_know_are_written_all_the_same(tmp_path):
    values = {"name": "caf\N{LATIN SMALL LETTER E WITH ACUTE} \ud800", "measures": [1.5, math.nan, (-math.inf, 2)]}
    write_json(values, tmp_path / "report.json")
    assert "caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode() in (tmp_path / "report.json").read_bytes()
    read = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert read == {"name": values["name"], "measures": [1.5, None, [None, 2]]}
