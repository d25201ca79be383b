# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of what model and statistics do together say how sure they are."""

import re

import pytest

from core.evaluation.ablation import VARIANTS
from core.evaluation.whole import MESHES, STYLES, WAYS, Measured, all_cases, as_table, interval, word_cases


def numbers(text):
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d+", text)]


def test_the_interval_holds_the_mean_and_is_wide_where_cases_differ():
    mean, low, high = numbers(interval([0.1, 0.2, 0.3, 0.4]))
    assert mean == pytest.approx(0.25) and low < mean < high
    _, low_of_alike, high_of_alike = numbers(interval([0.24, 0.25, 0.25, 0.26]))
    assert high_of_alike - low_of_alike < 0.2 * (high - low)


def test_each_way_is_compared_case_by_case_with_the_statistics_alone():
    alone = [Measured(0.2, 0.01), Measured(0.4, 0.02)]
    better = [Measured(0.1, 0.05), Measured(0.3, 0.06)]
    first, second = as_table({"statistics alone": alone, "whole method": better}).splitlines()[2:]
    assert first == "| statistics alone | 0.300 | +0.015 | – | – |"
    assert second == ("| whole method | 0.200 | +0.055 | -0.100 (-0.100 to -0.100) | +0.040 (+0.040 to +0.040) |"), (
        "the cases differ by the same, however far they are from each other"
    )


def test_the_ways_see_the_same_cases_and_the_model_alone_gets_nothing_else(tmp_path):
    ways = all_cases(tmp_path)
    assert tuple(ways) == WAYS and set(WAYS) <= set(VARIANTS)
    names = [[(case.style.name, case.mesh.name) for case in cases] for cases in ways.values()]
    assert names[0] == names[1] == names[2] and len(names[0]) == len(STYLES) * len(MESHES)
    for case in ways["model alone"]:
        assert case.settings.statistics_weight == case.settings.detail.strength == 0.0
        assert case.settings.distillation_weight > 0.0
    for case in ways["statistics alone"]:
        assert case.settings.distillation_weight == 0.0 < case.settings.detail.strength


def test_words_and_seeds_change_nothing_but_themselves(tmp_path):
    pairs = list(word_cases(tmp_path))
    assert len(pairs) == len(STYLES) * len(MESHES)
    for pair in pairs:
        (first, *_), (second, *_) = pair.values()
        assert first.job.prompt != second.job.prompt and first.job.seed == second.job.seed
        assert len({case.job.seed for case in next(iter(pair.values()))}) == 3
        assert len({case.folder for cases in pair.values() for case in cases}) == 6
