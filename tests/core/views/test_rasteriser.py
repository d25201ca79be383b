# SPDX-License-Identifier: GPL-3.0-or-later
"""What every rasteriser must give; a new backend joins ``BACKENDS``."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
import trimesh

from core.geometry.mesh import flat_normals
from core.views.cameras import Camera
from core.views.embree import EmbreeRasteriser
from core.views.nvdiffrast_rasteriser import NvdiffrastRasteriser, clip_space, missing, rasteriser_for


def nvdiffrast(mesh):
    return NvdiffrastRasteriser(mesh, torch.device("cuda"), EmbreeRasteriser(mesh))


BACKENDS = [
    EmbreeRasteriser,
    pytest.param(nvdiffrast, marks=pytest.mark.skipif(bool(missing()), reason=f"nvdiffrast: {missing()}")),
]
EDGE = {EmbreeRasteriser: 1e-3, nvdiffrast: 0.03}
"""Least barycentric coordinate at which the triangle is certain; nvdiffrast moves corners to 1/16 of a pixel."""
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
    clear = found & (inner > EDGE[backend])  # at an edge either neighbour is right
    assert 0.5 * found.sum() < clear.sum()
    np.testing.assert_array_equal(raster.triangle.ravel()[clear], nearest[clear])
    np.testing.assert_allclose(raster.barycentric.reshape(-1, 3)[clear], barycentric[pixel, nearest][clear], atol=2e-4)
    near_edge = (np.abs(barycentric).min(axis=-1) < EDGE[backend]).any(axis=1)
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
def test_single_rays_see_what_the_pixels_see_whose_centres_they_pass(backend, mesh):
    rasteriser = backend(mesh)
    raster = rasteriser.rasterise(CAMERAS[1], SIZE, SIZE)
    row, column = (each.reshape(2, -1) for each in np.indices((SIZE, SIZE)))
    rays = rasteriser.look_through(CAMERAS[1], row + 0.5, column + 0.5, SIZE, SIZE)
    same = rays.triangle.ravel() == raster.triangle.ravel()
    assert same.mean() > 0.99
    np.testing.assert_allclose(rays.position.reshape(-1, 3)[same], raster.position.reshape(-1, 3)[same], atol=1e-4)


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


@pytest.mark.parametrize("camera", [*CAMERAS, Camera(30, -20, 0.4, 70, target=(0.3, -0.2, 0.1))])
def test_clip_space_puts_points_into_the_pixels_whose_rays_meet_them(camera):
    height, width = 6, 10
    origins, directions = camera.rays(height, width)
    near, far = 0.25, 7.0
    for distance in (0.4, 2.0, 5.0):
        clip = clip_space(camera, (origins + distance * directions).reshape(-1, 3), height, width, near, far)
        x, y, depth = (clip[:, :3] / clip[:, 3:]).reshape(height, width, 3).transpose(2, 0, 1)
        np.testing.assert_allclose((x + 1) * width / 2, np.broadcast_to(np.arange(width) + 0.5, x.shape), atol=1e-3)
        np.testing.assert_allclose((y + 1) * height / 2, np.arange(height)[:, None] + 0.5 + 0 * y, atol=1e-3)
        assert (np.abs(depth) < 1).all()
    ends = camera.position - np.outer([near, far], camera.rotation[2])
    clip = clip_space(camera, ends.astype(np.float32), height, width, near, far)
    np.testing.assert_allclose(clip[:, 2] / clip[:, 3], (-1, 1), atol=1e-4)


def test_the_processor_is_left_to_embree(mesh):
    embree = EmbreeRasteriser(mesh)
    assert rasteriser_for(mesh, torch.device("cpu"), embree) is embree
