# SPDX-License-Identifier: GPL-3.0-or-later
"""What describes a family of diffusion models; each of ``families`` is one such description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from .taught_words import TaughtWords

StyleLayers: TypeAlias = float | Mapping[str, Any]
"""Weight of the style in every cross-attention, or the per-block dict of diffusers' ``set_ip_adapter_scale``; what it
does not name is at 0."""

CONFIGURATIONS = Path(__file__).parent / "configurations"
"""The configurations of the families' networks, in folders of diffusers' layout."""


@dataclass(frozen=True)
class NetworkSource:
    """Where the files of one network are."""

    folder: str
    """Folder inside the repository; empty for its root."""
    repository: str = ""
    """Hub id ("owner/name"), or empty when the profile's own folder is the repository."""
    revision: str = ""
    """Commit of the repository that the profile was made for."""
    place: Path | None = None
    """A folder on this computer that is the repository, whatever the profile's folder is; ``None`` for the rule."""
    file: Path | None = None
    """A single file with the weights; the folder then has the configuration only."""
    size: int = 0
    """Bytes of its weights on the hub, to three digits; 0 where they come from elsewhere."""


@dataclass(frozen=True)
class ControlNetProfile:
    """One ControlNet and how strongly it speaks."""

    kinds: tuple[str, ...]
    """What it sees: "normal", "depth", or both in a union network."""
    source: NetworkSource
    """Its files."""
    scale: float = 0.6
    """Weight of its residuals at first."""
    late_scale: float = 0.2
    """Weight of its residuals after the first 28 % of the steps (step 700 of 2,500 in the paper)."""
    types: tuple[int, ...] = ()
    """Of a union network: its number for each of ``kinds``. Empty for a ControlNet that sees one kind."""


@dataclass(frozen=True)
class LoraFile:
    """Low-rank changes of weights, from a file of a person's own."""

    path: Path
    """safetensors."""
    weight: float = 1.0
    """How strongly they are applied; negative turns them around."""


@dataclass(frozen=True)
class ModelProfile:
    """A diffusion model with everything that is particular to it."""

    name: str
    """One of ``core.job.PROFILES``."""
    title: str
    """What people call it."""
    recipe: Literal["flow", "interval"]
    """Which of ``core.optimisation.presets`` are its own: consistent flow distillation from a sampled start, or the
    paper's interval score matching."""
    configurations: Path
    """Folder with the configuration of every network under the name of its field (``unet``, ``vae``,
    ``controlnet_normal`` …), for what has weights but no configuration."""
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
    resting: int
    """Of them those in networks that no step needs: the readers of words and style image, the VAE's decoder."""
    activations_per_view: int
    """Numbers besides that a step holds at its peak for each view of ``resolution``: most are the VAE's, kept for its
    backward pass."""
    background: str
    """Behind the object: "white", or "grey" for a random grey in each view."""
    second_text_encoder: NetworkSource | None = None
    """``CLIPTextModelWithProjection`` beside the first, as in SDXL: both then give their last but one layer, side by
    side, and this one the pooled text as well."""
    second_tokenizer: NetworkSource | None = None
    """Its ``CLIPTokenizer``."""
    size_condition: int | None = None
    """Side in pixels that a UNet with conditions on size and crop (SDXL) is told, as original and as target size."""
    smaller_resolutions: tuple[int, ...] = ()
    """Sides for devices whose memory does not hold ``resolution``, the largest first."""
    shipped: bool = False
    """Whether it comes with the program; it is the smallest."""
    published: bool = False
    """Whether these are the networks that the paper's reference code was run on, with its quirks."""
    takes_own_weights: bool = False
    """Whether people may give a UNet, a VAE and LoRAs of their own."""
    loras: tuple[LoraFile, ...] = ()
    """Changes of the UNet and of the text encoders, in the order in which they are added."""
    scheduler_changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings in place of those in the scheduler's configuration: what a single file says of itself."""
    negative_prompt: str = ""
    """Text of the unconditional prediction."""
    taught_prompts: TaughtWords | None = None
    """The words that a small model was taught to paint; ``None`` for one that reads everything."""
    taught_captions: TaughtWords | None = None
    """The words for what a style image shows that it was taught; ``None`` likewise."""
    view_words: bool = True
    """Whether "front view", "side view" … is added to the prompt."""
    folder: Path | None = None
    """Local folder with the repositories (``folder / repository / …``); those that are not in it, and all with
    ``None``, are looked for in the hub's cache."""
    caches: tuple[Path, ...] = ()
    """Folders laid out as the hub's cache that are looked into before it."""
    unusable: tuple[str, ...] = ()
    """What is wrong with the folder that somebody chose, or with files in it that may be what is missing: a clause
    each."""
    weights_variant: Mapping[str, str] = field(default_factory=dict)
    """Variant of the weights by repository ("fp16": half the bytes); plain weights that are there serve as well."""
    repair: str = ""
    """What to do about missing or damaged files; empty for the rule of a model from the hub."""

    def peak_values(self, views: int, resolution: int | None = None) -> int:
        """Numbers that the networks of a step hold at its peak, parameters included, if they look at ``views`` views of
        ``resolution`` (its own by default) at a time.
        """
        share = 1.0 if resolution is None else (resolution / self.resolution) ** 2
        return self.parameters - self.resting + round(views * self.activations_per_view * share)
