# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ray casters find the same."""

from importlib.util import find_spec

import numpy as np
import pytest
import trimesh

from core.geometry import ray_caster as module
from core.geometry.ray_caster import EmbreeCaster, IglCaster, ray_caster
from core.views.cameras import turntable
from core.views.embree import EmbreeRasteriser

CASTERS = {"embreex": EmbreeCaster, "igl": IglCaster}


@pytest.fixture(params=CASTERS)
def caster(request):
    pytest.importorskip(request.param)
    return CASTERS[request.param]


def ball(subdivisions=3):
    sphere = trimesh.creation.icosphere(subdivisions)
    return sphere.vertices.astype(np.float32), sphere.faces.astype(np.int32)


def towards(eye, points):
    """Rays from ``eye`` [3] through points [N, 3], and how far those are."""
    way = points - np.float32(eye)
    distance = np.linalg.norm(way, axis=-1).astype(np.float32)
    return np.tile(np.float32(eye), (len(points), 1)), (way / distance[:, None]).astype(np.float32), distance


def test_first_hit_is_the_nearest_triangle_with_its_place_and_distance(caster):
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1]], np.float32)
    cast = caster(vertices, np.array([[0, 1, 2], [3, 4, 5]], np.int32))
    origins = np.array([[0.2, 0.3, 3], [0.2, 0.3, -3], [0.2, 0.3, 0.25], [0.8, 0.8, 3]], np.float32)
    down, up = (0, 0, -1), (0, 0, 1)
    triangle, barycentric, distance = cast.first_hits(origins, np.array([down, up, down, down], np.float32))
    assert triangle.tolist() == [1, 0, 0, -1]
    np.testing.assert_allclose(barycentric[:3], [(0.5, 0.2, 0.3)] * 3, atol=1e-6)
    np.testing.assert_allclose(distance, [2, 3, 0.25, np.inf], atol=1e-6)
    assert (triangle.dtype, barycentric.dtype, distance.dtype) == (np.int32, np.float32, np.float32)


def test_only_what_is_nearer_than_the_distance_occludes(caster):
    cast = caster(*ball())
    origins, directions, _ = towards((0, 0, 3), np.array([[0, 0, 0]] * 3, np.float32))
    assert cast.occluded(origins, directions, np.array([1.9, 2.1, 9], np.float32)).tolist() == [False, True, True]


def test_rays_at_edges_and_corners_of_a_closed_surface_do_not_slip_through(caster):
    vertices, triangles = ball(4)
    corners = vertices[triangles]
    targets = np.concatenate([vertices, (corners[:, 0] + corners[:, 1]) / 2, corners[:, 0] * 0.3 + corners[:, 1] * 0.7])
    slipped = shot = 0
    for eye in ((0, 0, 3), (0, 3, 0), (1.1, 2.3, 0.7)):
        facing = targets[targets @ np.float32(eye) / np.linalg.norm(eye) > 0.5]
        origins, directions, distance = towards(eye, facing)
        slipped += (caster(vertices, triangles).first_hits(origins, directions)[2] > distance + 1e-3).sum()
        shot += len(facing)
    assert slipped < shot / 200


def test_without_triangles_nothing_is_hit(caster):
    cast = caster(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    rays = np.ones((2, 3), np.float32)
    triangle, barycentric, distance = cast.first_hits(rays, rays)
    assert triangle.tolist() == [-1, -1] and barycentric.shape == (2, 3) and np.isinf(distance).all()
    assert not cast.occluded(rays, rays, np.full(2, 9, np.float32)).any()


@pytest.mark.parametrize("size", [1.0, 1e-3])
def test_both_casters_agree_on_a_dense_mesh(size):
    pytest.importorskip("embreex")
    pytest.importorskip("igl")
    vertices, triangles = ball(6)
    vertices = vertices * np.float32(size)
    generator = np.random.default_rng(0)
    targets = vertices[triangles[generator.integers(0, len(triangles), 2000)]].mean(axis=1)
    origins, directions, _ = towards((0.3 * size, 2 * size, 1.1 * size), targets)
    embree, igl = (each(vertices, triangles).first_hits(origins, directions) for each in CASTERS.values())
    assert (embree[0] == igl[0]).mean() > 0.999
    np.testing.assert_allclose(embree[2] / size, igl[2] / size, atol=5e-4)


def test_embree_is_taken_where_it_is_and_the_views_are_as_good_without(make_mesh, monkeypatch):
    pytest.importorskip("igl")
    mesh = make_mesh(trimesh.creation.torus(1.0, 0.4))
    camera = turntable(3, 20)[1]
    here = EmbreeRasteriser(mesh).rasterise(camera, 64, 64)
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "embreex" else find_spec(name))
    assert isinstance(ray_caster(mesh.positions, mesh.triangles), IglCaster)
    there = EmbreeRasteriser(mesh).rasterise(camera, 64, 64)
    assert here.mask.any() and (here.mask == there.mask).mean() > 0.999
    both = here.mask & there.mask
    np.testing.assert_allclose(here.position[both], there.position[both], atol=1e-4)
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    if find_spec("embreex"):
        assert isinstance(ray_caster(mesh.positions, mesh.triangles), EmbreeCaster)


def test_where_both_are_missing_the_usual_one_is_asked_for(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "import_module", lambda name: pytest.fail(name))
    with pytest.raises(pytest.fail.Exception, match="embreex"):
        ray_caster(*ball(0))
