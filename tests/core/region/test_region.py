# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of a region: nothing outside, a soft border inside, and what is shared is the outside's."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from core.geometry.mesh import Mesh, face_vectors
from core.geometry.texels import texel_map
from core.job import JobError
from core.region import region as module
from core.region.field import RegionField, Surroundings
from core.region.region import Region
from core.region.texture import PresentTexture, read_present_texture, texel_weights


@pytest.fixture(scope="module", autouse=True)
def small_map():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_LARGEST_MAP", 256)
        yield


def strip(columns, thickness=0.0):
    """A strip along x from -0.9 to 0.9, ``columns`` quads in a row that fill the texture; with a thickness, a second
    one behind it in the same UVs' lower half.
    """
    x = np.linspace(-0.9, 0.9, columns + 1)
    u = np.linspace(0.0, 1.0, columns + 1)
    sides = [(0.0, 0.5, 1.0, -1.0), (thickness, 0.0, 0.5, 1.0)] if thickness else [(0.0, 0.0, 1.0, -1.0)]
    positions, triangles, uvs, normals = [], [], [], []
    for y, low, high, facing in sides:
        for column in range(columns):
            start = len(positions)
            corners = [(column, -0.2, low), (column + 1, -0.2, low), (column + 1, 0.2, high), (column, 0.2, high)]
            positions += [(x[c], y, z) for c, z, _ in corners]
            for three in ((0, 1, 2), (0, 2, 3)) if facing < 0 else ((0, 2, 1), (0, 3, 2)):
                triangles.append([start + corner for corner in three])
                uvs.append([(u[corners[corner][0]], corners[corner][2]) for corner in three])
                normals.append([(0.0, facing, 0.0)] * 3)
    return Mesh(
        *(
            np.array(values, t)
            for values, t in ((positions, np.float32), (triangles, np.int32), (uvs, np.float32), (normals, np.float32))
        )
    )


def of_faces(mesh, chosen, border=0.2):
    return Region(mesh, np.repeat(np.asarray(chosen)[:, None], 3, axis=1).astype(np.float32), None, border)


def test_soft_border_rises_inside_and_is_nothing_outside():
    mesh = strip(18)
    region = of_faces(mesh, mesh.positions[mesh.triangles][..., 0].mean(axis=1) < 0.0)
    row = texel_weights(region, 180, 60)[30]
    assert (row[90:] == 0.0).all() and (row[:60] == 1.0).all()
    assert (np.diff(row[60:90]) <= 1e-6).all()
    assert row[75] == pytest.approx(0.84, abs=0.06), "smoothstep at 15 of 20 texels: 3 * 0.75 ** 2 - 2 * 0.75 ** 3"
    assert (np.abs(np.diff(row)) < 0.12).all(), "no step"


def test_border_takes_no_more_than_half_of_a_narrow_region():
    mesh = strip(18)
    region = of_faces(mesh, np.arange(36) // 2 == 9, border=0.5)
    row = texel_weights(region, 180, 60)[30]
    assert row[95] == 1.0 and (row[90:100] > 0.0).sum() >= 8


def test_what_lies_behind_a_thin_wall_is_no_border():
    mesh = strip(8, thickness=0.02)
    region = of_faces(mesh, np.arange(32) < 16, border=0.1)
    weights = texel_weights(region, 64, 64)
    assert (weights[:31] == 1.0).mean() > 0.99 and (weights[32:] == 0.0).all()


def test_hard_border_leaves_what_outside_faces_touch():
    mesh = strip(2)
    weights = texel_weights(of_faces(mesh, [True, True, False, False], border=0.0), 11, 4)
    np.testing.assert_array_equal(weights[0], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0])


def test_texels_that_are_shared_belong_to_the_outside():
    mesh = strip(4)
    mirrored = mesh.corner_uvs.copy()
    mirrored[4:, :, 0] = 1.0 - mirrored[4:, :, 0]
    mesh = dataclasses.replace(mesh, corner_uvs=mirrored)
    whole = of_faces(mesh, np.arange(8) >= 4)
    assert whole.shared() == 1.0
    with pytest.raises(JobError, match="No texel is the region's own"):
        texel_weights(whole, 32, 32)
    half = of_faces(mesh, np.arange(8) >= 2, border=0.0)
    assert half.shared() == pytest.approx(1 / 3, abs=0.03)
    weights = texel_weights(half, 32, 32)
    assert (weights[:, :8] == 0.0).all() and (weights[:, 10:16] == 1.0).all()


def test_margin_goes_on_a_little_way_beside_the_region_and_not_beside_the_outside():
    mesh = strip(2)
    mesh = dataclasses.replace(mesh, corner_uvs=mesh.corner_uvs * np.float32([1.0, 0.1]))
    weights = texel_weights(of_faces(mesh, [True, True, False, False], border=0.0), 200, 200)
    assert (weights[176:, :90] == 1.0).all(), "sixteen texels beside twenty rows"
    assert (weights[:150] == 0.0).all(), "far away nothing changes"
    assert (weights[:, 110:] == 0.0).all()


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_pictures_of_eight_bits_are_kept_bit_for_bit(tmp_path, mode):
    values = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    picture = (
        Image.fromarray(values).convert("RGB").convert("P") if mode == "P" else Image.fromarray(values).convert(mode)
    )
    picture.save(tmp_path / "present.png")
    told = []
    kept = read_present_texture(tmp_path / "present.png", "", told.append)
    wanted = np.asarray(picture.convert("RGBA" if mode.endswith("A") else "RGB"))
    np.testing.assert_array_equal(kept.pixels, wanted)
    assert told == []
    new = np.full((9, 7, 3), 200, np.uint8)
    np.testing.assert_array_equal(kept.with_region(new, np.zeros((9, 7), np.float32)), wanted)
    np.testing.assert_array_equal(kept.with_region(new, np.ones((9, 7), np.float32))[..., :3], new)


def test_pictures_of_more_bits_are_read_with_eight_and_that_is_told(tmp_path):
    Image.fromarray(np.full((4, 4), 32768, np.uint16)).save(tmp_path / "present.png")
    told = []
    kept = read_present_texture(tmp_path / "present.png", "skin.png", told.append)
    assert kept.pixels.shape == (4, 4, 3)
    assert "skin.png is no plain 8-bit sRGB picture" in told[0]


def test_blending_is_between_the_two_by_the_weight():
    present = PresentTexture(np.full((2, 3, 3), 100, np.uint8))
    laid = present.with_region(np.full((2, 3, 3), 200, np.uint8), np.array([[0, 0.25, 1]] * 2, np.float32))
    np.testing.assert_array_equal(laid[0, :, 0], [100, 125, 200])


def test_field_is_the_present_colour_outside_and_gradients_end_at_the_border():
    mesh = strip(18)
    region = of_faces(mesh, mesh.positions[mesh.triangles][..., 0].mean(axis=1) < 0.0)

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.colour = torch.nn.Parameter(torch.tensor([1.0, 0.0, 0.5]))

        def forward(self, positions):
            return self.colour.expand(len(positions), 3)

    grey = Surroundings(region, lambda triangle, barycentric: np.full((len(triangle), 3), 0.25), 128)
    field = RegionField(Plain(), grey)
    places = torch.tensor([[-0.8, 0.0, 0.0], [-0.1, 0.0, 0.0], [0.1, 0.0, 0.0], [0.8, 0.0, 0.0]])
    colours = field(places)
    torch.testing.assert_close(colours[0], field.inner.colour)
    assert (colours[2:] == 0.25).all() and 0.3 < colours[1, 0].item() < 0.95
    field(places[2:]).sum().backward()
    assert (field.inner.colour.grad == 0.0).all()
    field(places[:1]).sum().backward()
    assert (field.inner.colour.grad == 1.0).all()


def test_members_of_a_mask_are_the_faces_that_it_touches():
    mesh = strip(8)
    mask = np.zeros((8, 64), np.float32)
    mask[:, 20] = 1.0
    region = Region(mesh, None, mask, 0.0)
    np.testing.assert_array_equal(np.flatnonzero(region.members), [4, 5])
    assert region.share == pytest.approx(1 / 8)
    assert np.linalg.norm(face_vectors(region.inside), axis=-1).sum() > 0.0
    assert len(texel_map(region.outside, 16).row) > 0
