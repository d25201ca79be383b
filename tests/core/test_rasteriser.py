# SPDX-License-Identifier: GPL-3.0-or-later
"""What every rasteriser must give; a new backend joins ``BACKENDS``."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest
import trimesh

from core.cameras import Camera
from core.embree import EmbreeRasteriser
from core.mesh import flat_normals

BACKENDS = [EmbreeRasteriser]
SIZE = 48
CAMERAS = [Camera(0, 0, 3.2, 40), Camera(40, 25, 3.5, 35), Camera(-120, 90, 3.0, 45), Camera(10, -70, 4.0, 30)]


def every_hit(mesh, camera):
    """Plain ray-triangle intersection (Möller & Trumbore 1997) of all pixels with all triangles, in double precision.

    Returns the distance along the ray [P, T] (infinite: no hit) and the barycentric coordinates [P, T, 3].
    """
    origins, directions = (values.reshape(-1, 1, 3).astype(np.float64) for values in camera.rays(SIZE, SIZE))
    corners = mesh.positions[mesh.triangles].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = np.cross(directions, second)
    determinant = (first * p).sum(-1)
    offset = origins - corners[:, 0]
    u = (offset * p).sum(-1) / determinant
    q = np.cross(offset, first)
    v = (directions * q).sum(-1) / determinant
    distance = (second * q).sum(-1) / determinant
    barycentric = np.stack([1 - u - v, u, v], axis=-1)
    hit = (barycentric >= 0).all(-1) & (distance > 0) & np.isfinite(distance)
    return np.where(hit, distance, np.inf), barycentric


@pytest.fixture(scope="module", params=["torus", "box"])
def mesh(request, make_mesh):
    torus = trimesh.creation.torus(1.0, 0.4, major_sections=14, minor_sections=9)
    torus.apply_transform(trimesh.transformations.rotation_matrix(0.7, (1, 0.3, 0)))
    return make_mesh({"torus": torus, "box": trimesh.creation.box(extents=(1, 2, 0.5))}[request.param])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("camera", CAMERAS)
def test_the_nearest_triangle_and_the_point_on_it_are_found(backend, mesh, camera):
    raster = backend(mesh).rasterise(camera, SIZE, SIZE)
    distance, barycentric = every_hit(mesh, camera)
    nearest = distance.argmin(axis=1)
    pixel = np.arange(SIZE * SIZE)
    inner = barycentric[pixel, nearest].min(axis=-1)
    found = np.isfinite(distance[pixel, nearest])
    clear = found & (inner > 1e-3)  # at an edge either neighbour is right
    assert 0.5 * found.sum() < clear.sum()
    np.testing.assert_array_equal(raster.triangle.ravel()[clear], nearest[clear])
    np.testing.assert_allclose(raster.barycentric.reshape(-1, 3)[clear], barycentric[pixel, nearest][clear], atol=2e-4)
    near_edge = (np.abs(barycentric).min(axis=-1) < 1e-3).any(axis=1)
    np.testing.assert_array_equal(raster.mask.ravel()[~near_edge], found[~near_edge])
    origins, directions = camera.rays(SIZE, SIZE)
    both = raster.mask & found.reshape(SIZE, SIZE)
    point = origins + directions * np.where(found, distance[pixel, nearest], 0.0).reshape(SIZE, SIZE, 1)
    np.testing.assert_allclose(raster.position[both], point[both], atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("camera", CAMERAS)
def test_every_array_means_what_it_says(backend, mesh, camera):
    raster = backend(mesh).rasterise(camera, SIZE, SIZE + 16)
    mask = raster.mask
    assert mask.shape == (SIZE, SIZE + 16) and 0.1 < mask.mean() < 0.9
    np.testing.assert_array_equal(mask, raster.triangle >= 0)
    dtypes = {field.name: getattr(raster, field.name).dtype.name for field in fields(raster)}
    assert (dtypes.pop("mask"), dtypes.pop("triangle")) == ("bool", "int32")
    assert set(dtypes.values()) == {"float32"}
    for name in dtypes:
        assert np.isfinite(getattr(raster, name)).all()
        assert not getattr(raster, name)[~mask].any()
    np.testing.assert_allclose(raster.barycentric[mask].sum(-1), 1, atol=1e-5)
    local = raster.position[mask] @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    np.testing.assert_allclose(raster.depth[mask], -local[:, 2], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(raster.normal[mask], axis=-1), 1, atol=1e-5)
    to_camera = camera.position - raster.position[mask]
    to_camera /= np.linalg.norm(to_camera, axis=-1, keepdims=True)
    cosine = (raster.normal[mask] * to_camera).sum(-1)
    np.testing.assert_allclose(raster.facing[mask], np.clip(cosine, 0, 1), atol=1e-5)
    assert raster.facing.min() >= 0 and raster.facing.max() <= 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_back_of_a_face_is_seen_with_its_normal_turned_round(backend, mesh):
    turned = replace(mesh, triangles=np.ascontiguousarray(mesh.triangles[:, ::-1]),
                     corner_normals=np.ascontiguousarray(-mesh.corner_normals[:, ::-1]))  # fmt: skip
    plain, inside_out = (backend(each).rasterise(CAMERAS[1], SIZE, SIZE) for each in (mesh, turned))
    differs = plain.triangle != inside_out.triangle  # at edges either neighbour is right
    assert differs.mean() < 0.01
    np.testing.assert_allclose(plain.normal[~differs], inside_out.normal[~differs], atol=1e-4)
    np.testing.assert_allclose(plain.depth[~differs], inside_out.depth[~differs], atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_normals_look_outward_even_where_the_file_has_them_inverted(backend, mesh):
    wrong = replace(mesh, corner_normals=-mesh.corner_normals)
    raster = backend(wrong).rasterise(CAMERAS[0], SIZE, SIZE)
    outward = flat_normals(mesh)[raster.triangle[raster.mask]]
    assert ((raster.normal[raster.mask] * outward).sum(-1) > 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_ray_slips_through_between_neighbouring_triangles(backend, make_mesh):
    sphere = make_mesh(trimesh.creation.icosphere(4))
    raster = backend(sphere).rasterise(Camera(13, 7, 3.0, 40), 512, 512)
    row, column = np.nonzero(raster.mask)
    for line in np.unique(row):
        inside = column[row == line]
        assert len(inside) == inside.max() - inside.min() + 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_threads_may_ask_at_once(backend, mesh):
    rasteriser = backend(mesh)
    expected = [rasteriser.rasterise(camera, 64, 64) for camera in CAMERAS]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda number: rasteriser.rasterise(CAMERAS[number % 4], 64, 64), range(16)))
    for number, raster in enumerate(got):
        np.testing.assert_array_equal(raster.triangle, expected[number % 4].triangle)
        np.testing.assert_array_equal(raster.position, expected[number % 4].position)


def test_shadow_rays_see_the_front_and_not_the_back(make_mesh):
    sphere = make_mesh(trimesh.creation.icosphere(3))
    rasteriser = EmbreeRasteriser(sphere)
    centres = sphere.positions[sphere.triangles].mean(axis=1)
    eye = np.array([0, -3, 0], np.float32)
    cosine = (flat_normals(sphere) * (eye - centres)).sum(-1) / np.linalg.norm(eye - centres, axis=-1)
    sees = rasteriser.sees(eye, centres)
    assert sees[cosine > 0.05].all() and not sees[cosine < -0.05].any()
