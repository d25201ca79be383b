# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of frames, read by another's reader."""

import io

import numpy as np
from PIL import Image

from core.worker.targa import as_targa


def test_a_reader_finds_the_same_pixels_in_it() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(as_targa(image))) as picture:
        assert picture.format == "TGA"
        np.testing.assert_array_equal(np.asarray(picture), image)


def test_its_size_is_that_of_the_pixels_and_a_header() -> None:
    assert len(as_targa(np.zeros((4, 6, 3), np.uint8))) == 18 + 4 * 6 * 3
