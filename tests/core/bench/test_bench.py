# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core bench``: real jobs in processes of their own, and the arithmetic of its table."""

import json
from pathlib import Path

import pytest

from core.bench.costs import Cost, as_table, measure
from core.bench.ways import Way, against
from core.command_line import main
from core.job import EXIT_STATUS
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings

ROOT = Path(__file__).parents[3]


def cells(line):
    return [cell.strip() for cell in line.strip("| ").split("|")]


def test_ratios_are_taken_round_by_round():
    def cost(whole):
        memory = round(whole) * 2**30
        return Cost(
            whole, start=1.0, model=0.5, before=3.0, step=50.0 / whole, after=2.0, processor=None, peak_memory=memory
        )

    table = as_table({"this": [cost(10.0), cost(20.0), cost(40.0)], "that": [cost(20.0), cost(30.0), cost(20.0)]})
    _, _, this, that = map(cells, table.splitlines())
    one = "1.00 (1.00 to 1.00)"
    assert this == ["this", "1.00", "0.50", "3.00", "2.50", "2.00", "20.00", "–", one, one, "–", "40.00"]
    ratios = ["1.50 (0.50 to 2.00)", "0.67 (0.50 to 2.00)", "–"]
    assert that == ["that", "1.00", "0.50", "3.00", "2.50", "2.00", "20.00", "–", *ratios, "30.00"]


def test_a_bench_runs_the_job_and_accounts_for_its_time(model_folder, capsys):
    assert main(["bench", "--ways", "no statistics", "--rounds", "1", "--models", str(model_folder)]) == 0
    heading, _, row = capsys.readouterr().out.splitlines()
    values = dict(zip(cells(heading), cells(row), strict=True))
    start, model, before, step, after, whole = (
        float(values[f"{name}, s"]) for name in ("start", "model", "before", "a step", "after", "whole")
    )
    assert min(start, model, before, step, after) > 0.0
    steps = optimisation_settings(profile("bundled"), "draft").steps
    # Each is rounded to a hundredth, a step too.
    assert start + model + before + steps * step + after == pytest.approx(whole, abs=0.005 * (steps + 5))
    assert values["whole / no statistics"] == "1.00 (1.00 to 1.00)"
    assert 0.1 < float(values["memory, GiB"]) < 8.0


def test_another_checkout_does_the_job(tmp_path):
    """Its program is not this one: it writes a report without having done anything."""
    other, output = tmp_path / "other", tmp_path / "results"
    (other / "core").mkdir(parents=True)
    seconds = {"mesh": 0.25, "models": 0.5, "optimise": 8.0, "bake": 1.0, "preview": 0.5}
    report = json.dumps({"seconds": seconds, "steps_done": 80})
    (other / "core" / "__main__.py").write_text(
        "import pathlib, sys\nassert sys.argv[1:3] == ['stylize', 'torus.ply']\n"
        "folder = pathlib.Path(sys.argv[sys.argv.index('--output') + 1])\nfolder.mkdir()\n"
        f"(folder / 'report.json').write_text({report!r})\n"
    )
    there, here = against(other).items()
    assert (there[0], here) == ("other", ("this", Way()))
    cost = measure(there[1], ["torus.ply"], output)
    assert (cost.model, cost.before, cost.step, cost.after) == (0.5, 0.25, 0.1, 1.5)
    assert cost.processor is not None and cost.processor > 0.0


def test_a_folder_that_is_no_checkout_is_refused(tmp_path, capsys):
    assert main(["bench", "--against", str(tmp_path)]) == EXIT_STATUS["bad_setting"]
    assert "no folder core" in capsys.readouterr().err


def test_a_job_that_fails_is_said_with_its_cause(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "--rounds", "1", "--mesh", "nowhere.obj"]) == EXIT_STATUS["bad_mesh"]
    assert str(tmp_path / "nowhere.obj") in capsys.readouterr().err


def test_no_rounds_are_refused(capsys):
    assert main(["bench", "--rounds", "0"]) == EXIT_STATUS["bad_setting"]
    assert "--rounds is 0" in capsys.readouterr().err
