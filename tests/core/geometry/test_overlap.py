# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces that share texels are found, and painted together."""

import dataclasses

import numpy as np
import pytest
import torch
import trimesh
from hypothesis import given, settings as hypothesis_settings, strategies as st

from core.geometry.mesh import Mesh
from core.geometry.overlap import find_overlap, uv_report
from core.geometry.texels import texel_map
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings
from core.results.bake import bake
from core.results.coverage import measure_coverage
from core.results.preview import texture_paint
from core.texture_field.field import HashGridField, HashGridSettings
from core.views.camera_plan import CameraPlan
from core.views.cameras import turntable
from core.views.embree import EmbreeRasteriser
from core.views.step_views import step_views

SQUARE = np.array([[(0, 0), (1, 0), (1, 1)], [(0, 0), (1, 1), (0, 1)]], float)


def flat(*squares):
    """Squares in the plane y = 0; each is the corner in space and the size, and its UVs [2, 3, 2]."""
    corners = np.concatenate([SQUARE * size + (x, z) for (x, z, size), _ in squares])
    count = len(corners)
    return Mesh(
        positions=np.insert(corners.reshape(-1, 2), 1, 0.0, axis=1).astype(np.float32),
        triangles=np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
        corner_uvs=np.concatenate([uvs for _, uvs in squares]).astype(np.float32),
        corner_normals=np.full((count, 3, 3), (0, -1, 0), np.float32),
    )


def uv_of(mesh, triangle, barycentric):
    return np.einsum("nc,ncd->nd", barycentric.astype(float), mesh.corner_uvs[triangle].astype(float))


def twins(mesh, mirror=False):
    """Two copies of a mesh side by side on the same islands; the second one may be the mirror image of the first."""
    left, right = mesh.positions * 0.45 - (0.5, 0, 0), mesh.positions * 0.45 * (-1 if mirror else 1, 1, 1) + (0.5, 0, 0)
    turned = np.array([0, 2, 1] if mirror else [0, 1, 2])
    return Mesh(
        positions=np.concatenate([left, right]).astype(np.float32),
        triangles=np.concatenate([mesh.triangles, mesh.triangles[:, turned] + len(left)]).astype(np.int32),
        corner_uvs=np.concatenate([mesh.corner_uvs, mesh.corner_uvs[:, turned]]),
        corner_normals=np.concatenate(
            [mesh.corner_normals, mesh.corner_normals[:, turned] * np.float32([-1 if mirror else 1, 1, 1])]
        ),
    )


def moved(uvs, shift):
    return uvs + np.array(shift)


@pytest.fixture(scope="module")
def cube(make_mesh):
    return make_mesh(trimesh.creation.box())


@pytest.fixture(scope="module")
def torus(make_mesh):
    return make_mesh(trimesh.creation.torus(1.0, 0.4, major_sections=16, minor_sections=8))


@pytest.mark.parametrize("copies", [1, 2])
def test_islands_that_touch_or_lie_apart_share_nothing(torus, copies):
    assert find_overlap(torus) is None
    assert find_overlap(flat(*[((n, 0, 1), moved(SQUARE / 2, (n / 2, 0))) for n in range(copies)])) is None
    grid = [((x, z, 1), moved(SQUARE, (x, z)) / 7) for x in range(7) for z in range(7)]
    assert find_overlap(flat(*grid)) is None
    assert uv_report(None, tiles=1) == {"shared": 0.0, "mirrored": 0.0, "tiles": 1}


def test_the_shares_are_those_of_the_surface():
    third = SQUARE / 3
    mesh = flat(
        ((0, 0, 1), third),  # shown by the next two as well
        ((1, 0, 1), third),
        ((2, 0, 1), moved(third * (-1, 1), (1 / 3, 0))),
        ((0, 1, 2), moved(third, (0.5, 0))),  # alone, of four times the area
        ((2, 1, 1), moved(third, (0.5, 0.5))),  # alone
        ((0, 3, 2**0.5), moved(third, (0, 0.5))),  # alone
    )
    overlap = find_overlap(mesh)
    assert overlap.shared == pytest.approx(3 / 10, abs=1e-6)
    assert overlap.mirrored == pytest.approx(1 / 10, abs=1e-6)
    assert uv_report(overlap, tiles=1) == {"shared": 0.3, "mirrored": 0.1, "tiles": 1}
    assert overlap.message() == (
        "30 % of the surface shares its texture with other parts (mirrored); they are painted together"
    )


@pytest.mark.parametrize("part", [0.5, 0.1])
def test_partial_overlap_is_measured(part):
    mesh = flat(((0, 0, 1), SQUARE * 0.4), ((1, 0, 1), moved(SQUARE * 0.4, (0.4 * (1 - part), 0))))
    overlap = find_overlap(mesh)
    assert overlap.shared == pytest.approx(part, abs=0.01)
    assert overlap.mirrored == 0
    assert "mirrored" not in overlap.message()


@pytest.mark.parametrize("mirror", [False, True])
def test_dense_twins_share_everything(make_mesh, mirror):
    overlap = find_overlap(twins(make_mesh(trimesh.creation.icosphere(4)), mirror))
    assert overlap.shared == pytest.approx(1, abs=1e-3)
    assert overlap.mirrored == pytest.approx(0.5 * mirror, abs=1e-3)


def test_uvs_that_wrap_onto_others_share_with_them():
    overlap = find_overlap(flat(((0, 0, 1), SQUARE * 0.5), ((1, 0, 1), moved(SQUARE * 0.5, (-3, 2)))))
    assert overlap.shared == pytest.approx(1)
    alone = find_overlap(flat(((0, 0, 1), SQUARE * (3, 1))))
    assert alone.shared == pytest.approx(1) and alone.mirrored == 0


def test_a_face_without_uv_area_on_the_edge_of_another_shares_nothing():
    needle = np.array([[(0, 0), (0.4, 0), (0.4, 0)], [(0.2, 0), (0.2, 0), (0.2, 0)]])
    assert find_overlap(flat(((0, 0, 1), SQUARE * 0.4), ((1, 0, 1), needle))) is None
    inside = moved(needle, (0, 0.1))
    assert find_overlap(flat(((0, 0, 1), SQUARE * 0.4), ((1, 0, 1), inside))) is not None


coordinates = st.floats(-0.75, 1.5, width=32)
triangles = st.lists(st.tuples(*[coordinates] * 6), min_size=2, max_size=6)


@given(triangles, st.integers(0, 2**31))
@hypothesis_settings(max_examples=15, deadline=None)
def test_the_owners_point_has_the_pixels_uv(corners, seed):
    uvs = np.array(corners, np.float32).reshape(-1, 3, 2)
    count = len(uvs)
    generator = np.random.default_rng(seed)
    mesh = Mesh(
        generator.uniform(-1, 1, (3 * count, 3)).astype(np.float32),
        np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
        uvs,
        np.full((count, 3, 3), (0, 0, 1), np.float32),
    )
    overlap = find_overlap(mesh)
    if overlap is None:
        return
    triangle = generator.integers(0, count, 300).astype(np.int32)
    barycentric = generator.dirichlet((1, 1, 1), 300).astype(np.float32)
    owner, weights = overlap.owners(triangle, barycentric)
    apart = uv_of(mesh, triangle, barycentric) - uv_of(mesh, owner, weights)
    np.testing.assert_allclose(apart, np.round(apart), atol=3e-6)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    again, _ = overlap.owners(owner, weights)
    assert (again == owner).mean() > 0.99  # but for points on edges


@pytest.mark.parametrize("place", [lambda uv: uv, lambda uv: uv[..., ::-1], lambda uv: uv * 1.7 - 0.3])
def test_the_owner_is_the_triangle_that_is_baked(torus, place):
    first = len(torus.triangles)
    mesh = twins(torus)
    mesh.corner_uvs[first:] = place(torus.corner_uvs)
    overlap = find_overlap(mesh)
    texels = texel_map(mesh, 128)
    uv = np.stack([(texels.column + 0.5) / 128, 1 - (texels.row + 0.5) / 128], axis=-1)
    # From every surface that shows a texel's centre.
    for triangle in range(0, len(mesh.triangles), 5):
        corners = mesh.corner_uvs[triangle].astype(float)
        turn = np.floor(corners.min(axis=0))
        for shift in ((0, 0), (1, 0), (0, 1), (1, 1)):
            edges = (corners[1:] - corners[0]).T
            second = np.linalg.solve(edges, (uv + turn + shift - corners[0]).T).T
            weights = np.stack([1 - second.sum(-1), *second.T], axis=-1)
            at = np.flatnonzero(weights.min(axis=-1) > 1e-3)
            owner, where = overlap.owners(np.full(len(at), triangle, np.int32), weights[at].astype(np.float32))
            assert (owner == texels.triangle[at]).mean() > 0.99 if len(at) else True
            same = owner == texels.triangle[at]
            points = np.einsum("nc,ncd->nd", where[same], mesh.positions[mesh.triangles[owner[same]]])
            np.testing.assert_allclose(points, texels.position[at][same], atol=1e-4)


def quick_settings(views):
    draft = optimisation_settings(profile("sd15"), "draft")
    return dataclasses.replace(
        draft, steps=2, resolution=48, supersampling=1, views=dataclasses.replace(draft.views, views_per_step=views)
    )


def test_without_overlap_the_views_are_what_they_were(torus):
    settings = quick_settings(2)
    rasteriser = EmbreeRasteriser(torus)
    plan = CameraPlan(torus, rasteriser, settings.views, settings.resolution, 3)
    overlap = find_overlap(torus)
    size = settings.resolution, settings.supersampling
    for plain, same in zip(
        step_views(rasteriser, plan, range(2), *size),
        step_views(rasteriser, plan, range(2), *size, overlap),
        strict=True,
    ):
        assert torch.equal(plain.positions, same.positions)


@pytest.mark.parametrize("mirror", [False, True])
def test_both_surfaces_pull_on_one_colour_and_show_it(cube, mirror):
    mesh = twins(cube, mirror)
    overlap = find_overlap(mesh)
    rasteriser = EmbreeRasteriser(mesh)
    field = HashGridField(HashGridSettings(levels=6, log2_entries=12), torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(field.parameters(), lr=0.02)
    goal = torch.tensor([0.9, 0.1, 0.2])
    settings = quick_settings(4)
    plan = CameraPlan(mesh, rasteriser, settings.views, settings.resolution, 1)
    for _ in range(6):
        for views in step_views(rasteriser, plan, range(4), settings.resolution, settings.supersampling, overlap):
            optimiser.zero_grad()
            (field(views.positions) - goal).square().sum().backward()
            optimiser.step()
            assert (views.positions[:, 0] < 0).all()  # every pixel of the second cube asks the first
    texture = bake(field, texel_map(mesh, 128))
    raster = rasteriser.rasterise(turntable(1, 20)[0], 64, 64)
    shown = texture_paint(mesh, texture)(raster)
    with torch.no_grad():
        asked = field(
            torch.from_numpy(overlap.colour_positions(raster.triangle[raster.mask], raster.barycentric[raster.mask]))
        ).numpy()
    # What the optimisation saw is what the texture shows, on either side.
    right = raster.position[raster.mask][:, 0] > 0
    for side in (right, ~right):
        assert side.any()
        assert np.abs(shown[side] - asked[side]).mean() < 0.01
        assert np.abs(shown[side] - goal.numpy()).mean() < 0.15


def test_a_hidden_owner_is_seen_where_its_guest_is(make_mesh):
    ball = make_mesh(trimesh.creation.icosphere(3))
    inner = dataclasses.replace(ball, positions=ball.positions * 0.4)
    nested = Mesh(
        np.concatenate([inner.positions, ball.positions]),
        np.concatenate([inner.triangles, ball.triangles + len(ball.positions)]).astype(np.int32),
        np.concatenate([ball.corner_uvs] * 2),
        np.concatenate([ball.corner_normals] * 2),
    )
    rasteriser = EmbreeRasteriser(nested)
    assert measure_coverage(nested, rasteriser, 3.5, 128).shares()["seen"] < 0.05
    shares = measure_coverage(nested, rasteriser, 3.5, 128, find_overlap(nested)).shares()
    assert shares["seen"] > 0.97
