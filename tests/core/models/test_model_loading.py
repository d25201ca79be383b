# SPDX-License-Identifier: GPL-3.0-or-later
"""Stable Diffusion 1.5's own files load, from a folder or from the hub's cache, and what is missing is said."""

import socket
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.diffusion.conditioning import condition
from core.diffusion.guidance import interval_score_gradient
from core.diffusion.guidance_settings import GuidanceSettings
from core.diffusion.networks import load_networks
from core.diffusion.timesteps import Interval
from core.job import Job, JobError
from core.models.model_files import missing_files, model_files
from core.models.profiles import profile
from tests.core.small_sd15 import write_cache, write_small_sd15

CPU = torch.device("cpu")
BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
CLIP = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """All repositories under their own names."""
    place = tmp_path_factory.mktemp("models")
    write_small_sd15(place)
    return place


@pytest.fixture(scope="module")
def sd15(folder):
    """Loaded from the folder."""
    return load_networks(profile("sd15", folder), CPU)


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    """A folder like it, to take files out of; files are links, to be replaced and not to be written to."""
    for source in folder.rglob("*"):
        if source.is_file():
            place = tmp_path / "copy" / source.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
    return tmp_path / "copy"


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt to reach another computer fails."""

    def refuse(*arguments):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def cache(folder, tmp_path, monkeypatch, no_network) -> Path:
    """The same files as the hub's cache of this computer, which has no network."""
    write_cache(folder, tmp_path / "hub", profile("sd15"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def refused(model, device=CPU) -> JobError:
    with pytest.raises(JobError) as caught:
        load_networks(model, device)
    assert caught.value.code == "model_missing" and caught.value.hint
    return caught.value


def test_every_weight_is_that_of_its_file(sd15, folder):
    """The libraries leave weights that they do not find at random values, without a word."""
    read = {
        f"{BASE}/unet/diffusion_pytorch_model.fp16": (sd15.unet, ""),
        f"{BASE}/text_encoder/model.fp16": (sd15.text_encoder, "text_model."),
        "h94/IP-Adapter/models/image_encoder/model": (sd15.image_encoder, ""),
        f"{CLIP}/model": (sd15.caption_encoder, ""),
        "lllyasviel/control_v11p_sd15_normalbae/diffusion_pytorch_model.fp16": (sd15.control_nets[0].model, ""),
        "lllyasviel/control_v11f1p_sd15_depth/diffusion_pytorch_model.fp16": (sd15.control_nets[1].model, ""),
    }
    for name, (network, prefix) in read.items():
        stored = load_file(folder / f"{name}.safetensors")
        for key, value in network.state_dict().items():
            if "_ip." not in key:
                assert torch.equal(value, stored[prefix + key].float()), (name, key)
    vae = load_file(folder / f"{BASE}/vae/diffusion_pytorch_model.fp16.safetensors")
    attention = sd15.vae.encoder.mid_block.attentions[0]
    assert torch.equal(attention.to_k.weight, vae["encoder.mid_block.attentions.0.key.weight"].float())
    assert torch.equal(attention.to_out[0].bias, vae["encoder.mid_block.attentions.0.proj_attn.bias"].float())


def test_the_ip_adapter_reaches_its_attentions_and_styles_13_of_16(sd15, folder):
    stored = load_file(folder / "h94/IP-Adapter/models/ip-adapter_sd15.safetensors")
    cross = {name: each for name, each in sd15.unet.attn_processors.items() if "attn2" in name}
    assert len(cross) == 16
    for number, each in zip(range(1, 32, 2), cross.values(), strict=True):
        assert torch.equal(each.to_k_ip[0].weight, stored[f"ip_adapter.{number}.to_k_ip.weight"].float())
        assert torch.equal(each.to_v_ip[0].weight, stored[f"ip_adapter.{number}.to_v_ip.weight"].float())
    projection = sd15.image_projection
    assert torch.equal(projection.image_embeds.weight, stored["image_proj.proj.weight"].float())
    assert torch.equal(projection.norm.bias, stored["image_proj.norm.bias"].float())
    unstyled = {name.split(".transformer")[0] for name, each in cross.items() if each.scale == [0.0]}
    assert unstyled == {
        "down_blocks.0.attentions.0",
        "down_blocks.0.attentions.1",
        "down_blocks.1.attentions.1",
    }
    assert sum(each.scale == [1.0] for each in cross.values()) == 13


def test_what_the_old_configurations_leave_out_is_as_published(sd15):
    assert sd15.prediction_type == "epsilon"
    assert sd15.vae.config.scaling_factor == 0.18215
    assert float(sd15.alphas_cumprod[0]) == pytest.approx(1 - 0.00085)
    assert float(sd15.alphas_cumprod[-1]) == pytest.approx(0.0047, abs=1e-4)
    assert all(control.reads_text for control in sd15.control_nets)
    assert [control.profile.kinds for control in sd15.control_nets] == [("normal",), ("depth",)]
    assert sd15.tokenizer.model_max_length == sd15.caption_tokenizer.model_max_length == 77


def test_everything_computes_in_full_precision_unless_told_otherwise(sd15):
    networks = (sd15.unet, sd15.vae, sd15.text_encoder, sd15.image_encoder, sd15.caption_encoder)
    parameters = [each for network in networks for each in network.parameters()]
    assert sd15.dtype == torch.float32
    assert {each.dtype for each in parameters} == {torch.float32}
    assert not any(each.requires_grad for each in parameters)


def test_all_networks_compute_in_the_precision_that_was_chosen(folder):
    networks = load_networks(profile("sd15", folder), CPU, torch.float16)
    assert networks.dtype == torch.float16
    assert {each.dtype for module in networks.modules().values() for each in module.parameters()} == {torch.float16}


def test_a_caption_is_embedded_at_its_end_token(sd15):
    """The published text encoder names a wrong end token; words after the end must not matter."""
    tokens = sd15.caption_tokenizer("a face", padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.no_grad():
        short = sd15.caption_encoder(tokens[:, :4]).text_embeds
        padded = sd15.caption_encoder(tokens).text_embeds
    assert int(tokens[0, 3]) == sd15.caption_tokenizer.eos_token_id
    torch.testing.assert_close(padded, short, rtol=1e-4, atol=1e-5)


def test_one_gradient_of_a_whole_job_is_finite(sd15, style_picture):
    job = Job("chest", "a wooden chest", "style.png", content="a face", profile="sd15")
    embeddings = condition(sd15, job, style_picture).rows(["front view"])
    generator = torch.Generator().manual_seed(0)
    view = torch.rand(1, 3, 64, 64, generator=generator)
    with torch.no_grad():
        latents = sd15.encode(view)
    images = {"normal": view, "depth": view}
    settings = GuidanceSettings(text_scale=7.5, style_scale=7.5)
    noise = torch.randn(latents.shape, generator=generator)
    gradient = interval_score_gradient(
        sd15, latents, noise, Interval(400, 75), embeddings, images, (0.6, 0.6), settings
    )
    assert gradient.shape == latents.shape == (1, 4, 8, 8)
    assert torch.isfinite(gradient).all() and gradient.abs().max() > 0


def test_the_cache_of_the_hub_serves_as_well_without_network(cache, sd15):
    networks = load_networks(profile("sd15"), CPU)
    assert torch.equal(networks.unet.conv_in.weight, sd15.unet.conv_in.weight)
    assert torch.equal(networks.caption_encoder.text_projection.weight, sd15.caption_encoder.text_projection.weight)


def test_another_revision_in_the_cache_does_not_serve(cache):
    snapshots = cache / f"models--{CLIP.replace('/', '--')}" / "snapshots"
    (revision,) = snapshots.iterdir()
    revision.rename(snapshots / ("0" * 40))
    assert {file.repository for file in missing_files(profile("sd15"))} == {CLIP}


def test_each_file_that_is_taken_away_is_named(copy):
    model = profile("sd15", copy)
    for file in model_files(model):
        place = copy / file.repository / file.path
        elsewhere = place.rename(copy / "elsewhere")
        error = refused(model)
        assert f"1 of 23 files of sd15: {file.repository}/{file.path}" in error.message
        assert str(copy) in error.message
        assert error.detail.splitlines() == [f"{file.repository}/{file.path} (revision {file.revision})"]
        elsewhere.rename(place)
    assert missing_files(model) == ()


def test_a_file_missing_in_the_cache_is_named_with_the_command_that_fetches_it(cache):
    (file,) = [each for each in model_files(profile("sd15")) if "depth/diffusion" in str(each)]
    (cache / "models--lllyasviel--control_v11f1p_sd15_depth/snapshots" / file.revision / file.path).unlink()
    error = refused(profile("sd15"))
    assert f": {file.repository}/{file.path}" in error.message and "1 of 23" in error.message
    assert "python -m core download --profile sd15" in error.hint


def test_an_empty_cache_names_one_file_and_lists_all(tmp_path, monkeypatch, no_network):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    error = refused(profile("sd15"))
    assert "23 of 23" in error.message and "and 22 more" in error.message
    assert len(error.detail.splitlines()) == 23


def test_full_precision_weights_serve_in_place_of_half_ones(copy, sd15):
    half = copy / BASE / "unet/diffusion_pytorch_model.fp16.safetensors"
    save_file(
        {key: value.float() for key, value in load_file(half).items()},
        half.with_name("diffusion_pytorch_model.safetensors"),
    )
    half.unlink()
    networks = load_networks(profile("sd15", copy), CPU)
    assert torch.equal(networks.unet.conv_in.weight, sd15.unet.conv_in.weight)


def test_a_repository_with_pickles_only_is_refused(copy):
    unet = copy / BASE / "unet/diffusion_pytorch_model.fp16.safetensors"
    torch.save(load_file(unet), unet.with_suffix(".bin"))
    unet.unlink()
    error = refused(profile("sd15", copy))
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in error.message
    assert "unet/diffusion_pytorch_model.fp16.bin" in error.hint and "pickle" in error.hint


def test_weights_that_a_file_lacks_are_not_made_up(copy):
    path = copy / BASE / "unet/diffusion_pytorch_model.fp16.safetensors"
    state = load_file(path)
    del state["conv_out.weight"]
    path.unlink()
    save_file(state, path)
    error = refused(profile("sd15", copy))
    assert f"{BASE}/unet" in error.message and "conv_out.weight" in error.detail


@pytest.mark.parametrize(
    "name",
    [
        f"{BASE}/unet/config.json",
        f"{BASE}/unet/diffusion_pytorch_model.fp16.safetensors",
        "h94/IP-Adapter/models/ip-adapter_sd15.safetensors",
    ],
)
def test_a_damaged_file_is_refused(copy, name):
    content = (copy / name).read_bytes()
    (copy / name).unlink()
    (copy / name).write_bytes(content[: len(content) // 2])
    error = refused(profile("sd15", copy))
    assert str(Path(name).parent.as_posix()) in error.message
