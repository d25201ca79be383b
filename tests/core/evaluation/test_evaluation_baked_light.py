# SPDX-License-Identifier: GPL-3.0-or-later
"""Baked light is found when it is there, from wherever it comes, and not taken for it where there is only paint."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.evaluation.baked_light import measure_baked_light
from core.geometry.texels import texel_map
from core.results.coverage import measure_coverage
from core.views.embree import EmbreeRasteriser

SIZE = 256


LEAST = 0.75
"""What Lambert's light comes to on a box, whose faces catch all of it or none (0.775 on a cube)."""


@pytest.fixture(scope="module", params=["ball", "box"])
def thing(request, make_mesh):
    """A mesh, its coverage and its texels."""
    primitives = {"ball": trimesh.creation.icosphere(3), "box": trimesh.creation.box((1.0, 1.4, 0.8))}
    mesh = make_mesh(primitives[request.param])
    return mesh, measure_coverage(mesh, EmbreeRasteriser(mesh), 3.0, SIZE), texel_map(mesh, SIZE)


def measure(thing, colours):
    """The measure for ``colours`` [N, 3] or [N] in [0, 1], sRGB, of the texels."""
    mesh, coverage, texels = thing
    texture = np.full((SIZE, SIZE, 3), 128, np.uint8)
    rgb = colours if colours.ndim == 2 else np.repeat(colours[:, None], 3, axis=1)
    texture[texels.row, texels.column] = np.round(rgb * 255)
    return measure_baked_light(mesh, texture, coverage)


def lambert(texels, light, ambient=0.3):
    """sRGB grey of a plain surface in a light and what comes from everywhere."""
    direction = np.array(light) / np.linalg.norm(light)
    return (0.7 * (ambient + (1 - ambient) * np.clip(texels.normal @ direction, 0, 1))) ** (1 / 2.2)


def noise(texels):
    return np.random.default_rng(0).random((len(texels.row), 3))


def stripes(texels):
    return 0.5 + 0.4 * np.sign(np.sin(40 * texels.position @ np.array([0.6, 0.5, 0.62])))


def plain(texels):
    return np.full((len(texels.row), 3), (0.7, 0.3, 0.2))


def test_light_from_above_is_found(thing):
    found = measure(thing, lambert(thing[2], (0, 0, 1)))
    least = 0.85 if len(thing[0].triangles) > 12 else LEAST
    assert found.top > least
    assert found.best > least
    assert found.direction[2] > 0.95


def test_light_from_above_is_found_under_paint(thing):
    texels = thing[2]
    painted = lambert(texels, (0, 0, 1)) * (0.9 + 0.1 * np.sign(np.sin(30 * texels.position[:, 0])))
    assert measure(thing, painted).top > 0.7


@pytest.mark.parametrize("light", [(1, 0, 0), (-1, 2, 0.5)])
def test_light_from_elsewhere_is_found_with_its_direction(thing, light):
    found = measure(thing, lambert(thing[2], light))
    assert found.best > LEAST
    assert np.dot(found.direction, light) / np.linalg.norm(light) > 0.9


def test_light_from_below_counts_against_light_from_above(thing):
    assert measure(thing, lambert(thing[2], (0, 0, -1))).top < -LEAST


@pytest.mark.parametrize("paint", [noise, stripes, plain])
def test_paint_is_not_light(thing, paint):
    found = measure(thing, paint(thing[2]))
    assert abs(found.top) < 0.1
    assert found.best < 0.1


def test_hidden_surfaces_play_no_part(make_mesh):
    nested = make_mesh(trimesh.util.concatenate([trimesh.creation.icosphere(3), trimesh.creation.icosphere(2, 0.4)]))
    thing = nested, measure_coverage(nested, EmbreeRasteriser(nested), 3.0, SIZE), texel_map(nested, SIZE)
    texels = thing[2]
    inside = np.linalg.norm(texels.position, axis=-1) < 0.5
    assert abs(measure(thing, np.where(inside, lambert(texels, (0, 0, 1)), 0.5)).top) < 0.05


def test_a_flat_sheet_says_nothing_of_light(make_mesh):
    corners = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]
    sheet = make_mesh(trimesh.Trimesh(corners, [(0, 1, 2), (0, 2, 3)]))
    thing = sheet, measure_coverage(sheet, EmbreeRasteriser(sheet), 3.0, SIZE), texel_map(sheet, SIZE)
    found = measure(thing, noise(thing[2]))
    assert (found.top, found.best, found.direction) == (None, None, None)
