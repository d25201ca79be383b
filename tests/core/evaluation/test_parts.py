# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes by parts and what goes by words, each with a texture that does and textures that do not."""

import numpy as np
import pytest

from core.evaluation.meshes import chair
from core.evaluation.parts import known_parts, part_share
from core.evaluation.views import View
from core.evaluation.words import word_effect
from core.geometry.texels import texel_map
from core.results.bake import to_uint8

SIZE = 256
COLOURS = np.array([(0.9, 0.2, 0.1), (0.1, 0.3, 0.8), (0.9, 0.9, 0.2), (0.1, 0.6, 0.2), (0.5, 0.5, 0.5)])


@pytest.fixture(scope="module")
def mesh():
    return chair()


@pytest.fixture(scope="module")
def parts(mesh):
    return known_parts("chair", mesh)


def painted(mesh, colours_of):
    """A texture whose texels have the colours of ``colours_of``, which gets their triangles and positions."""
    texels = texel_map(mesh, SIZE)
    texture = np.zeros((SIZE, SIZE, 3), np.uint8)
    texture[texels.row, texels.column] = to_uint8(colours_of(texels.triangle, texels.position).astype(np.float32))
    return texture


def test_the_chair_has_five_kinds_of_parts_and_a_ball_none(mesh, parts):
    assert sorted(np.unique(parts)) == [0, 1, 2, 3, 4]
    assert known_parts("torus", mesh) is None


def test_a_texture_that_paints_the_parts_goes_by_them_in_part_or_whole(mesh, parts):
    by_part = painted(mesh, lambda triangle, _: COLOURS[parts[triangle]])
    noise = np.random.default_rng(0).random((SIZE, SIZE, 3))
    whole = part_share(mesh, parts, by_part)
    half = part_share(mesh, parts, to_uint8((by_part / 255 + noise).astype(np.float32) / 2))
    # Chance explains some of so few pieces; all the rest is the parts'.
    assert 0.5 < whole < 1.0 and 0.1 < half < whole


@pytest.mark.parametrize(
    "colours_of",
    [
        lambda _, position: np.repeat((position @ (0.3, 0.5, 0.8))[:, None] % 0.08 > 0.04, 3, axis=1),
        lambda _, position: (np.sin(30 * position + (0.0, 1.0, 2.0)) + 1) / 2,
        lambda _, position: np.random.default_rng(0).random((len(position), 3)),
    ],
    ids=["stripes", "blobs", "noise"],
)
def test_a_texture_that_knows_of_no_parts_goes_by_none(mesh, parts, colours_of):
    assert abs(part_share(mesh, parts, painted(mesh, colours_of))) < 0.06


def test_a_plain_texture_goes_by_nothing(mesh, parts):
    assert part_share(mesh, parts, np.full((SIZE, SIZE, 3), 90, np.uint8)) == 0.0


def views_of(colour, seed):
    image = np.random.default_rng(seed).normal(colour, 40.0, (64, 64, 3)).clip(0, 255).astype(np.uint8)
    return [View(image, np.ones((64, 64), bool))]


def test_words_that_change_the_texture_count_and_words_that_do_not_are_chance():
    seeds = range(3)
    changed = {word: [views_of(colour, seed) for seed in seeds] for word, colour in (("a", 90), ("b", 140))}
    same = {word: [views_of(110, seed) for seed in seeds] for word in ("a", "b")}
    other_noise = {word: [views_of(110, seed + first) for seed in seeds] for word, first in (("a", 0), ("b", 10))}
    assert word_effect(changed) > 1.0
    assert abs(word_effect(same)) < 1e-9
    assert abs(word_effect(other_noise)) < 0.1
