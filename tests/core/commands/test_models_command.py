# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core models``: the models with their states, and the files that people choose from."""

from __future__ import annotations

import json

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file

from core.command_line import main
from core.job import PROFILES
from core.models.licences import licences_of
from core.models.model_files import model_files
from core.models.profiles import profile
from core.rehearsal.random_networks import networks_without_numbers

LORA = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def listed(capsys, *arguments):
    assert main(["models", "--json-events", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_profile_is_listed_with_what_it_needs(capsys):
    told = listed(capsys)
    states = {one["name"]: one for one in told["models"]}
    assert tuple(states) == PROFILES
    assert states["bundled"]["state"] == "ready" and states["bundled"]["bytes_missing"] == 0
    for name in ("sd15", "sdxl"):
        state = states[name]
        assert state["state"] == "missing" and state["bytes_missing"] == state["bytes"] > 10e9
        assert any(one["restricts_use"] for one in state["licences"])
        assert 5e9 < state["memory_bytes"] < 17e9


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_sizes_are_those_of_the_networks(name):
    """In half precision where the profile takes that variant; CLIP's file has both halves in full precision."""
    model, networks = profile(name), networks_without_numbers(profile(name))

    def count(module):
        return sum(value.numel() for value in module.parameters())

    adapter = sum(value.numel() for key, value in networks.unet.named_parameters() if "_ip." in key)
    encoders = (networks.image_encoder, networks.caption_encoder)
    wanted = {
        "unet": 2 * (count(networks.unet) - adapter),
        "vae": (2 if name == "sd15" else 4) * count(networks.vae),
        "text_encoder": 2 * count(networks.text_encoder),
        "image_encoder": 4 * count(networks.image_encoder),
        "caption_encoder": 4 * sum(map(count, encoders)),
        "ip_adapter": 2 * (adapter + count(networks.image_projection)),
    }
    if networks.second is not None:
        wanted["second_text_encoder"] = 2 * count(networks.second.encoder)
    for part, size in wanted.items():
        assert getattr(model, part).size == pytest.approx(size, rel=0.01), part
    for control, loaded in zip(model.control_nets, networks.control_nets, strict=True):
        assert control.source.size == pytest.approx(2 * count(loaded.model), rel=0.01)


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_every_repository_has_a_licence(name):
    files = model_files(profile(name))
    repositories = {file.repository for file in files if file.repository}
    assert set(licences_of(repositories)) == repositories


def test_files_on_shelves_are_listed_with_family_and_reason(tmp_path, capsys):
    for shelf in ("checkpoints", "loras"):
        (tmp_path / "ComfyUI/models" / shelf).mkdir(parents=True)
    lora = tmp_path / "ComfyUI/models/loras/ink.safetensors"
    save_file({f"{LORA}.lora_down.weight": torch.zeros(4, 2048), f"{LORA}.lora_up.weight": torch.zeros(640, 4)}, lora)
    (tmp_path / "ComfyUI/models/checkpoints/old.ckpt").write_bytes(b"pickle")
    told = listed(capsys, "--models", str(tmp_path / "ComfyUI"))
    files = {one["path"].rsplit("/", 1)[1]: one for one in told["files"]}
    assert (files["ink.safetensors"]["kind"], files["ink.safetensors"]["family"]) == ("LoRA", "sdxl")
    assert files["old.ckpt"]["problem"] and files["old.ckpt"]["family"] == ""
    main(["models", "--models", str(tmp_path / "ComfyUI")])
    said = capsys.readouterr().out
    assert "without it, 16.8 GB to download" in said and "LoRA, SDXL" in said and "is a pickle" in said
