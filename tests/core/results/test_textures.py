# SPDX-License-Identifier: GPL-3.0-or-later
"""The textures on disk, and the previews painted with them, hold the field's colours on every tile."""

import dataclasses

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from core.geometry.texels import texel_map
from core.geometry.tiles import find_tiles
from core.results.bake import bake
from core.results.coverage import measure_coverage
from core.results.preview import field_paint, render_views
from core.results.textures import bake_textures
from core.views.cameras import turntable
from core.views.embree import EmbreeRasteriser


class Gradient(torch.nn.Module):
    """Red grows with x, green with y, blue with z."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(0.4))

    def forward(self, positions):
        return positions * self.scale + 0.5


@pytest.fixture(scope="module")
def ball(make_mesh):
    return make_mesh(trimesh.creation.icosphere(3))


def test_without_tiles_there_is_one_texture(ball, tmp_path, new_reporter):
    rasteriser = EmbreeRasteriser(ball)
    coverage = measure_coverage(ball, rasteriser, 3.5, 128)
    (path,), _ = bake_textures(Gradient(), ball, None, 128, coverage, None, tmp_path, new_reporter())
    assert path.name == "base_color.png"
    np.testing.assert_array_equal(np.asarray(Image.open(path)), bake(Gradient(), texel_map(ball, 128), coverage))


def test_tiles_show_the_field_from_all_sides(ball, tmp_path, new_reporter):
    places = np.array([(0, 0), (1, 0), (2, 1), (0, 3)])
    # Each quarter of the sphere fills a tile of its own with the islands as they are: they would clash if wrapped.
    quarter = (ball.positions[ball.triangles].mean(axis=1)[:, :2] > 0) @ (1, 2)
    # They keep a texel from the border of their tile, since pixels on both sides of it would wrap around.
    uvs = (0.98 * ball.corner_uvs + 0.01 + places[quarter][:, None]).astype(np.float32)
    mesh = dataclasses.replace(ball, corner_uvs=uvs)
    tiles, _ = find_tiles(mesh, "udim")
    assert tiles.numbers == (1001, 1002, 1013, 1031)
    rasteriser = EmbreeRasteriser(mesh)
    coverage = measure_coverage(tiles.layout(mesh), rasteriser, 3.5, 256 * tiles.extent, None, tiles.map_side(256))
    assert coverage.shares()["seen"] > 0.995
    paths, paint = bake_textures(Gradient(), mesh, tiles, 256, coverage, None, tmp_path, new_reporter())
    assert [path.name for path in paths] == [f"base_color.{number}.png" for number in tiles.numbers]
    cameras = [*turntable(4, 15), *turntable(1, 80)]
    baked = render_views(rasteriser, paint, cameras, 64)
    asked = render_views(rasteriser, field_paint(Gradient()), cameras, 64)
    for one, other in zip(baked, asked, strict=True):
        difference = np.abs(one.astype(int) - other)
        assert difference.max() <= 4
        assert difference.mean() < 0.1


def test_texels_of_a_tile_are_found_again_in_the_layout(ball):
    right = ball.positions[ball.triangles].mean(axis=1)[:, 0] > 0
    mesh = dataclasses.replace(ball, corner_uvs=ball.corner_uvs + np.float32(right[:, None, None] * (1, 2)))
    tiles, _ = find_tiles(mesh, "udim")
    whole = texel_map(tiles.layout(mesh), 64 * tiles.extent)
    number = np.full((whole.size, whole.size), -1)
    number[whole.row, whole.column] = whole.triangle
    for index in range(len(tiles.numbers)):
        moved = tiles.in_layout(index)(texel_map(tiles.part(mesh, index), 64))
        assert moved.size == whole.size
        assert (number[moved.row, moved.column] == moved.triangle).mean() > 0.98
