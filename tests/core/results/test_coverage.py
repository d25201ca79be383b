# SPDX-License-Identifier: GPL-3.0-or-later
"""What no camera sees is found, and coloured from what is seen near by."""

import numpy as np
import pytest
import trimesh

from core.geometry.texels import TexelMap, texel_map
from core.results.coverage import Coverage, measure_coverage
from core.views.embree import EmbreeRasteriser


def coverage_of(mesh, size=256):
    return measure_coverage(mesh, EmbreeRasteriser(mesh), distance=3.5, size=size)


@pytest.fixture(scope="module")
def nested(make_mesh):
    """A small ball inside a large one."""
    return make_mesh(
        trimesh.util.concatenate([trimesh.creation.icosphere(3), trimesh.creation.icosphere(2, radius=0.4)])
    )


def test_every_side_of_a_convex_shape_is_seen(make_mesh):
    for shape in (trimesh.creation.icosphere(3), trimesh.creation.box(extents=(1, 2, 0.3))):
        shares = coverage_of(make_mesh(shape)).shares()
        assert shares["seen"] > 0.995
        assert shares["untouched"] == 0


def test_what_lies_inside_is_not_seen(nested):
    coverage = coverage_of(nested)
    inner = np.linalg.norm(coverage.texels.position, axis=-1) < 0.5
    assert not coverage.seen[inner].any()
    assert coverage.seen[~inner].mean() > 0.995
    shares = coverage.shares()
    assert shares["filled"] == pytest.approx(inner.mean(), abs=0.005)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_an_open_surface_is_seen_from_both_sides(make_mesh):
    sheet = trimesh.Trimesh([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], [(0, 1, 2), (0, 2, 3)])
    assert coverage_of(make_mesh(sheet)).seen.all()


@pytest.mark.parametrize("size", [200, 700])
def test_texels_of_a_larger_map_are_seen_where_the_coarse_ones_are(nested, size):
    coverage = coverage_of(nested, size=128)
    texels = texel_map(nested, size)
    seen = coverage.seen_at(texels)
    inner = np.linalg.norm(texels.position, axis=-1) < 0.5
    assert not seen[inner].any()
    assert seen[~inner].mean() > 0.99


def wall():
    """Points on both sides of a thin wall, of which the middle is unseen."""
    x = np.repeat(np.linspace(-1, 1, 41, dtype=np.float32), 2)
    side = np.tile(np.array([-1, 1], np.float32), 41)
    position = np.stack([x, 0.02 * side, np.zeros_like(x)], axis=-1)
    normal = np.stack([np.zeros_like(x), side, np.zeros_like(x)], axis=-1)
    zero = np.zeros(82, np.int32)
    texels = TexelMap(zero, np.arange(82, dtype=np.int32), position, normal, zero, 82)
    return Coverage(texels, np.abs(x) > 0.3, spacing=0.1), side


def test_fill_takes_the_nearest_seen_colours_of_the_same_side():
    coverage, side = wall()
    seen, unseen = coverage.seen, ~coverage.seen
    red, blue = np.array([1, 0, 0], np.float32), np.array([0, 0, 1], np.float32)
    colours = np.where(side[seen, None] < 0, red, blue)
    filled = coverage.fill(
        coverage.everywhere(colours), coverage.texels.position[unseen], coverage.texels.normal[unseen]
    )
    np.testing.assert_allclose(filled, np.where(side[unseen, None] < 0, red, blue), atol=0.05)


def test_fill_goes_over_into_the_seen_colour_without_a_step():
    coverage, _ = wall()
    position, normal = coverage.texels.position, coverage.texels.normal
    colours = np.repeat((coverage.seen_positions[:, :1] > 0).astype(np.float32), 3, axis=1)
    filled = coverage.fill(coverage.everywhere(colours), position[coverage.seen], normal[coverage.seen])
    np.testing.assert_allclose(filled, colours, atol=0.01)


def test_a_mesh_that_is_never_seen_is_reported_as_untouched():
    coverage, _ = wall()
    nothing = Coverage(coverage.texels, np.zeros(82, bool), spacing=0.1)
    assert nothing.shares() == {"seen": 0.0, "filled": 0.0, "untouched": 1.0}
