# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint holds the whole state, nothing of its file, and is used only where it fits and is sound."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

import pytest
import torch

from core.optimisation.checkpoint import Checkpoint, Progress
from core.texture_field.field import HashGridField, HashGridSettings

SMALL = HashGridSettings(levels=3, log2_entries=8)
PROGRESS = Progress(2, [{"statistics": 1.5}, {"statistics": math.inf}], [1])


def new_run(updates=0):
    """A field and its optimiser."""
    field = HashGridField(SMALL, torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(field.parameters(), lr=0.01, fused=True)
    for _ in range(updates):
        optimiser.zero_grad()
        field(torch.rand(64, 3)).sum().backward()
        optimiser.step()
    return field, optimiser


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path, "this job")


@pytest.mark.parametrize("updates", [0, 2])
def test_a_run_goes_on_bit_for_bit(checkpoint, updates):
    field, optimiser = new_run(updates)
    checkpoint.save(PROGRESS, field, optimiser)
    other, its_optimiser = new_run()
    saved = checkpoint.read(other)
    assert saved is not None and saved.progress == PROGRESS
    saved.load_into(other, its_optimiser)
    for run in ((field, optimiser), (other, its_optimiser)):
        run[1].zero_grad()
        run[0](torch.linspace(-1, 1, 96).reshape(32, 3)).sum().backward()
        run[1].step()
    assert all(torch.equal(*pair) for pair in zip(field.parameters(), other.parameters(), strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/maps")
def test_nothing_of_what_was_read_is_a_view_of_the_file(checkpoint):
    field, optimiser = new_run(1)
    checkpoint.save(PROGRESS, field, optimiser)
    saved = checkpoint.read(field)
    assert saved is not None
    saved.load_into(field, optimiser)
    assert str(checkpoint.path) not in Path("/proc/self/maps").read_text()
    before = [state["exp_avg"].clone() for state in optimiser.state.values()]
    checkpoint.path.write_bytes(bytes(checkpoint.path.stat().st_size))
    assert all(torch.equal(a, state["exp_avg"]) for a, state in zip(before, optimiser.state.values(), strict=True))


def test_one_of_another_job_is_not_used(checkpoint):
    field, optimiser = new_run(1)
    checkpoint.save(PROGRESS, field, optimiser)
    assert Checkpoint(checkpoint.folder, "another job").read(field) is None


def test_one_of_another_field_is_not_used(checkpoint):
    field, optimiser = new_run(1)
    checkpoint.save(PROGRESS, field, optimiser)
    larger = HashGridField(HashGridSettings(levels=4, log2_entries=8), torch.Generator())
    assert checkpoint.read(larger) is None


def test_a_damaged_one_is_never_used(checkpoint):
    field, optimiser = new_run(1)
    checkpoint.save(PROGRESS, field, optimiser)
    whole = checkpoint.path.read_bytes()
    generator = torch.Generator().manual_seed(1)
    for _ in range(200):
        bit = int(torch.randint(len(whole) * 8, (), generator=generator))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        checkpoint.path.write_bytes(damaged)
        assert checkpoint.read(field) is None, bit
    for length in (0, 3, 8, 100, len(whole) // 2, len(whole) - 1):
        checkpoint.path.write_bytes(whole[:length])
        assert checkpoint.read(field) is None, length


def test_a_folder_in_its_place_is_no_checkpoint_and_can_be_removed(checkpoint):
    checkpoint.path.mkdir()
    (checkpoint.path / "file").write_text("x")
    field, optimiser = new_run()
    assert checkpoint.read(field) is None
    with pytest.raises(OSError):
        checkpoint.save(PROGRESS, field, optimiser)
    checkpoint.remove()
    assert list(checkpoint.folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_one_before(checkpoint):
    import resource

    field, optimiser = new_run(1)
    checkpoint.save(PROGRESS, field, optimiser)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError):
            checkpoint.save(Progress(3), field, optimiser)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    saved = checkpoint.read(field)
    assert saved is not None and saved.progress == PROGRESS
    assert list(checkpoint.folder.iterdir()) == [checkpoint.path]
