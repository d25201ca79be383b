# SPDX-License-Identifier: GPL-3.0-or-later
"""What more steps bring: the settings that are compared, and the table."""

import pytest

from core.evaluation.effort import as_table, operations, settings_of


def test_only_the_steps_differ():
    short, long = settings_of(100), settings_of(800)
    assert (short.steps, long.steps) == (100, 800) and short.views == long.views
    assert short.statistics_weight == short.detail.strength == 0.0, "else it would not be the model that is judged"
    assert short.guidance == long.guidance and short.guidance.interval_matching and short.warm_start is None


def test_twice_the_steps_are_about_twice_the_operations():
    assert operations(40) == pytest.approx(2.0 * operations(20), rel=0.1)


def test_table_compares_each_with_the_first():
    table = as_table({10: 1e12, 20: 2e12}, {10: [0.5, 0.7], 20: [0.4, 0.5]})
    assert "| 10 | 1.00 | 0.600 | – |" in table
    assert "| 20 | 2.00 | 0.450 | +0.150 (+0.100 to +0.200) |" in table
