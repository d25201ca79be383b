# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a folder of models, or with a file in it, is named in place of a list of what is to be fetched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import save_file

from core.command_line import main
from core.job import EXIT_STATUS, JobError
from core.models.model_files import require_files
from core.models.own_weights import OwnWeights, family_of, family_of_lora
from core.models.places.layouts import Layout, layout_of
from core.models.profiles import profile
from tests.core.small_sd15 import write_small_sd15

PAGE = "<!DOCTYPE html><title>Sign in</title>"
STYLE = "core/samples/poppies.jpg"
TEXT_KEY = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
BASE = "v1-5-pruned-emaonly.safetensors"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def lacks(name: str, folder: Path) -> str:
    with pytest.raises(JobError) as caught:
        require_files(profile(name, folder))
    assert caught.value.code == "model_missing" and caught.value.hint and "\n" not in caught.value.message
    return caught.value.message


def listed(folder: Path, capsys) -> dict[str, dict[str, str]]:
    assert main(["models", "--json-events", "--models", str(folder)]) == 0
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)["models"]}


def put(path: Path, text: str = PAGE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"in_channels": ', "it is no JSON from line 1, column"),
        (PAGE, "it is a web page"),
        ("", "it is empty"),
        ("version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS"),
        ("[]", "it is JSON, but no object"),
    ],
)
def test_a_damaged_configuration_is_named_with_the_reason(text, why, tmp_path, capsys):
    config = put(tmp_path / "mine/unet/config.json", text)
    for name in ("sd15", "sdxl"):
        assert f"{config} is damaged: {why}" in lacks(name, tmp_path / "mine")
    assert f"{config} is damaged: {why}" in listed(tmp_path / "mine", capsys)["sd15"]["problem"]


@pytest.mark.parametrize("shelf", ["models/checkpoints", "models/Stable-diffusion", "."])
def test_a_checkpoint_that_cannot_be_read_is_named_where_it_may_be_the_base(shelf, tmp_path, capsys):
    page = put(tmp_path / "tool" / shelf / BASE)
    said = lacks("sd15", tmp_path / "tool")
    assert said.startswith(f"The file {page} is a web page") and "23 of 23" in said
    assert BASE not in lacks("sdxl", tmp_path / "tool"), "it is called otherwise"
    state = listed(tmp_path / "tool", capsys)["sd15"]
    assert state["state"] == "missing" and str(page) in state["problem"]
    assert main(["models", "--models", str(tmp_path / "tool")]) == 0
    assert f"Stable Diffusion 1.5: The file {page} is a web page" in capsys.readouterr().out


def test_of_several_the_damaged_one_comes_before_pickles_and_loras_are_left_out(tmp_path):
    put(tmp_path / "models/checkpoints/a.ckpt", "pickle")
    page = put(tmp_path / "models/checkpoints/z.safetensors")
    put(tmp_path / "models/loras/ink.safetensors")
    assert f"The file {page} is a web page, not the file itself (1 more such files)" in lacks("sd15", tmp_path)
    page.unlink()
    assert "a.ckpt is a pickle" in lacks("sd15", tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_that_leads_nowhere_is_said_to_be_one(tmp_path):
    (tmp_path / "models/checkpoints").mkdir(parents=True)
    (tmp_path / "models/checkpoints" / BASE).symlink_to("/moved/away")
    assert f"{BASE} is a link to /moved/away, which is not there" in lacks("sd15", tmp_path)


def test_a_model_folder_of_another_family_is_named(tmp_path):
    put(tmp_path / "mine/unet/config.json", '{"cross_attention_dim": 2048}')
    assert f"The model folder {tmp_path / 'mine'} is for sdxl, not for sd15" in lacks("sd15", tmp_path / "mine")
    put(tmp_path / "mine/unet/config.json", '{"cross_attention_dim": 1024}')
    assert "of no family that is supported, but of Stable Diffusion 2" in lacks("sd15", tmp_path / "mine")


def test_a_pipeline_without_a_unet_is_said_to_be_none_that_is_read(tmp_path):
    put(tmp_path / "flux/model_index.json", "{}")
    assert layout_of(tmp_path / "flux") is Layout.MODEL
    assert f"{tmp_path / 'flux'} has no folder unet" in lacks("sd15", tmp_path / "flux")


def test_a_damaged_file_among_repositories_makes_the_model_wrong_and_not_ready(tmp_path, capsys):
    write_small_sd15(tmp_path / "mine")
    assert listed(tmp_path / "mine", capsys)["sd15"]["state"] == "ready"
    config = put(tmp_path / "mine/stable-diffusion-v1-5/stable-diffusion-v1-5/vae/config.json")
    state = listed(tmp_path / "mine", capsys)["sd15"]
    assert state["state"] == "wrong" and f"{config} is damaged: it is a web page" in state["problem"]


@pytest.mark.parametrize(
    "command",
    [
        ("models",),
        ("suggest", "--style", STYLE),
        ("suggest", "--style", STYLE, "--profile", "sd15"),
        ("batch", "core/samples", "--output", "never"),
        ("evaluate", "--output", "never"),
        ("stylize", "README.md", "--style", STYLE, "--prompt", "a", "--output", "never"),
    ],
    ids=lambda command: " ".join(command[:1] + command[3:]),
)
@pytest.mark.parametrize("folder", ["nowhere", "file"])
def test_every_command_says_that_the_folder_is_none(command, folder, tmp_path, capsys):
    put(tmp_path / "file")
    assert main([*command, "--models", str(tmp_path / folder)]) == EXIT_STATUS["model_missing"]
    said = capsys.readouterr().err.splitlines()
    why = (
        f"There is no folder of models {tmp_path / folder}" if folder == "nowhere" else "no folder of models but a file"
    )
    assert why in said[0] and len(said) == 2


def test_a_download_makes_a_folder_but_not_of_a_file(tmp_path, capsys):
    file = put(tmp_path / "file")
    assert main(["download", "--models", str(file)]) == EXIT_STATUS["model_missing"]
    assert "no folder of models but a file" in capsys.readouterr().err


def test_in_blender_the_folder_is_said_to_be_missing_and_the_bundled_model_goes_on(tmp_path, capsys):
    states = listed(tmp_path / "nowhere", capsys)
    assert states["bundled"]["state"] == "ready" and states["sd15"]["state"] == "missing"
    assert states["sd15"]["problem"] == f"There is no folder of models {tmp_path / 'nowhere'}"
    assert "There is no folder of models" in lacks("sd15", tmp_path / "nowhere")


def test_a_folder_with_nothing_to_use_is_said_to_be_one(tmp_path, capsys):
    put(tmp_path / "mine/notes/today.txt")
    assert main(["models", "--models", str(tmp_path / "mine")]) == 0
    assert f"There is no model of a kind that is read in {tmp_path / 'mine'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (None, "is not there"),
        ([], "has no folder unet, so it is no Stable Diffusion in diffusers' layout; it is empty"),
        (["base.safetensors"], "in diffusers' layout; it has base.safetensors"),
        (["vae/config.json"], "has no folder unet"),
        (["unet/weights.safetensors"], "lacks unet/config.json"),
    ],
)
def test_what_a_model_lacks_is_said_before_its_family(inside, words, tmp_path):
    model = tmp_path / "model"
    if inside is not None:
        model.mkdir()
    for name in inside or ():
        put(model / name)
    with pytest.raises(JobError) as caught:
        family_of(model)
    assert str(model) in caught.value.message and words in caught.value.message and caught.value.hint


def test_a_folder_beside_the_right_one_is_told_from_it(tmp_path):
    config = put(tmp_path / "mine/unet/config.json", '{"cross_attention_dim": 768}')
    put(tmp_path / "mine/vae/config.json", "{}")
    with pytest.raises(JobError) as caught:
        family_of(config.parent)
    assert f"Name {tmp_path / 'mine'}, which it is in" in caught.value.hint
    with pytest.raises(JobError, match="is a file of JSON, not of weights"):
        family_of(config)
    with pytest.raises(JobError, match=r"has no config\.json") as caught:
        profile("sd15", None, OwnWeights(vae=tmp_path / "mine"))
    assert f"Name {tmp_path / 'mine/vae'}" in caught.value.hint


def weights(path: Path, *names: str, width: int = 768) -> Path:
    save_file({name: torch.zeros(8, width) for name in names}, path)
    return path


def test_the_bundled_model_names_the_family_of_the_file_or_what_is_wrong_with_it(tmp_path):
    whole = weights(tmp_path / "mine.safetensors", f"model.diffusion_model.{TEXT_KEY}")
    with pytest.raises(JobError, match="takes no checkpoints") as caught:
        profile("bundled", None, OwnWeights(model=whole))
    assert f"and {whole} is for sd15" in caught.value.message and "--profile sd15" in caught.value.hint
    page = put(tmp_path / "page.safetensors")
    with pytest.raises(JobError, match="is a web page") as caught:
        profile("bundled", None, OwnWeights(model=page))
    assert caught.value.code == "model_missing"
    with pytest.raises(JobError, match=r"nowhere\.safetensors is not there"):
        profile("bundled", None, OwnWeights(vae=tmp_path / "nowhere.safetensors"))


def test_a_lora_of_text_encoders_alone_says_that_it_says_nothing(tmp_path):
    lora = weights(tmp_path / "ink.safetensors", "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight")
    with pytest.raises(JobError, match="does not say which family it is for") as caught:
        family_of_lora(lora)
    assert "--profile sd15 or sdxl" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("emb_params", "no checkpoint but a textual inversion (an embedding)"),
        ("image_proj.norm.weight", "no checkpoint but an IP-Adapter"),
        ("control_model.a", "no checkpoint but a ControlNet"),
        ("decoder.conv_in.weight", "no checkpoint but a VAE"),
        ("text_model.a", "no checkpoint but a CLIP encoder"),
        ("down_blocks.0", "no checkpoint but a UNet alone"),
        ("whatever", "no checkpoint but something else"),
        ("unet.a.lora_A.weight", "no checkpoint but a LoRA"),
    ],
)
def test_every_kind_has_its_article(name, called, tmp_path):
    with pytest.raises(JobError) as caught:
        family_of(weights(tmp_path / "a.safetensors", name))
    assert caught.value.message.endswith(called)
