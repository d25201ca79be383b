# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core bench card``: whole jobs as a person runs them, and the page that says what they took."""

import json

import pytest

from core.bench import card
from core.bench.card import JobCost
from core.bench.share import Share
from core.command_line import main
from core.job import EXIT_STATUS


def test_page_sets_time_beside_what_is_allowed_and_memory_beside_what_was_planned():
    cost = JobCost("sd15", "paper", 200.0, 9.0, 141.5, 0.0566, 0, 6 * 2**30, 5 * 2**30)
    share = Share("sd15", "paper", step=0.0566, networks=0.05, launches=9000)
    page = card.as_page([cost], [share], "cpu", "3 passed")
    assert "| sd15 | paper | 200.0 | 9.0 | 141.5 | 150 | 0.057 | 0 | 5.0 (6.0) |" in page
    assert "| sd15 | paper | 0.057 | 0.050 | 1.13 | 1.25 | 9000 |" in page
    assert page.endswith("Tests there: 3 passed.\n")


def test_job_that_is_none_is_refused(capsys):
    assert main(["bench", "card", "--jobs", "sd15:quick"]) == EXIT_STATUS["bad_setting"]
    assert "sd15:quick" in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_on_a_processor_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(card, "run_tests", lambda: "none")
    page = tmp_path / "card.md"
    assert main(["bench", "card", "--device", "cpu", "--jobs", "bundled:draft", "--output", str(page)]) == 0
    found = json.loads(page.with_suffix(".json").read_text())
    (cost,), (share,) = found["jobs"], found["shares"]
    assert (cost["model"], cost["preset"], cost["left_out"], cost["most"]) == ("bundled", "draft", 0, None)
    assert cost["planned"] > 0 and 0.0 < cost["optimise"] < cost["whole"]
    assert share["launches"] is None and 0.0 < share["networks"] < 2.0 * share["step"]
    assert page.read_text() == capsys.readouterr().out
