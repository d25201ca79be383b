# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that people have already are found where ComfyUI, A1111, diffusers and the hub keep them, and used."""

from __future__ import annotations

import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch

from core.diffusion.networks import load_networks
from core.job import JobError
from core.models.model_files import missing_files, require_files
from core.models.model_profile import CONFIGURATIONS
from core.models.own_weights import OwnWeights
from core.models.places.found import find_files
from core.models.places.layouts import Layout, layout_of
from core.models.places.use import download_place
from core.models.profiles import profile
from tests.core import shelf_files
from tests.core.small_sd15 import write_cache, write_small_sd15

CPU = torch.device("cpu")
BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
CLIP = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("models")
    write_small_sd15(place / "repositories")
    shelf_files.write_configurations(place / "repositories", place / "configurations/sd15")
    shutil.copytree(CONFIGURATIONS / "sdxl", place / "configurations/sdxl")
    return place


@pytest.fixture(autouse=True)
def small(models, tmp_path, monkeypatch):
    """The small shapes are those of the family, and the hub's cache is empty."""
    for module in ("families.sd15", "own_weights"):
        monkeypatch.setattr(f"core.models.{module}.CONFIGURATIONS", models / "configurations")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def base(models):
    return load_networks(profile("sd15", models / "repositories"), CPU)


@pytest.fixture
def tokens(models, tmp_path):
    """The caption's tokens, which no such folder has, in the hub's cache."""
    write_cache(models / "repositories", tmp_path / "whole", profile("sd15"))
    name = f"models--{CLIP.replace('/', '--')}"
    shutil.copytree(tmp_path / "whole" / name, tmp_path / "hub" / name, symlinks=True)
    for path in (tmp_path / "hub").rglob("model.safetensors"):
        path.unlink()


@pytest.mark.parametrize(
    ("names", "chosen"),
    [(shelf_files.COMFYUI, ""), (shelf_files.COMFYUI, "models"), (shelf_files.A1111, "")],
    ids=["ComfyUI", "ComfyUI's models", "A1111"],
)
def test_a_folder_of_shelves_is_found_and_its_networks_are_those_of_its_files(
    names, chosen, base, models, tokens, tmp_path
):
    folder = tmp_path / "tool"
    shelf_files.write_shelves(models / "repositories", base, folder, names)
    model = profile("sd15", folder / chosen)
    assert missing_files(model) == ()
    networks = load_networks(model, CPU)
    for name, module in base.modules().items():
        for key, value in module.state_dict().items():
            assert torch.equal(value, networks.modules()[name].state_dict()[key]), (name, key)
    kinds = {file.path.name: (file.kind, file.family) for file in find_files(folder)}
    assert kinds[Path(names["base"]).name] == ("checkpoint", "sd15")
    assert kinds[Path(names["lora"]).name] == ("LoRA", "sd15")
    assert kinds[Path(names["normal"]).name] == kinds[Path(names["depth"]).name] == ("ControlNet", "sd15")


@pytest.mark.parametrize("shelf", ["models/checkpoints", "models/checkpoints/SD1.5"])
def test_one_shelf_alone_serves_as_far_as_it_goes(shelf, base, models, tmp_path):
    folder = tmp_path / "ComfyUI"
    shelf_files.write_shelves(models / "repositories", base, folder, shelf_files.COMFYUI)
    assert layout_of(folder / shelf) is Layout.SHELVES and download_place(folder / shelf) is None
    model = profile("sd15", folder / shelf)
    assert model.unet.file == folder / shelf_files.COMFYUI["base"]
    assert not any("stable-diffusion" in file.repository for file in missing_files(model))


def test_what_such_a_folder_lacks_is_all_that_is_missing(base, models, tmp_path):
    folder = tmp_path / "ComfyUI"
    shelf_files.write_shelves(models / "repositories", base, folder, shelf_files.COMFYUI)
    (folder / shelf_files.COMFYUI["clip"]).unlink()
    missing = missing_files(profile("sd15", folder))
    assert {file.repository for file in missing} == {CLIP}
    (folder / shelf_files.COMFYUI["depth"]).unlink()
    assert {file.repository for file in missing_files(profile("sd15", folder))} == {
        CLIP,
        "lllyasviel/control_v11f1p_sd15_depth",
    }
    with pytest.raises(JobError) as caught:
        require_files(profile("sd15", folder))
    assert "\n" not in caught.value.message


def test_what_was_downloaded_goes_before_what_is_found(base, models, tmp_path):
    folder = tmp_path / "ComfyUI"
    shelf_files.write_shelves(models / "repositories", base, folder, shelf_files.COMFYUI)
    write_cache(models / "repositories", tmp_path / "hub", profile("sd15"))
    model = profile("sd15", folder)
    assert model.unet.file is None and model.ip_adapter.repository == "h94/IP-Adapter"


def test_a_checkpoint_that_is_chosen_goes_before_one_that_is_found(base, models, tmp_path):
    folder = tmp_path / "ComfyUI"
    shelf_files.write_shelves(models / "repositories", base, folder, shelf_files.COMFYUI)
    mine = folder / "models/checkpoints/mine.safetensors"
    shutil.copy(folder / shelf_files.COMFYUI["base"], mine)
    assert profile("sd15", folder).unet.file == folder / shelf_files.COMFYUI["base"]
    assert profile("sd15", folder, OwnWeights(model=mine)).unet.file == mine


def test_a_folder_that_is_a_cache_is_one_and_what_it_lacks_comes_from_the_hubs_own(models, tmp_path):
    write_cache(models / "repositories", tmp_path / "home/hub", profile("sd15"))
    assert missing_files(profile("sd15")) != ()
    assert missing_files(profile("sd15", tmp_path / "home")) == missing_files(profile("sd15", tmp_path / "home/hub"))
    assert missing_files(profile("sd15", tmp_path / "home")) == ()
    shutil.rmtree(tmp_path / "home/hub" / f"models--{CLIP.replace('/', '--')}")
    assert {file.repository for file in missing_files(profile("sd15", tmp_path / "home"))} == {CLIP}
    write_cache(models / "repositories", tmp_path / "hub", profile("sd15"))
    assert missing_files(profile("sd15", tmp_path / "home")) == ()
    assert load_networks(profile("sd15", tmp_path / "home"), CPU).dtype == torch.float32


def test_repositories_that_a_folder_lacks_come_from_the_cache(models, tmp_path):
    folder = shutil.copytree(models / "repositories", tmp_path / "mine")
    shutil.rmtree(folder / "laion")
    assert {file.repository for file in missing_files(profile("sd15", folder))} == {CLIP}
    write_cache(models / "repositories", tmp_path / "hub", profile("sd15"))
    assert load_networks(profile("sd15", folder), CPU).caption_encoder is not None


def test_one_model_in_diffusers_layout_serves_as_the_base(models, tmp_path):
    write_cache(models / "repositories", tmp_path / "hub", profile("sd15"))
    (tmp_path / "hub" / f"models--{BASE.replace('/', '--')}").rename(tmp_path / "away")
    model = profile("sd15", models / "repositories" / BASE)
    assert missing_files(model) == () and model.unet.place == models / "repositories" / BASE


@pytest.mark.parametrize(
    ("inside", "layout", "downloads"),
    [
        ([], Layout.CACHE, ""),
        (["models--a--b"], Layout.CACHE, ""),
        (["hub/models--a--b"], Layout.CACHE, "hub"),
        (["models/checkpoints"], Layout.SHELVES, None),
        (["ComfyUI/models/loras"], Layout.SHELVES, None),
        (["Stable-diffusion"], Layout.SHELVES, None),
        (["owner/name"], Layout.REPOSITORIES, None),
    ],
)
def test_layouts_are_told_apart_and_downloads_go_where_a_cache_may_be(inside, layout, downloads, tmp_path):
    folder = tmp_path / "chosen"
    for name in inside:
        (folder / name).mkdir(parents=True)
    assert layout_of(folder) is layout
    assert download_place(folder) == (None if downloads is None else folder / downloads)


def test_the_bundled_model_stays_the_programs_own_whatever_folder_is_chosen(models):
    own = profile("bundled").folder
    assert profile("bundled", models / "repositories").folder == own
    assert profile("bundled", models / "repositories" / BASE).folder == own


def test_pickles_and_broken_files_on_the_shelves_are_named_with_the_reason(tmp_path):
    shelf = tmp_path / "models/checkpoints"
    shelf.mkdir(parents=True)
    (shelf / "old.ckpt").write_bytes(b"\x80\x02")
    (shelf / "page.safetensors").write_text("<!DOCTYPE html>")
    (shelf / "notes.txt").write_text("mine")
    problems = {file.path.name: file.problem for file in find_files(tmp_path)}
    assert set(problems) == {"old.ckpt", "page.safetensors"}
    assert "is a pickle" in problems["old.ckpt"] and "is a web page" in problems["page.safetensors"]


def test_links_that_lead_in_a_circle_end(tmp_path):
    shelf = tmp_path / "models/loras"
    shelf.mkdir(parents=True)
    (shelf / "again").symlink_to(tmp_path / "models", target_is_directory=True)
    assert find_files(tmp_path) == []
