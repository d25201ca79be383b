# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is wrong with a model's files is one line that names the file and the reason, before a texture begins."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.diffusion.networks import load_networks
from core.job import JobError
from core.models.profiles import profile
from tests.core.small_sd15 import write_cache, write_small_sd15

CPU = torch.device("cpu")
BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
UNET = f"{BASE}/unet/diffusion_pytorch_model.fp16.safetensors"


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("models")
    write_small_sd15(place)
    return place


def _bit_flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _other_architecture(path: Path) -> None:
    save_file({name: value[..., :1].contiguous() for name, value in load_file(path).items()}, path)


def _pickle(path: Path) -> None:
    torch.save(load_file(path), path)


def _pickle_beside(path: Path) -> None:
    torch.save(load_file(path), path.with_suffix(".bin"))
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _other_family(path: Path) -> None:
    config = path.with_name("config.json")
    config.write_text(json.dumps(json.loads(config.read_text()) | {"cross_attention_dim": 48}))


def _broken_json(path: Path) -> None:
    path.with_name("config.json").write_text('{"in_channels": ')


DEFECTS = {
    "missing": Path.unlink,
    "truncated": _truncated,
    "bit flipped": _bit_flipped,
    "other architecture": _other_architecture,
    "pickle under its name": _pickle,
    "pickle beside": _pickle_beside,
    "web page": lambda path: path.write_text("<!DOCTYPE html><title>Sign in</title>"),
    "pointer of Git LFS": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    "empty": lambda path: path.write_bytes(b""),
    "folder": _folder,
    "broken JSON": _broken_json,
    "other family": _other_family,
}
REASONS = {
    "missing": "lacks 1 of",
    "truncated": "is cut off",
    "pickle under its name": "is a pickle under another name",
    "pickle beside": "lacks 1 of",
    "web page": "is a web page",
    "pointer of Git LFS": "is a pointer of Git LFS",
    "empty": "is empty",
    "folder": "lacks 1 of",
}
"""What the line says, where the files are somebody's own."""
UNNOTICED = {"folder": {"bit flipped"}, "cache": set()}
"""Nobody knows what the weights in a folder should be; those of a download are compared with their digests."""


@pytest.mark.parametrize("place", ["folder", "cache"])
@pytest.mark.parametrize("defect", DEFECTS)
def test_it_is_one_line(defect, place, models, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    if place == "folder":
        shutil.copytree(models, tmp_path / "mine")
        spoilt = tmp_path / "mine" / UNET
        model = profile("sd15", tmp_path / "mine")
    else:
        write_cache(models, tmp_path / "hub", profile("sd15"))
        (spoilt,) = (tmp_path / "hub").glob(f"models--*/snapshots/*/{UNET.removeprefix(BASE + '/')}")
        model = profile("sd15")
        for link in spoilt.parent.iterdir():
            # Of its own: blobs of one content are shared.
            blob = link.resolve()
            if defect in ("missing", "pickle beside", "folder"):
                content = blob.read_bytes()
                link.unlink()
                link.write_bytes(content)
    DEFECTS[defect](spoilt)
    if defect in UNNOTICED[place]:
        assert load_networks(model, CPU) is not None
        return
    with pytest.raises(JobError) as caught:
        load_networks(model, CPU)
    error = caught.value
    assert error.code == "model_missing" and error.hint
    assert "\n" not in error.message + error.hint and len(error.message) < 400
    assert place == "cache" or REASONS.get(defect, "") in error.message
    assert "unet" in error.message or str(spoilt.resolve()) in error.message
