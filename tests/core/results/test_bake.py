# SPDX-License-Identifier: GPL-3.0-or-later
"""A baked texture holds the field's colours and leaves no texel without one."""

import numpy as np
import pytest
import torch
import trimesh

from core.geometry.texels import texel_bands, texel_map
from core.results.bake import PreviewBaker, bake, field_colours, to_uint8
from core.results.coverage import measure_coverage
from core.texture_field.field import HashGridField, HashGridSettings
from core.views.embree import EmbreeRasteriser


class Gradient(torch.nn.Module):
    """Red grows with x, green with y, blue with z; never below 0.1."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(0.4))

    def forward(self, positions):
        assert not torch.is_grad_enabled()
        return positions * self.scale + 0.5


@pytest.fixture(scope="module")
def mesh(make_mesh):
    return make_mesh(trimesh.creation.torus(1.0, 0.4, major_sections=24, minor_sections=12))


@pytest.mark.parametrize("size", [64, 256])
def test_every_texel_of_the_surface_has_the_fields_colour(mesh, size):
    texels = texel_map(mesh, size)
    image = bake(Gradient(), texels)
    assert image.shape == (size, size, 3) and image.dtype == np.uint8
    np.testing.assert_allclose(image[texels.row, texels.column], (texels.position * 0.4 + 0.5) * 255, atol=0.51)


def test_no_texel_is_left_untouched(mesh):
    image = bake(Gradient(), texel_map(mesh, 256))
    assert image.min() >= 25  # the field is never darker than 0.1


def test_texels_between_the_islands_take_the_nearest_islands_colour(mesh):
    texels = texel_map(mesh, 128)
    image = bake(Gradient(), texels)
    on = np.zeros((128, 128), bool)
    on[texels.row, texels.column] = True
    places = np.stack([texels.row, texels.column], axis=-1)
    for row, column in np.argwhere(~on)[::37]:
        distance = ((places - (row, column)) ** 2).sum(-1)
        nearest = places[distance == distance.min()]
        assert (image[nearest[:, 0], nearest[:, 1]] == image[row, column]).all(axis=-1).any()


def test_bands_give_the_same_texture_as_the_whole_map(mesh):
    np.testing.assert_array_equal(bake(Gradient(), texel_map(mesh, 700)), bake(Gradient(), texel_bands(mesh, 700)))


def test_unseen_places_take_seen_colours(make_mesh):
    nested = make_mesh(
        trimesh.util.concatenate([trimesh.creation.icosphere(3), trimesh.creation.icosphere(2, radius=0.4)])
    )

    class Shell(torch.nn.Module):
        """Grey inside, where an untrained field would be, and coloured outside."""

        def __init__(self):
            super().__init__()
            self.colour = torch.nn.Parameter(torch.tensor([0.9, 0.2, 0.1]))

        def forward(self, positions):
            return torch.where(positions.norm(dim=1, keepdim=True) < 0.5, torch.tensor(0.5), self.colour)

    coverage = measure_coverage(nested, EmbreeRasteriser(nested), distance=3.5, size=256)
    texels = texel_map(nested, 256)
    inner = np.linalg.norm(texels.position, axis=-1) < 0.5
    without, filled = bake(Shell(), texels), bake(Shell(), texels, coverage)
    assert (without[texels.row, texels.column][inner] == 128).all()
    np.testing.assert_array_equal(np.unique(filled.reshape(-1, 3), axis=0), [(230, 51, 26)])


def test_preview_bakes_equal_full_ones(mesh):
    texels = texel_map(mesh, 128)
    baker = PreviewBaker(texels)
    field = Gradient()
    np.testing.assert_array_equal(baker.bake(field), bake(field, texels))
    with torch.no_grad():
        field.scale.mul_(-1)
    np.testing.assert_array_equal(baker.bake(field), bake(field, texels))


def test_a_field_is_asked_in_parts_without_changing_its_answer():
    field = HashGridField(HashGridSettings(levels=4, log2_entries=10), torch.Generator().manual_seed(0))
    torch.nn.init.normal_(field.table, generator=torch.Generator().manual_seed(1))
    positions = np.random.default_rng(0).uniform(-1, 1, (70_000, 3)).astype(np.float32)
    with torch.no_grad():
        expected = field(torch.from_numpy(positions)).numpy()
    np.testing.assert_allclose(field_colours(field, positions), expected, atol=1e-5)


def test_colours_become_whole_numbers_by_rounding():
    values = np.array([-0.1, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 1.3], np.float32)
    np.testing.assert_array_equal(to_uint8(values), [0, 0, 0, 1, 255, 255])


def test_nothing_to_bake_is_an_error():
    with pytest.raises(ValueError, match="no band"):
        bake(Gradient(), [])
