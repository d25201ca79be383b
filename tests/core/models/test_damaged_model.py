# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a model that make the libraries stumble in any way are an error about the model, not a fault of StyleTex."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.diffusion.networks import load_networks
from core.job import JobError
from core.models.checksums import SUMS_FILE
from core.models.profiles import BUNDLED_FOLDER, profile

CPU = torch.device("cpu")
WEIGHTS = sorted(path.relative_to(BUNDLED_FOLDER).as_posix() for path in BUNDLED_FOLDER.rglob("*.safetensors"))
TEXTS = sorted(path.relative_to(BUNDLED_FOLDER).as_posix() for path in BUNDLED_FOLDER.rglob("*.json"))
NOT_READ = {"tokenizer/vocab.json", "caption_tokenizer/vocab.json"}
"""Where there is a tokenizer.json."""


@pytest.fixture
def copy(tmp_path) -> Path:
    """The bundled model without sums, so that the libraries meet the damage; links, to be replaced."""
    for source in BUNDLED_FOLDER.rglob("*"):
        if source.is_file() and source.name != SUMS_FILE:
            place = tmp_path / "bundled" / source.relative_to(BUNDLED_FOLDER)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
    return tmp_path / "bundled"


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def load_or_refuse(folder: Path) -> JobError | None:
    try:
        load_networks(profile("bundled", folder), CPU)
    except JobError as error:
        assert error.code == "model_missing", error.detail
        assert error.hint and "Traceback" not in error.message
        return error
    return None


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_of_another_shape_are_of_another_model(copy, name):
    tensors = load_file(BUNDLED_FOLDER / name)
    key = max(tensors, key=lambda key: tensors[key].numel())
    tensors[key] = tensors[key][..., :-1].contiguous()
    (copy / name).unlink()
    save_file(tensors, copy / name, {"format": "pt"})
    assert load_or_refuse(copy) is not None


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_cut_short_or_empty_or_a_pickle_are_refused(copy, name):
    whole = (BUNDLED_FOLDER / name).read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x80\x04]\x94."):
        replace(copy / name, content)
        assert load_or_refuse(copy) is not None


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in NOT_READ])
def test_json_of_no_sense_is_refused_or_does_not_matter(copy, name):
    original = json.loads((BUNDLED_FOLDER / name).read_text())
    refused = 0
    for content in (b"", b"[]", b"null", b"[" * 100_000, b"\xff\xfe"):
        replace(copy / name, content)
        refused += load_or_refuse(copy) is not None
    for key in list(original)[1:3]:
        replace(copy / name, json.dumps({**original, key: "x"}).encode())
        load_or_refuse(copy)
    assert refused == 5


def test_a_pickle_in_the_place_of_weights_is_never_read(copy, tmp_path):
    name = copy / "unet/diffusion_pytorch_model.safetensors"
    shutil.move(name, name.with_suffix(".bin"))
    with pytest.raises(JobError, match="lacks 1 of") as caught:
        load_networks(profile("bundled", copy), CPU)
    assert "are never read" in caught.value.hint
