# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges are blended by area, in every preset, and what is blended can be optimised."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from core.geometry.mesh import Mesh
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings
from core.texture_field.field import HashGridField, HashGridSettings
from core.views.camera_plan import CameraPlan
from core.views.cameras import Camera
from core.views.embree import EmbreeRasteriser
from core.views.pixel_samples import edge_pixels, smooth_samples
from core.views.step_views import average_down, step_views

FRONT = Camera(0, 0, 3.0, 40)
RADIUS = 0.8


class OneCamera(CameraPlan):
    def __init__(self, camera):
        self.camera = camera

    def __getitem__(self, step):
        return [self.camera]


def flat_mesh(*parts):
    shape = trimesh.util.concatenate(parts)
    triangles = shape.faces.astype(np.int32)
    zeros = np.zeros((len(triangles), 3), np.float32)
    normals = np.broadcast_to(np.array([0, -1, 0], np.float32), (len(triangles), 3, 3))
    return Mesh(shape.vertices.astype(np.float32), triangles, zeros[..., None].repeat(2, -1), normals)


def disc(radius=RADIUS, y=0.0, centre=(0.0, 0.0)):
    """Across the view of ``FRONT``."""
    turn = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    rim = np.stack([centre[0] + radius * np.cos(turn), np.full(256, y), centre[1] + radius * np.sin(turn)], axis=-1)
    number = np.arange(256)
    faces = np.stack([np.full(256, 256), number, (number + 1) % 256], axis=-1)
    return trimesh.Trimesh(np.vstack([rim, (centre[0], y, centre[1])]), faces, process=False)


def covered_share(size, radius=RADIUS):
    """Share of each pixel that the disc covers, from 32 by 32 places in each."""
    side = 2 * 3.0 * np.tan(np.radians(20))
    place = ((np.arange(size * 32) + 0.5) / (size * 32) - 0.5) * side
    inside = place[:, None] ** 2 + place[None, :] ** 2 < radius**2
    return inside.reshape(size, 32, size, 32).mean(axis=(1, 3))


def views_of(mesh, settings):
    return next(step_views(EmbreeRasteriser(mesh), OneCamera(FRONT), [0], settings.resolution, settings.supersampling))


@pytest.mark.parametrize(("name", "preset"), [("sd15", "draft"), ("sd15", "paper"), ("bundled", "draft")])
def test_a_silhouette_pixel_has_the_share_of_colour_that_the_object_covers(name, preset):
    settings = replace(optimisation_settings(profile(name), preset), resolution=64)
    views = views_of(flat_mesh(disc()), settings)
    image = views.render(torch.ones(len(views.positions), 3), torch.zeros(1, 3))
    share = average_down(image, settings.supersampling)[0, 0].numpy()
    exact = covered_share(64)
    edge = (exact > 0.02) & (exact < 0.98)
    assert edge.sum() > 60
    error = share - exact
    assert np.abs(error).max() < 0.15 and np.sqrt((error[edge] ** 2).mean()) < 0.06
    assert abs(error.sum()) / exact.sum() < 0.002
    np.testing.assert_array_equal(share[exact == 1], 1)
    np.testing.assert_array_equal(share[exact == 0], 0)


def test_the_gradient_of_a_silhouette_pixel_reaches_the_field_by_its_share():
    settings = replace(optimisation_settings(profile("sd15"), "draft"), resolution=64)
    views = views_of(flat_mesh(disc()), settings)
    field = HashGridField(HashGridSettings(levels=4, log2_entries=12), torch.Generator().manual_seed(0))
    colours = field(views.positions)
    colours.retain_grad()
    exact = covered_share(64)
    row, column = next(zip(*np.nonzero((exact > 0.3) & (exact < 0.7)), strict=True))
    views.render(colours, torch.ones(1, 3))[0, 0, row, column].backward()
    assert float(colours.grad[:, 0].sum()) == pytest.approx(exact[row, column], abs=0.1)
    assert field.table.grad.abs().sum() > 0


def test_where_one_part_stands_in_front_of_another_both_are_blended():
    mesh = flat_mesh(disc(0.9, y=0.5), disc(0.3, y=-0.5))
    settings = replace(optimisation_settings(profile("sd15"), "draft"), resolution=64)
    views = views_of(mesh, settings)
    near = (views.positions[:, 1:2] < 0).float().expand(-1, 3)
    share = views.render(near, torch.zeros(1, 3))[0, 0].numpy()
    exact = covered_share(64, 0.3 * 3.0 / 2.5)
    edge = (exact > 0.02) & (exact < 0.98)
    assert np.sqrt(((share - exact)[edge] ** 2).mean()) < 0.06


def test_only_edges_are_cast_anew(make_mesh):
    mesh = make_mesh(trimesh.creation.icosphere(4))
    embree = EmbreeRasteriser(mesh)
    raster = embree.rasterise(FRONT, 256, 256)
    angle = 2 * np.tan(np.radians(20)) / 256
    edge = edge_pixels(raster, angle)
    distance = np.hypot(*(np.indices((256, 256)) - 127.5))
    rim = distance[raster.mask].max()
    assert np.abs(distance[edge] - rim).max() < 6
    assert edge.sum() < 4 * 2 * np.pi * rim
    assert not edge_pixels(EmbreeRasteriser(make_mesh(trimesh.creation.box())).rasterise(FRONT, 64, 64), angle)[32, 32]


def test_a_view_that_the_surface_fills_and_one_that_shows_nothing_have_no_edges(make_mesh):
    embree = EmbreeRasteriser(make_mesh(trimesh.creation.box()))
    for camera, count in ((Camera(0, 0, 1.2, 20), 32 * 32), (Camera(0, 0, 3.0, 20, target=(9.0, 0.0, 0.0)), 0)):
        samples = smooth_samples(embree, camera, embree.rasterise(camera, 32, 32))
        assert len(samples.pixel) == len(samples.weight) == len(samples.position) == count
        assert (samples.weight == 1).all()
