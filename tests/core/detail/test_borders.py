# SPDX-License-Identifier: GPL-3.0-or-later
"""The compiled loop says of borders what array operations do."""

import numpy as np
import pytest
from PIL import Image

from core.detail.apart import joined, split
from core.detail.borders import borders
from core.detail.exemplar import Exemplar

POINTS, AROUND, SAME, WORST, LEAST = 400, 5, 2.25, 0.06, 0.04


@pytest.mark.parametrize("pictures", [1, 3])
@pytest.mark.parametrize("level", [0, 1])
def test_borders_are_as_visible_as_what_is_on_both_sides_is_unlike(pictures, level):
    generator = np.random.default_rng(0)
    images = [
        (Image.fromarray(generator.integers(0, 255, (60, 60 + 20 * one, 3)).astype(np.uint8)), 1 / pictures)
        for one in range(pictures)
    ]
    exemplar = Exemplar(images, 1.0, 60, 2, generator)
    which = generator.integers(0, pictures, POINTS)
    place = joined(which, generator.uniform(-5.0, 70.0, (POINTS, 2)).astype(np.float32))
    index = generator.integers(0, POINTS, (POINTS, AROUND))
    way = generator.normal(0.0, 3.0, (POINTS, AROUND, 2)).astype(np.float32)
    # Some go on from their neighbours.
    way[::3] = place[index[::3]] - place[::3, None] + generator.normal(0.0, 1.0, way[::3].shape).astype(np.float32)
    turned, real = generator.random((2, POINTS, AROUND)) < [[[0.2]], [[0.8]]]
    point = generator.permutation(POINTS)[:300]
    fine = exemplar.fine[level]
    arguments = fine.around, fine.colour, fine.pixels.pictures, fine.scale, WORST, LEAST
    visible, at_border = borders(point, place[point], place, index, way, turned, real, SAME, *arguments)

    ahead, theirs = (place[:, None] + way)[point], place[index[point]]
    goes_on = (np.square(ahead - theirs).sum(-1) <= SAME) & ~turned[point]
    one, other = (pixel_numbers(fine, places, pictures) for places in (ahead, theirs))
    unlike = np.square(fine.around[one] - fine.around[other]).sum(-1)
    colours_unlike = np.square(fine.colour[one] - fine.colour[other]).sum(-1)
    expected = np.minimum(np.where(turned[point], colours_unlike, unlike), WORST) + LEAST
    expected = np.where(goes_on | ~real[point], 0.0, expected).mean(axis=1)
    assert 50 < at_border.sum() < 300
    assert np.array_equal(at_border, ~goes_on.all(axis=1))
    assert np.allclose(visible, expected, atol=1e-6)


def pixel_numbers(fine, place, pictures):
    which, own = split(place, pictures)
    column, row = np.moveaxis((own + 0.5) * fine.scale, -1, 0).astype(np.int64)
    return fine.pixels.number(which, column, row)
