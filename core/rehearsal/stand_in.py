# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of a profile's real sizes with seeded random numbers, as files in the layout of the real ones.

With them an ordinary job runs whole, from files to texture: what it takes in time and memory and whether its numbers
are finite is real, and the texture is none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import torch
from safetensors.torch import save_file
from torch import nn

from ..models.model_files import CONFIG_FILE, FEATURE_EXTRACTOR_FILE, SCHEDULER_FILE, model_files
from ..models.profiles import ModelProfile, NetworkSource
from ..training.architecture import fresh_ip_adapter
from ..training.captions import VOCABULARY
from ..training.vocabulary import write_tokenizer
from .architectures import Architecture, architecture
from .random_networks import fill, fill_one, random_numbers


@torch.no_grad()
def write_stand_in(profile: ModelProfile, folder: Path, seed: int) -> None:
    """Write every file that ``profile`` reads into ``folder``, weights in half precision.

    Tokens are those of the bundled model, and of the caption encoder there is the text half alone.
    """
    numbers = random_numbers(seed)
    with torch.device("meta"):
        parts = architecture(profile)
    for source, configuration, network in _networks(profile, parts):
        place = _place(folder, source)
        shutil.copyfile(profile.configurations / configuration / CONFIG_FILE, place / CONFIG_FILE)
        network.half().to_empty(device="cpu")
        fill(network, numbers)
        save_file(network.state_dict(), _place(folder, source) / _weights_name(profile, source))
        network.to("meta")
    with torch.device("meta"):
        adapter = fresh_ip_adapter(parts.unet, parts.image_encoder.config.projection_dim)
    weights = {name: torch.empty(value.shape, dtype=torch.float16) for name, value in adapter.items()}
    for name, values in weights.items():
        fill_one(name, values, numbers)
    save_file(weights, _place(folder, profile.ip_adapter) / profile.ip_adapter_file)
    for source in (profile.tokenizer, profile.second_tokenizer, profile.caption_tokenizer):
        if source is not None:
            _write_tokenizer(_place(folder, source), parts.text_encoder.config.max_position_embeddings)
    for source, name, file in (
        (profile.scheduler, "scheduler", SCHEDULER_FILE),
        (profile.feature_extractor, "feature_extractor", FEATURE_EXTRACTOR_FILE),
    ):
        if source.place is None:  # Else it comes with the program.
            shutil.copyfile(profile.configurations / name / file, _place(folder, source) / file)


def _place(folder: Path, source: NetworkSource) -> Path:
    """The folder of ``source``, which is there then."""
    place = folder / source.repository / source.folder
    place.mkdir(parents=True, exist_ok=True)
    return place


def _networks(profile: ModelProfile, parts: Architecture) -> Iterator[tuple[NetworkSource, str, nn.Module]]:
    """Each network, where its files go, and the folder of its configuration."""
    yield profile.unet, "unet", parts.unet
    yield profile.vae, "vae", parts.vae
    yield profile.text_encoder, "text_encoder", parts.text_encoder
    yield profile.image_encoder, "image_encoder", parts.image_encoder
    yield profile.caption_encoder, "caption_encoder", parts.caption_encoder
    if profile.second_text_encoder is not None and parts.second_text_encoder is not None:
        yield profile.second_text_encoder, "text_encoder_2", parts.second_text_encoder
    for control, network in zip(profile.control_nets, parts.control_nets, strict=True):
        yield control.source, f"controlnet_{'_'.join(control.kinds)}", network


def _weights_name(profile: ModelProfile, source: NetworkSource) -> str:
    """What the file with the weights of ``source`` is called."""
    here = [PurePosixPath(file.path) for file in model_files(profile) if file.repository == source.repository]
    inside = [path for path in here if path.parent == PurePosixPath(source.folder)]
    (weights,) = (path.name for path in inside if path.suffix == ".safetensors")
    return weights


def _write_tokenizer(folder: Path, length: int) -> None:
    write_tokenizer(VOCABULARY, folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8")) | {"model_max_length": length}
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")
