# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture that repeats itself is known as one, and goes over a surface as a whole."""

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.detail.detail import find_detail
from core.detail.exemplar import Exemplar
from core.detail.laying_out import lay_out
from core.detail.repeats import find_lattice
from core.detail.settings import DetailSettings
from core.detail.surface_graph import surface_graph
from core.detail.ways import in_pixels
from core.geometry.texels import texel_map, texel_side

SIDE, PERIOD, EXTENT = 240, 48, 1.4


def checks(turned=0.0, noise=0.0):
    """[SIDE, SIDE, 3] squares of half a ``PERIOD``, turned by so many degrees."""
    row, column = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    angle = np.radians(turned)
    across, down = column * np.cos(angle) + row * np.sin(angle), row * np.cos(angle) - column * np.sin(angle)
    dark = (np.floor(2 * across / PERIOD) + np.floor(2 * down / PERIOD)) % 2
    picture = np.where(dark[..., None] > 0, (0.2, 0.15, 0.1), (0.8, 0.7, 0.7))
    return (picture + noise * np.random.default_rng(0).normal(size=picture.shape)).clip(0, 1).astype(np.float32)


def stripes(turned):
    """[SIDE, SIDE, 3] dark and light ones, down from the level by so many degrees."""
    row, column = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    angle = np.radians(turned)
    dark = np.floor(2 * (row * np.cos(angle) - column * np.sin(angle)) / PERIOD) % 2
    return np.where(dark[..., None] > 0, (0.2, 0.15, 0.1), (0.8, 0.7, 0.7)).astype(np.float32)


def strokes():
    """Two hundred short strokes, no two alike."""
    generator = np.random.default_rng(1)
    return np.clip(gaussian_filter(generator.normal(0.5, 4.0, (SIDE, SIDE, 3)), (2, 7, 0)), 0, 1).astype(np.float32)


def slope():
    """Lighter from left to right, with a little grain."""
    picture = np.broadcast_to(np.linspace(0, 1, SIDE)[None, :, None], (SIDE, SIDE, 3))
    return (picture + 0.02 * np.random.default_rng(2).normal(size=picture.shape)).astype(np.float32)


def as_image(picture):
    return Image.fromarray(np.round(255 * picture).astype(np.uint8))


@pytest.mark.parametrize("turned", [0.0, 17.0])
def test_a_pattern_repeats_itself_by_whole_periods(turned):
    lattice = find_lattice(checks(turned, noise=0.05))
    angle = np.radians(turned)
    turn_back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # Squares come back also after half a period in both directions.
    halves = lattice @ turn_back / (PERIOD / 2)
    assert np.abs(halves - np.round(halves)).max() < 0.1 and (np.round(halves).sum(axis=1) % 2 == 0).all()
    assert abs(np.linalg.det(lattice)) > 0.7 * (0.25 * SIDE) ** 2


@pytest.mark.parametrize("picture", [strokes(), slope(), np.full((SIDE, SIDE, 3), 0.3, np.float32)])
def test_what_is_no_pattern_does_not(picture):
    assert find_lattice(picture) is None


@pytest.fixture(scope="module")
def pole(make_mesh):
    """Its girth is 5.3 periods at this extent."""
    return make_mesh(trimesh.creation.cylinder(radius=0.25, height=2.0, sections=64))


def graph_and_exemplar(mesh, picture):
    generator = np.random.default_rng(0)
    graph = surface_graph(mesh, EXTENT / 128, 3, generator)
    return graph, Exemplar([(as_image(picture), 1.0)], EXTENT, SIDE, 3, generator)


def misfits(graph, exemplar, place, lattice):
    """Pixels by which neighbours around the pole, away from its ends, do not go on from each other, but for repeats."""
    around = graph.levels[0]
    pairs = around.real & (np.abs(graph.position[around.points][:, 2]) < 0.7)[:, None]
    ordered = place[around.points]
    apart = (ordered[around.index] - ordered[:, None] - in_pixels(around.way, exemplar))[pairs]
    return np.linalg.norm(apart - np.rint(apart @ np.linalg.inv(lattice)) @ lattice, axis=-1)


def test_a_pattern_closes_around_a_limb(pole):
    graph, exemplar = graph_and_exemplar(pole, checks())
    lattice = find_lattice(exemplar.pictures[0])
    place = lay_out(graph, exemplar, lattice)
    apart = misfits(graph, exemplar, place, lattice)
    # A seam from top to bottom would be 0.75 % of them.
    assert len(apart) > 10_000 and (apart > 4.0).mean() < 0.003
    assert (place >= 0).all() and (place <= SIDE - 1).all()


def test_stripes_that_are_not_level_close_around_what_is_round(make_mesh):
    slope = 8.0
    graph, exemplar = graph_and_exemplar(make_mesh(trimesh.creation.icosphere(4, 0.7)), stripes(slope))
    place = lay_out(graph, exemplar, find_lattice(exemplar.pictures[0]))
    around = graph.levels[0]
    upright = (np.abs(graph.normal[around.points][:, 2]) < 0.8)[:, None]
    ordered = place[around.points]
    apart = (ordered[around.index] - ordered[:, None] - in_pixels(around.way, exemplar))[around.real & upright]
    across = apart @ (-np.sin(np.radians(slope)), np.cos(np.radians(slope)))
    across -= np.rint(across / PERIOD) * PERIOD
    # What tears along the stripes is not seen.
    assert len(across) > 10_000 and (np.abs(across) > 4.0).mean() < 0.001


def test_points_farther_apart_than_the_repeats_are_not_laid_out(pole):
    graph = surface_graph(pole, 0.2, 3, np.random.default_rng(0))
    _, exemplar = graph_and_exemplar(pole, checks())
    assert lay_out(graph, exemplar, find_lattice(exemplar.pictures[0])) is None


def found(mesh, pictures, **settings):
    def plain(around, position, normal):
        return np.full(around.shape, 0.5, np.float32)

    return find_detail(mesh, texel_side(mesh, 128), pictures, EXTENT, plain, DetailSettings(**settings), 0)


def test_a_textured_pole_has_the_pattern_whole(pole):
    whole = found(pole, [(as_image(checks()), 1.0)])
    pieces = found(pole, [(as_image(checks()), 1.0)], lays_out=False)
    lattice = find_lattice(whole.exemplar.pictures[0])
    torn = [(misfits(one.graph, one.exemplar, one.place, lattice) > 3.0).mean() for one in (whole, pieces)]
    assert torn[0] < 0.02 < torn[1]
    texels = texel_map(pole, 128)
    colours = whole.colours(texels.position, texels.normal, np.full_like(texels.position, 0.5))
    assert 0.4 < (colours.mean(axis=-1) < 0.45).mean() < 0.6


@pytest.mark.parametrize(
    ("pictures", "settings"),
    [
        ([(as_image(checks()), 1.0)], {"strength": 0.5}),
        ([(as_image(checks()), 0.5), (as_image(strokes()), 0.5)], {}),
        ([(as_image(strokes()), 1.0)], {}),
    ],
)
def test_strokes_alone_blends_and_other_pictures_go_where_they_are_wanted(pole, pictures, settings):
    one, other = (found(pole, pictures, lays_out=lays_out, **settings) for lays_out in (True, False))
    assert np.array_equal(one.place, other.place)
