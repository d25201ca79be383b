# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in the layout of a real model with random numbers, on which ordinary jobs run."""

import dataclasses
import json
import shutil

import pytest
import torch

from core.diffusion.conditioning import condition
from core.diffusion.networks import load_networks
from core.job import Job
from core.models.model_files import missing_files
from core.models.profiles import profile
from core.rehearsal.stand_in import write_stand_in
from tests.core.small_sd15 import write_small_sd15
from tests.core.small_sdxl import write_small_sdxl

SMALL = {"sd15": write_small_sd15, "sdxl": write_small_sdxl}
TOKENS = 49408
"""Of CLIP's vocabulary."""


@pytest.fixture(params=sorted(SMALL))
def small(request, tmp_path):
    """A profile for an empty folder whose networks are small: with the configurations of the tests' own files."""
    name = request.param
    SMALL[name](tmp_path / "published")
    published, configurations = profile(name, tmp_path / "published"), tmp_path / "configurations"
    sources = {
        "unet": published.unet,
        "vae": published.vae,
        "text_encoder": published.text_encoder,
        "text_encoder_2": published.second_text_encoder,
        "image_encoder": published.image_encoder,
        "caption_encoder": published.caption_encoder,
        "scheduler": published.scheduler,
        "feature_extractor": published.feature_extractor,
        **{f"controlnet_{'_'.join(control.kinds)}": control.source for control in published.control_nets},
    }
    for folder, source in sources.items():
        if source is not None:
            place = source.place or tmp_path / "published" / source.repository
            shutil.copytree(place / source.folder, configurations / folder, ignore=shutil.ignore_patterns("*.safe*"))
            path = configurations / folder / "config.json"
            if "text" in folder or "caption" in folder:
                settings = json.loads(path.read_text())
                (settings.get("text_config") or settings)["vocab_size"] = TOKENS
                path.write_text(json.dumps(settings))
    return dataclasses.replace(profile(name), configurations=configurations, folder=tmp_path / "written")


def test_files_are_those_that_the_model_reads_and_its_networks_are_sound(small, style_picture):
    assert missing_files(small)
    write_stand_in(small, small.folder, seed=0)
    assert missing_files(small) == ()
    half = load_networks(small, torch.device("cpu"), torch.float16)
    weights = half.unet.conv_in.weight
    assert weights.dtype == torch.float16 and float(weights.float().std()) > 0.0
    networks = load_networks(small, torch.device("cpu"))
    conditioning = condition(networks, Job("Chest", "a wooden chest", "s.png", content="a house"), style_picture)
    assert torch.isfinite(conditioning.style_tokens).all() and conditioning.content_cosine is not None
    latents = networks.encode(torch.rand(1, 3, 64, 64))
    assert torch.isfinite(latents).all() and float(latents.std()) > 0.0


def test_the_same_seed_gives_the_same_bytes(small, tmp_path):
    write_stand_in(small, small.folder, seed=1)
    again = tmp_path / "again"
    write_stand_in(small, again, seed=1)
    files = sorted(path.relative_to(small.folder) for path in small.folder.rglob("*") if path.is_file())
    assert len(files) > 10
    assert all((small.folder / file).read_bytes() == (again / file).read_bytes() for file in files)
