# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in several files with an index are read; an index or a part that is wrong is named in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.diffusion.networks import load_networks
from core.job import JobError
from core.models.own_weights import OwnWeights
from core.models.profiles import profile
from tests.core import own_files
from tests.core.small_sd15 import write_small_sd15

CPU = torch.device("cpu")
BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("models")
    write_small_sd15(place)
    own_files.write_configurations(place / BASE, place / "configurations/sd15")
    return place


@pytest.fixture(autouse=True)
def shipped(models, monkeypatch):
    for module in ("families.sd15", "own_weights"):
        monkeypatch.setattr(f"core.models.{module}.CONFIGURATIONS", models / "configurations")


def split(folder: Path, stem: str, variant: str) -> list[Path]:
    """Make two files and an index of the weights in ``folder``, as the libraries name them."""
    (whole,) = folder.glob("*.safetensors")
    weights = load_file(whole)
    whole.unlink()
    names = sorted(weights)
    parts = [names[: len(names) // 2], names[len(names) // 2 :]]
    places = [folder / f"{stem}-0000{number}-of-00002{variant}.safetensors" for number in (1, 2)]
    for place, part in zip(places, parts, strict=True):
        save_file({name: weights[name] for name in part}, place, {"format": "pt"})
    where = {name: place.name for place, part in zip(places, parts, strict=True) for name in part}
    index = folder / f"{stem}.safetensors.index{variant}.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return [index, *places]


@pytest.fixture(params=["", ".fp16"], ids=["plain", "fp16"])
def sharded(request, models, tmp_path) -> Path:
    """The model's folder with its UNet and its text encoder in two files each."""
    folder = shutil.copytree(models / BASE, tmp_path / "mine")
    split(folder / "unet", "diffusion_pytorch_model", request.param)
    split(folder / "text_encoder", "model", request.param)
    return folder


def test_weights_in_several_files_are_those_of_one(sharded, models):
    whole = load_networks(profile("sd15", models), CPU)
    parts = load_networks(profile("sd15", models, OwnWeights(model=sharded)), CPU)
    for name, module in whole.modules().items():
        for key, value in module.state_dict().items():
            assert torch.equal(value, parts.modules()[name].state_dict()[key]), (name, key)


def test_so_are_those_of_the_repository_in_a_folder(models, tmp_path):
    folder = shutil.copytree(models, tmp_path / "repositories")
    split(folder / BASE / "unet", "diffusion_pytorch_model", ".fp16")
    whole = load_networks(profile("sd15", models), CPU)
    parts = load_networks(profile("sd15", folder), CPU)
    assert torch.equal(parts.unet.conv_out.weight, whole.unet.conv_out.weight)


def _lose_a_part(index: Path) -> None:
    next(index.parent.glob("*-00002-of-*")).unlink()


def _cut_a_part(index: Path) -> None:
    part = next(index.parent.glob("*-00002-of-*"))
    part.write_bytes(part.read_bytes()[:-200])


def _name_a_pickle(index: Path) -> None:
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": "model.bin"}}))


def _name_a_place_elsewhere(index: Path) -> None:
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": "../../other.safetensors"}}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_lose_a_part, "lacks unet/diffusion_pytorch_model-00002-of-00002"),
        (_cut_a_part, "is cut off"),
        (lambda index: index.write_text("{"), "is damaged"),
        (lambda index: index.write_text("[]"), "is damaged"),
        (lambda index: index.write_text('{"weight_map": {}}'), "names no files"),
        (_name_a_pickle, "no safetensors file beside it"),
        (_name_a_place_elsewhere, "no safetensors file beside it"),
    ],
)
def test_what_is_wrong_with_them_is_one_line(spoil, words, sharded, models):
    spoil(next((sharded / "unet").glob("*.index*.json")))
    with pytest.raises(JobError) as caught:
        load_networks(profile("sd15", models, OwnWeights(model=sharded)), CPU)
    assert caught.value.code == "model_missing" and words in caught.value.message and "\n" not in caught.value.message
