# SPDX-License-Identifier: GPL-3.0-or-later
"""A model whose bytes have changed is refused by the name of the file, and is not read at each start."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch

from core.diffusion.networks import load_networks
from core.job import JobError
from core.models import checksums, model_files
from core.models.profiles import BUNDLED_FOLDER, profile
from tests.core.small_sd15 import write_cache, write_small_sd15

CPU = torch.device("cpu")
LARGE = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def nothing_read_yet(monkeypatch):
    monkeypatch.setattr(checksums, "_sound", set())


@pytest.fixture
def copy(tmp_path) -> Path:
    """The bundled model elsewhere, to be damaged."""
    shutil.copytree(BUNDLED_FOLDER, tmp_path / "bundled")
    return tmp_path / "bundled"


def flip(path: Path, count: int, start: int = 0) -> None:
    data, lots = bytearray(path.read_bytes()), random.Random(3)
    for _ in range(count):
        data[lots.randrange(start, len(data))] ^= 1 << lots.randrange(8)
    path.write_bytes(data)


def refused(model) -> JobError:
    with pytest.raises(JobError) as caught:
        load_networks(model, CPU)
    assert caught.value.code == "model_missing" and caught.value.hint
    return caught.value


def test_the_bundled_model_is_what_its_sums_say_and_they_cover_every_file_that_is_read():
    assert checksums.damaged_in(BUNDLED_FOLDER) == []
    named = set(checksums.read_sums(BUNDLED_FOLDER))
    assert {file.path for file in model_files.model_files(profile("bundled"))} <= named
    files = {path.relative_to(BUNDLED_FOLDER).as_posix() for path in BUNDLED_FOLDER.rglob("*") if path.is_file()}
    assert files - named == {"README.md", checksums.SUMS_FILE}


def test_flipped_bits_in_weights_are_an_error_that_names_the_file(copy):
    model = profile("bundled", copy)
    flip(copy / LARGE, 200, start=100_000)
    error = refused(model)
    assert f"{copy / LARGE} is damaged" in error.message
    assert checksums.damaged_in(copy) == [LARGE]


@pytest.mark.parametrize("name", ["unet/config.json", "vae/config.json"])
def test_a_flipped_bit_in_a_configuration_is_an_error_before_anything_goes_by_it(copy, name):
    text = (copy / name).read_text()
    assert '"sample_size": ' in text
    (copy / name).write_text(text.replace('"sample_size": ', '"sample_size": 9'))
    with pytest.raises(JobError, match=r"config\.json is damaged") as caught:
        profile("bundled", copy)
    assert caught.value.code == "model_missing"


def test_the_hint_about_the_extension_s_own_model_is_to_install_it_again(monkeypatch, copy):
    monkeypatch.setattr("core.models.families.bundled.BUNDLED_FOLDER", copy)
    flip(copy / LARGE, 1, start=100_000)
    assert refused(profile("bundled")).hint == "Install the add-on again; its zip contains the model."


def test_a_file_is_read_once_in_a_process_and_again_when_it_changes(copy, monkeypatch):
    read: list[Path] = []
    digest = checksums._digest
    monkeypatch.setattr(checksums, "_digest", lambda path, kind: (read.append(path), digest(path, kind))[1])
    names = list(checksums.read_sums(copy))
    checksums.require_sound(copy, names, "hint")
    assert len(read) == len(names)
    checksums.require_sound(copy, names, "hint")
    assert len(read) == len(names)
    flip(copy / LARGE, 1)
    with pytest.raises(JobError):
        checksums.require_sound(copy, names, "hint")


def test_a_model_of_one_s_own_needs_no_sums(copy):
    (copy / checksums.SUMS_FILE).unlink()
    flip(copy / LARGE, 1, start=2_000_000)
    load_networks(profile("bundled", copy), CPU)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sd15")
    write_small_sd15(folder)
    return folder


@pytest.fixture
def cache(small, tmp_path, monkeypatch) -> Path:
    write_cache(small, tmp_path / "hub", profile("sd15"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_download_is_compared_once_and_remembered(cache, monkeypatch):
    model_files.require_sound_files(profile("sd15"))
    monkeypatch.setattr(checksums, "_sound", set())
    monkeypatch.setattr(checksums, "_digest", lambda *a: pytest.fail("it was read again"))
    model_files.require_sound_files(profile("sd15"))


def test_a_damaged_download_is_named_with_the_way_out(cache):
    file = next(path for path in cache.rglob("*.safetensors") if "unet" in str(path))
    flip(file.resolve(), 1, start=5000)
    error = refused(profile("sd15"))
    assert f"{file} is damaged" in error.message and "core download --profile sd15" in error.hint
    assert model_files.damaged_files(profile("sd15")) == [str(file)]


def test_small_files_of_a_download_are_compared_as_git_names_them(tmp_path):
    blob = tmp_path / "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"  # git hash-object of "hello"
    blob.write_bytes(b"hello")
    assert checksums.damaged_of_cache([blob]) == []
    blob.write_bytes(b"hellO")
    assert checksums.damaged_of_cache([blob]) == [blob]
