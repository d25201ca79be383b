# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of the style images that are used more often than others get dear, and so none comes back all the time."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.detail.apart import joined
from core.detail.evenness import Crowding
from core.detail.exemplar import Exemplar

SIDE = 96
WITHIN = (3, SIDE - 3)
"""Places nearer to the border have no surroundings, and are never used."""


@pytest.fixture(scope="module")
def exemplar():
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 255, (2, SIDE, SIDE, 3), dtype=np.uint8)
    return Exemplar([(Image.fromarray(noise[0]), 0.75), (Image.fromarray(noise[1]), 0.25)], 1.0, SIDE, 1, generator)


def anywhere(count, picture, columns=WITHIN):
    generator = np.random.default_rng(1)
    own = np.stack([generator.uniform(*columns, count), generator.uniform(*WITHIN, count)], axis=-1)
    return joined(picture, own.astype(np.float32))


def test_used_as_is_its_share_nothing_is_dear(exemplar):
    crowding = Crowding(exemplar, 20.0 * SIDE**2)
    crowding.count(np.concatenate([anywhere(60_000, 0), anywhere(20_000, 1)]))
    assert crowding.of(anywhere(1000, 0)).mean() < 0.1 and crowding.of(anywhere(1000, 1)).mean() < 0.1


def test_what_is_used_twice_as_often_costs_one_and_four_times_two(exemplar):
    crowding = Crowding(exemplar, 20.0 * SIDE**2)
    left, right = (3, SIDE // 4), (SIDE * 3 // 4, SIDE - 3)
    crowding.count(np.concatenate([anywhere(30_000, 0, left), anywhere(50_000, 1)]))
    assert crowding.of(anywhere(1000, 1)).mean() == pytest.approx(np.log2(50 / 20), abs=0.15)
    assert np.median(crowding.of(anywhere(1000, 0, (3, SIDE // 4 - 8)))) == pytest.approx(1.0, abs=0.3)
    assert (crowding.of(anywhere(1000, 0, right)) == 0.0).all()


def test_on_a_small_surface_any_region_may_be_used_once(exemplar):
    crowding = Crowding(exemplar, 0.25 * 2 * SIDE**2)
    crowding.count(anywhere(5000, 0, (3, SIDE // 2)))
    assert crowding.of(anywhere(1000, 0)).max() < 0.5
