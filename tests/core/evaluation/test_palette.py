# SPDX-License-Identifier: GPL-3.0-or-later
"""A colour that the style does not have is found, on however small a part; the style's own colours are not."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.evaluation.meshes import chair
from core.evaluation.palette import measure_palette
from core.evaluation.parts import known_parts
from core.evaluation.styles import SAMPLES
from core.geometry.texels import texel_map

SIZE = 256


@pytest.fixture(scope="module")
def mesh():
    return chair()


@pytest.fixture(scope="module")
def picture():
    return Image.open(SAMPLES / "poppies.jpg").convert("RGB")


def texture(mesh, colours):
    texels = texel_map(mesh, SIZE)
    made = np.zeros((SIZE, SIZE, 3), np.uint8)
    made[texels.row, texels.column] = colours(texels)
    return made


def from_picture(picture):
    pixels = np.asarray(picture).reshape(-1, 3)
    return lambda texels: np.random.default_rng(1).permutation(pixels)[: len(texels.row)]


def test_the_style_s_own_pixels_are_as_near_as_they_are_to_each_other(mesh, picture):
    measured = measure_palette(mesh, np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.NEAREST)), picture)
    assert measured.texture == pytest.approx(measured.picture, rel=0.3)


def test_colours_between_the_pixels_go_a_little_and_others_far(mesh, picture):
    sharp = picture.resize((SIZE, SIZE), Image.Resampling.NEAREST)
    own = measure_palette(mesh, np.asarray(sharp), picture).texture
    between = measure_palette(mesh, np.asarray(sharp.filter(ImageFilter.GaussianBlur(2))), picture).texture
    violet = measure_palette(mesh, np.full((SIZE, SIZE, 3), (160, 0, 255), np.uint8), picture).texture
    assert own < between + 1 < violet
    assert violet > 20


def test_one_part_in_a_foreign_colour_is_found(mesh, picture):
    parts = known_parts("chair", mesh)
    rungs = parts == 2

    def colours(texels):
        made = from_picture(picture)(texels).copy()
        made[rungs[texels.triangle]] = (160, 0, 255)
        return made

    made = texture(mesh, colours)
    assert measure_palette(mesh, made, picture, parts).texture > 20
