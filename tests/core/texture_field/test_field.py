# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture field is the hash grid of the paper, learns, and is repeatable bit for bit."""

import math

import pytest
import torch

from core.job import JobError
from core.texture_field import hash_grid
from core.texture_field.field import HashGridField, HashGridSettings

SMALL = HashGridSettings(levels=8, log2_entries=10, hidden=16)


def field(settings=SMALL, seed=0):
    return HashGridField(settings, torch.Generator().manual_seed(seed))


def points(count, seed=1):
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def plain_encoding(model, positions):
    """Müller et al. 2022, §3, one point, level and corner at a time."""
    settings, rows, start = model.settings, [], 0
    encoded = []
    for level in range(settings.levels):
        resolution = math.floor(settings.base_resolution * settings.growth**level)
        vertices = (resolution + 1) ** 3
        entries = min(vertices, 2**settings.log2_entries)
        rows = []
        for point in positions:
            scaled = (point * 0.5 + 0.5) * resolution
            cell = [min(int(value), resolution - 1) for value in scaled]
            total = torch.zeros(settings.features)
            for corner in range(8):
                offset = [corner >> axis & 1 for axis in range(3)]
                x, y, z = (c + o for c, o in zip(cell, offset, strict=True))
                if vertices <= entries:
                    entry = x + (resolution + 1) * (y + (resolution + 1) * z)
                else:
                    entry = (x ^ (y * 2654435761) ^ (z * 805459861)) % entries
                weight = 1.0
                for value, c, o in zip(scaled.tolist(), cell, offset, strict=True):
                    weight *= (value - c) if o else 1 - (value - c)
                total = total + weight * model.table[start + entry]
            rows.append(total)
        encoded.append(torch.stack(rows))
        start += entries
    return torch.cat(encoded, dim=1)


@pytest.mark.parametrize("features", [1, 2, 4])
def test_colours_and_gradients_are_those_of_the_papers_equations(features):
    model = field(HashGridSettings(levels=6, features=features, log2_entries=12, hidden=8))
    torch.nn.init.normal_(model.table, generator=torch.Generator().manual_seed(3))
    positions = torch.cat([points(6), torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0], [0.0, 1.0, -1.0]])])
    target = torch.rand(9, 3, generator=torch.Generator().manual_seed(4))
    expected = torch.sigmoid(model.output(torch.relu(model.hidden(plain_encoding(model, positions)))))
    (expected * target).sum().backward()
    gradient, model.table.grad = model.table.grad, None
    colours = model(positions)
    (colours * target).sum().backward()
    torch.testing.assert_close(colours, expected, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(model.table.grad, gradient, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "settings",
    [HashGridSettings(), HashGridSettings(levels=6, log2_entries=12), HashGridSettings(levels=1)],
)
def test_array_operations_give_what_the_compiled_loop_gives(settings):
    model = field(settings)
    torch.nn.init.normal_(model.table, generator=torch.Generator().manual_seed(3))
    places = points(500).t().contiguous().mul(0.5).add(0.5)
    incoming = torch.randn(500, settings.levels * settings.features, generator=torch.Generator().manual_seed(4))
    one, other = (
        look(model.table, places, model._levels, model._numbers) for look in (hash_grid.encode, hash_grid.at_once)
    )
    torch.testing.assert_close(one, other, atol=1e-6, rtol=0.0)
    gradients = [torch.autograd.grad(found, model.table, incoming)[0] for found in (one, other)]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-5)
    assert gradients[0].abs().max() > 0.0


def test_an_untrained_field_is_mid_grey():
    assert (field()(points(1000)) - 0.5).abs().max() < 1e-3


def test_the_papers_defaults():
    assert HashGridSettings() == HashGridSettings(16, 2, 19, 16, 1.4473, 64)
    table = field(HashGridSettings()).table
    assert table.abs().max() <= 1e-4
    assert len(table) < 16 * 2**19  # coarse levels are stored whole


def test_positions_outside_the_cube_take_the_border_value():
    model = field()
    torch.nn.init.normal_(model.table, generator=torch.Generator().manual_seed(3))
    inside, outside = torch.tensor([[1.0, 0.2, -1.0]]), torch.tensor([[1.7, 0.2, -5.0]])
    assert torch.equal(model(inside), model(outside))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_trains_to_the_same_bits(threads):
    def trained(seed):
        model = field(HashGridSettings(levels=3, log2_entries=15), seed)
        optimiser = torch.optim.Adam(model.parameters(), lr=0.005, betas=(0.9, 0.99), eps=1e-15)
        for step in range(2):
            positions = points(40_000, step)
            optimiser.zero_grad()
            (model(positions) - positions * 0.5 - 0.5).square().mean().backward()
            optimiser.step()
        return torch.cat([value.flatten() for value in model.state_dict().values()])

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        first, second, other = trained(0), trained(0), trained(1)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_the_field_learns_a_pattern_on_a_surface():
    model = field(HashGridSettings(levels=6, log2_entries=12, hidden=32))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02, betas=(0.9, 0.99), eps=1e-15)

    def sphere(seed):
        return torch.nn.functional.normalize(points(2000, seed), dim=1) * 0.9

    def pattern(positions):
        return 0.5 + 0.4 * torch.sin(6 * positions)

    for step in range(60):
        positions = sphere(step)
        optimiser.zero_grad()
        (model(positions) - pattern(positions)).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        assert (model(sphere(1000)) - pattern(sphere(1000))).abs().mean() < 0.05


def test_a_saved_field_is_the_same_field():
    model, other = field(seed=0), field(seed=1)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(points(50)), other(points(50)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"levels": 0}, "levels is 0"),
        ({"growth": 0.5}, "growth is 0.5"),
        ({"log2_entries": 40}, "log2_entries is 40"),
        ({"levels": 64}, "finest grid has"),
    ],
)
def test_impossible_sizes_are_refused_with_their_value(values, message):
    with pytest.raises(JobError, match=message):
        HashGridSettings(**values)
