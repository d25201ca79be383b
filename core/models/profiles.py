# SPDX-License-Identifier: GPL-3.0-or-later
"""Model profiles: one typed description of each diffusion model that can judge the renders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ..job import PROFILES, JobError
from .checksums import require_sound

BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
"""Where the model that comes with the program lies."""
_BYTES_A_WEIGHT = 2
"""Of the bundled model's files, which are in half precision."""
_BUNDLED_ACTIVATIONS_PER_PIXEL = 1_220
"""See ``ModelProfile.activations_per_view``; measured."""

StyleLayers: TypeAlias = float | Mapping[str, Any]
"""Weight of the style in every cross-attention, or the per-block dict of diffusers' ``set_ip_adapter_scale``; what it
does not name is at 0."""


@dataclass(frozen=True)
class NetworkSource:
    """Where the files of one network are."""

    folder: str
    """Folder inside the repository; empty for its root."""
    repository: str = ""
    """Hub id ("owner/name"), or empty when the profile's own folder is the repository."""
    revision: str = ""
    """Commit of the repository that the profile was made for."""


@dataclass(frozen=True)
class ControlNetProfile:
    """One ControlNet and how strongly it speaks."""

    kind: str
    """What it sees: "normal" or "depth"."""
    source: NetworkSource
    """Its files."""
    scale: float = 0.6
    """Weight of its residuals at first."""
    late_scale: float = 0.2
    """Weight of its residuals after the first 28 % of the steps (step 700 of 2,500 in the paper)."""


@dataclass(frozen=True)
class ModelProfile:
    """A diffusion model with everything that is particular to it."""

    name: str
    """One of ``core.job.PROFILES``."""
    unet: NetworkSource
    """``UNet2DConditionModel``."""
    vae: NetworkSource
    """``AutoencoderKL``; its factor and its scaling come from its configuration."""
    text_encoder: NetworkSource
    """``CLIPTextModel`` of the prompts."""
    tokenizer: NetworkSource
    """``CLIPTokenizer`` of the prompts."""
    scheduler: NetworkSource
    """Noise schedule and prediction type."""
    image_encoder: NetworkSource
    """``CLIPVisionModelWithProjection`` of the style image."""
    feature_extractor: NetworkSource
    """``CLIPImageProcessor`` of the style image."""
    caption_encoder: NetworkSource
    """``CLIPTextModelWithProjection`` in the image encoder's joint space, for ODCR."""
    caption_tokenizer: NetworkSource
    """``CLIPTokenizer`` of the content caption."""
    ip_adapter: NetworkSource
    """Folder of the IP-Adapter weights."""
    ip_adapter_file: str
    """Name of the IP-Adapter file (safetensors)."""
    control_nets: tuple[ControlNetProfile, ...]
    """The ControlNets, in the order in which their residuals are added."""
    style_layers: StyleLayers
    """Where style is injected."""
    resolution: int
    """Side of the square images that the model was trained on, in pixels."""
    text_guidance: float
    """``c_text``: how strongly prompt minus content caption pulls."""
    style_guidance: float
    """``c_style``: how strongly the style image pulls."""
    statistics_weight: float
    """Weight of the style-statistics term; 0 leaves it out."""
    parameters: int
    """Numbers in all its networks together."""
    activations_per_view: int
    """Numbers besides that a step holds at its peak for each view: most are the VAE's, kept for its backward pass."""
    background: str
    """Behind the object: "white", or "grey" for a random grey in each view."""
    negative_prompt: str = ""
    """Text of the unconditional prediction."""
    view_words: bool = True
    """Whether "front view", "side view" … is added to the prompt."""
    folder: Path | None = None
    """Local folder with the repositories (``folder / repository / …``); ``None`` uses the hub's cache."""
    weights_variant: Mapping[str, str] = field(default_factory=dict)
    """Variant of the weights by repository ("fp16": half the bytes); plain weights that are there serve as well."""

    def peak_values(self, views: int) -> int:
        """Numbers that its networks hold at the peak of a step with ``views`` views, parameters included."""
        return self.parameters + views * self.activations_per_view


_SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_SD15_REVISION = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
_IP_ADAPTER = "h94/IP-Adapter"
_IP_ADAPTER_REVISION = "018e402774aeeddd60609b4ecdb7e298259dc729"
_CLIP_H = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
_CLIP_H_REVISION = "1c2b8495b28150b8a4922ee1c8edee224c284c0c"
_NORMAL = "lllyasviel/control_v11p_sd15_normalbae"
_NORMAL_REVISION = "cb7296e6587a219068e9d65864e38729cd862aa8"
_DEPTH = "lllyasviel/control_v11f1p_sd15_depth"
_DEPTH_REVISION = "539f99181d33db39cf1af2e517cd8056785f0a87"


def profile(name: str, folder: Path | None = None) -> ModelProfile:
    """The profile called ``name``.

    Args:
        name: one of ``core.job.PROFILES``.
        folder: take the model's files from here; ``None`` takes the bundled folder or the hub's cache.

    Raises:
        JobError: ``bad_setting`` when there is no such profile; ``model_missing`` when its files are damaged.
    """
    if name == "bundled":
        return _bundled(folder or BUNDLED_FOLDER)
    if name == "sd15":
        return _sd15(folder)
    raise JobError("bad_setting", f"The model is {name!r}; it must be one of {', '.join(PROFILES)}")


def _bundled(folder: Path) -> ModelProfile:
    # What depends on the networks' shapes is read from their files. Where those are missing the networks are not
    # loaded either, so that it does not matter what stands here then.
    hint = "Install the add-on again." if folder == BUNDLED_FOLDER else "Put the model's files into its folder again."
    require_sound(folder, ("unet/config.json", "vae/config.json"), hint)
    try:
        unet, vae = _configuration(folder / "unet"), _configuration(folder / "vae")
        resolution, style_layers = int(vae.get("sample_size", 64)), _every_cross_attention(unet)
        weights = sum(map(_tensor_bytes, folder.glob("*/*.safetensors")))
    except Exception as error:
        # Whatever one stumbles over in JSON that means something else than it should.
        raise JobError("model_missing", f"The model's files in {folder} are damaged", hint, repr(error)) from error
    return ModelProfile(
        name="bundled",
        unet=NetworkSource("unet"),
        vae=NetworkSource("vae"),
        text_encoder=NetworkSource("text_encoder"),
        tokenizer=NetworkSource("tokenizer"),
        scheduler=NetworkSource("scheduler"),
        image_encoder=NetworkSource("image_encoder"),
        feature_extractor=NetworkSource("feature_extractor"),
        caption_encoder=NetworkSource("caption_encoder"),
        caption_tokenizer=NetworkSource("caption_tokenizer"),
        ip_adapter=NetworkSource("ip_adapter"),
        ip_adapter_file="ip-adapter.safetensors",
        control_nets=(
            ControlNetProfile("normal", NetworkSource("controlnet_normal"), 1.0, 1.0),
            ControlNetProfile("depth", NetworkSource("controlnet_depth"), 1.0, 1.0),
        ),
        style_layers=style_layers,
        resolution=resolution,
        text_guidance=0.5,
        style_guidance=3.0,
        statistics_weight=3.0,
        parameters=weights // _BYTES_A_WEIGHT,
        activations_per_view=resolution**2 * _BUNDLED_ACTIVATIONS_PER_PIXEL,
        background="grey",
        folder=folder,
    )


def _configuration(folder: Path) -> dict[str, Any]:
    """The configuration of one network; nothing where it is missing."""
    try:
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(values, dict):
        raise ValueError(f"{folder / 'config.json'} is not an object")
    return values


def _tensor_bytes(file: Path) -> int:
    """Bytes of a safetensors file after its header, whose length stands in the first eight."""
    with file.open("rb") as opened:
        return file.stat().st_size - 8 - int.from_bytes(opened.read(8), "little")


def _every_cross_attention(unet: Mapping[str, Any]) -> StyleLayers:
    """Full weight in all blocks with cross-attention of a UNet with configuration ``unet``."""
    layers: dict[str, Any] = {"mid": 1.0}
    for part in ("down", "up"):
        kinds = unet.get(f"{part}_block_types", ())
        layers[part] = {f"block_{number}": 1.0 for number, kind in enumerate(kinds) if kind.startswith("CrossAttn")}
    return layers


def _sd15(folder: Path | None) -> ModelProfile:
    base = {"repository": _SD15, "revision": _SD15_REVISION}
    return ModelProfile(
        name="sd15",
        unet=NetworkSource("unet", **base),
        vae=NetworkSource("vae", **base),
        text_encoder=NetworkSource("text_encoder", **base),
        tokenizer=NetworkSource("tokenizer", **base),
        scheduler=NetworkSource("scheduler", **base),
        image_encoder=NetworkSource("models/image_encoder", _IP_ADAPTER, _IP_ADAPTER_REVISION),
        feature_extractor=NetworkSource("feature_extractor", **base),
        caption_encoder=NetworkSource("", _CLIP_H, _CLIP_H_REVISION),
        caption_tokenizer=NetworkSource("", _CLIP_H, _CLIP_H_REVISION),
        ip_adapter=NetworkSource("models", _IP_ADAPTER, _IP_ADAPTER_REVISION),
        ip_adapter_file="ip-adapter_sd15.safetensors",
        control_nets=(
            ControlNetProfile("normal", NetworkSource("", _NORMAL, _NORMAL_REVISION)),
            ControlNetProfile("depth", NetworkSource("", _DEPTH, _DEPTH_REVISION)),
        ),
        style_layers={
            "down": {"block_1": [1.0, 0.0], "block_2": [1.0, 1.0]},
            "mid": 1.0,
            "up": {"block_1": 1.0, "block_2": 1.0, "block_3": 1.0},
        },
        resolution=512,
        text_guidance=7.5,
        style_guidance=7.5,
        statistics_weight=0.0,
        parameters=2_797_000_000,
        activations_per_view=964_000_000,
        background="white",
        folder=folder,
        weights_variant={_SD15: "fp16", _NORMAL: "fp16", _DEPTH: "fp16"},
    )
