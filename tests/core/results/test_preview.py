# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews show the texture as Blender would, flat, and the sheet shows all of them."""

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from core.geometry.texels import texel_map
from core.results.bake import bake
from core.results.preview import contact_sheet, field_paint, one_below_another, render_views, texture_paint
from core.views.cameras import turntable
from core.views.embree import EmbreeRasteriser


class Gradient(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(0.4))

    def forward(self, positions):
        return positions * self.scale + 0.5


@pytest.fixture(scope="module")
def mesh(make_mesh):
    return make_mesh(trimesh.creation.icosphere(3))


@pytest.fixture(scope="module")
def rasteriser(mesh):
    return EmbreeRasteriser(mesh)


def test_a_baked_texture_looks_like_the_field_itself_seams_included(mesh, rasteriser):
    texture = bake(Gradient(), texel_map(mesh, 512))
    cameras = [*turntable(4, 15), *turntable(1, 90), *turntable(1, -90)]
    baked = render_views(rasteriser, texture_paint(mesh, texture), cameras, 96)
    asked = render_views(rasteriser, field_paint(Gradient()), cameras, 96)
    for one, other in zip(baked, asked, strict=True):
        assert one.shape == (96, 96, 3) and one.dtype == np.uint8
        difference = np.abs(one.astype(int) - other)
        assert difference.max() <= 4
        assert difference.mean() < 0.5


def test_the_front_view_shows_the_right_hand_side_at_the_right(rasteriser):
    (view,) = render_views(rasteriser, field_paint(Gradient()), turntable(1, 0), 64)
    assert view[32, 44, 0] > view[32, 20, 0] + 50  # red grows with x
    assert view[20, 32, 2] > view[44, 32, 2] + 50  # blue grows with z


def test_the_background_is_what_was_asked_for_and_edges_blend_into_it(rasteriser):
    (view,) = render_views(
        rasteriser, lambda r: np.zeros((r.mask.sum(), 3), np.float32), turntable(1, 0), 64, (1, 0.5, 0)
    )
    assert tuple(view[0, 0]) == (255, 128, 0)
    assert tuple(view[32, 32]) == (0, 0, 0)
    assert ((view[..., 0] > 0) & (view[..., 0] < 255)).any()


def test_a_headlight_darkens_what_faces_away_and_nothing_else(rasteriser):
    paint = field_paint(Gradient())
    (flat,), (shaded,) = (render_views(rasteriser, paint, turntable(1, 0), 64, headlight=h) for h in (0.0, 0.8))
    assert (shaded.astype(int) <= flat.astype(int) + 1).all()
    assert np.abs(flat[32, 32].astype(int) - shaded[32, 32]).max() < 6
    assert shaded[32, 42].sum() < 0.9 * flat[32, 42].sum()


def test_look_ups_are_bilinear_and_wrap_around(mesh, rasteriser):
    texture = np.zeros((4, 4, 3), np.uint8)
    texture[:, ::2] = 200
    raster = rasteriser.rasterise(turntable(1, 0)[0], 32, 32)
    colours = texture_paint(mesh, texture)(raster)
    uv = np.einsum("nc,ncd->nd", raster.barycentric[raster.mask], mesh.corner_uvs[raster.triangle[raster.mask]])
    phase = (uv[:, 0] * 4 - 0.5) % 2
    expected = np.where(phase < 1, 1 - phase, phase - 1) * 200 / 255
    np.testing.assert_allclose(colours[:, 0], expected, atol=1e-4)


def test_the_contact_sheet_shows_the_style_image_and_every_view():
    style = Image.new("RGBA", (300, 150), (250, 10, 10, 255))
    views = [np.full((64, 64, 3), shade, np.uint8) for shade in (40, 80, 120, 160)]
    sheet = contact_sheet(style, views, ["style", "front", "right", "back", "left"])
    assert sheet.width == 5 * 64 + 6 * 12
    picture = np.asarray(sheet)
    for number, shade in enumerate((40, 80, 120, 160)):
        left = 12 + (number + 1) * 76
        np.testing.assert_array_equal(picture[12:76, left : left + 64], shade)
    assert tuple(picture[44, 44]) == (250, 10, 10)
    assert (picture[78:] < 128).any()  # labels
    assert contact_sheet(Image.new("L", (8, 8), 90), views[:1]).size == (2 * 64 + 36, 64 + 24)


def test_the_contact_sheet_breaks_into_rows_with_the_style_image_in_their_middle():
    style = Image.new("RGB", (64, 64), (250, 10, 10))
    views = [np.full((64, 64, 3), shade, np.uint8) for shade in (40, 80, 120, 160)]
    picture = np.asarray(contact_sheet(style, views, columns=3))
    assert picture.shape == (2 * 76 + 12, 4 * 76 + 12, 3)
    np.testing.assert_array_equal(picture[88:152, 88:152], 160)
    assert (picture[50:114, 12:76] == (250, 10, 10)).all()
    assert (picture[88:152, 164:] == 255).all()


def test_several_style_images_stand_one_below_another():
    red, blue = Image.new("RGB", (64, 32), (250, 10, 10)), Image.new("RGB", (128, 128), (10, 10, 250))
    picture = np.asarray(one_below_another([red, blue]))
    assert picture.shape == (32 + 2 + 64, 64, 3)
    assert (picture[:32] == (250, 10, 10)).all() and (picture[34:] == (10, 10, 250)).all()
    assert one_below_another([red]) is red
