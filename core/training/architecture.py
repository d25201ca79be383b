# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled model's networks: Stable Diffusion's shapes, small, in the same folders and classes.

``python -m core.training.architecture OUT`` writes them untrained, for tests and for work on the pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from diffusers.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from ..commands.options import OptionParser
from ..models.checksums import write_sums
from .captions import VOCABULARY
from .vocabulary import CONTEXT_LENGTH, write_tokenizer

RESOLUTION = 128
"""Side of the pictures the model was trained on, in pixels."""
LATENT_CHANNELS = 4
LATENT_SIDE = RESOLUTION // 4
"""Side of their latents."""
JOINT_DIMENSION = 256
"""Dimension of the joint text-image space in which ODCR works."""
IMAGE_TOKENS = 4
"""Image tokens that the IP-Adapter adds to a row, as in IP-Adapter for SD 1.5."""
TEXT_WIDTH = 128
_IP_ADAPTER = "ip_adapter/ip-adapter.safetensors"


@dataclass
class Bundle:
    """All networks of the bundled model."""

    tokenizer: CLIPTokenizer
    text: CLIPTextModelWithProjection
    vision: CLIPVisionModelWithProjection
    vae: AutoencoderKL
    unet: UNet2DConditionModel
    controlnet_normal: ControlNetModel
    controlnet_depth: ControlNetModel


def build_vae() -> AutoencoderKL:
    """Factor 4: 128 x 128 pixels become 32 x 32 x 4 latents."""
    return AutoencoderKL(
        block_out_channels=(16, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        sample_size=RESOLUTION,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def build_unet() -> UNet2DConditionModel:
    """Four levels; cross-attention at 16 x 16 and below, where tokens are few and parameters cheap on a CPU."""
    return UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 3,
        up_block_types=("CrossAttnUpBlock2D",) * 3 + ("UpBlock2D",),
        block_out_channels=(48, 80, 160, 160),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=8,
        norm_num_groups=8,
    )


def build_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet for ``unet`` without attention: geometry needs no words."""
    controlnet = ControlNetModel(
        in_channels=LATENT_CHANNELS,
        conditioning_channels=3,
        down_block_types=("DownBlock2D",) * 4,
        mid_block_type="UNetMidBlock2D",
        block_out_channels=unet.config.block_out_channels,
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=8,
        norm_num_groups=8,
        conditioning_embedding_out_channels=(8, 16, 32),
    )
    # Trained together with the UNet from nothing: a last layer at zero would keep its own input from learning.
    nn.init.normal_(controlnet.controlnet_cond_embedding.conv_out.weight, std=0.02)
    return controlnet


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModelWithProjection:
    """Three layers over ``CONTEXT_LENGTH`` tokens, projected into the joint space."""
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=TEXT_WIDTH * 4,
            projection_dim=JOINT_DIMENSION,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT_LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def build_image_encoder() -> CLIPVisionModelWithProjection:
    """A vision transformer on 8 x 8 patches: larger ones would see a pattern's element as one grey patch."""
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=192,
            intermediate_size=768,
            projection_dim=JOINT_DIMENSION,
            num_hidden_layers=6,
            num_attention_heads=6,
            image_size=RESOLUTION,
            patch_size=8,
        )
    )


def build_scheduler() -> DDIMScheduler:
    """SD's scaled-linear schedule, with v as the prediction."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
    )


def build_feature_extractor(side: int) -> CLIPImageProcessor:
    """Centre crop and resize to ``side`` pixels; colours to [-1, 1]."""
    return CLIPImageProcessor(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )


def attach_ip_adapter(unet: UNet2DConditionModel, state: dict[str, torch.Tensor] | None = None) -> None:
    """Give ``unet`` IP-Adapter's decoupled cross-attention, fresh or from ``state`` (IP-Adapter's key names)."""
    nested: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in (fresh_ip_adapter(unet) if state is None else state).items():
        part, _, rest = key.partition(".")
        nested[part][rest] = value
    unet._load_ip_adapter_weights([nested], low_cpu_mem_usage=False)


def fresh_ip_adapter(unet: UNet2DConditionModel, joint_dimension: int = JOINT_DIMENSION) -> dict[str, torch.Tensor]:
    """Untrained IP-Adapter weights for ``unet`` under IP-Adapter's own key names."""
    width = unet.config.cross_attention_dim
    projection = nn.Linear(joint_dimension, IMAGE_TOKENS * width)
    norm = nn.LayerNorm(width)
    state = {
        "image_proj.proj.weight": projection.weight,
        "image_proj.proj.bias": projection.bias,
        "image_proj.norm.weight": norm.weight,
        "image_proj.norm.bias": norm.bias,
    }
    for number, name in enumerate(unet.attn_processors):
        if not name.endswith("attn2.processor"):
            continue
        attention = unet.get_submodule(name.removesuffix(".processor"))
        for which, layer in (("k", attention.to_k), ("v", attention.to_v)):
            state[f"ip_adapter.{number}.to_{which}_ip.weight"] = layer.weight
    return {key: value.detach().clone().contiguous() for key, value in state.items()}


def ip_adapter_state(unet: UNet2DConditionModel) -> dict[str, torch.Tensor]:
    """The IP-Adapter inside ``unet`` under IP-Adapter's own key names."""
    projection = unet.encoder_hid_proj.image_projection_layers[0]
    state = {
        "image_proj.proj.weight": projection.image_embeds.weight,
        "image_proj.proj.bias": projection.image_embeds.bias,
        "image_proj.norm.weight": projection.norm.weight,
        "image_proj.norm.bias": projection.norm.bias,
    }
    for number, (name, processor) in enumerate(unet.attn_processors.items()):
        if name.endswith("attn2.processor"):
            state[f"ip_adapter.{number}.to_k_ip.weight"] = processor.to_k_ip[0].weight
            state[f"ip_adapter.{number}.to_v_ip.weight"] = processor.to_v_ip[0].weight
    return {key: value.detach().clone().contiguous() for key, value in state.items()}


def build_bundle(folder: Path, seed: int) -> Bundle:
    """All networks, untrained and seeded; the tokenizer is written to ``folder``."""
    torch.manual_seed(seed)
    tokenizer = write_tokenizer(VOCABULARY, folder / "tokenizer")
    unet = build_unet()
    attach_ip_adapter(unet)
    return Bundle(
        tokenizer=tokenizer,
        text=build_text_encoder(tokenizer),
        vision=build_image_encoder(),
        vae=build_vae(),
        unet=unet,
        controlnet_normal=build_controlnet(unet),
        controlnet_depth=build_controlnet(unet),
    )


def read_bundle(folder: Path) -> Bundle:
    """What ``write_bundle`` left in ``folder``, in single precision.

    Raises:
        OSError: a network is missing there.
    """

    def read(network: Any, name: str) -> Any:
        return network.from_pretrained(folder / name, torch_dtype=torch.float32)

    def read_network(network: Any, name: str) -> Any:
        # ``from_pretrained`` would leave the folder's name in what is written later.
        found = network.from_config(network.load_config(folder / name))
        weights = load_file(folder / name / SAFETENSORS_WEIGHTS_NAME)
        found.load_state_dict({key: value.float() for key, value in weights.items()})
        return found

    unet = read_network(UNet2DConditionModel, "unet")
    attach_ip_adapter(unet, {key: value.float() for key, value in load_file(folder / _IP_ADAPTER).items()})
    return Bundle(
        tokenizer=CLIPTokenizer.from_pretrained(folder / "caption_tokenizer"),
        text=read(CLIPTextModelWithProjection, "caption_encoder"),
        vision=read(CLIPVisionModelWithProjection, "image_encoder"),
        vae=read_network(AutoencoderKL, "vae"),
        unet=unet,
        controlnet_normal=read_network(ControlNetModel, "controlnet_normal"),
        controlnet_depth=read_network(ControlNetModel, "controlnet_depth"),
    )


def write_bundle(bundle: Bundle, folder: Path) -> None:
    """Write the networks to ``folder`` as fp16 safetensors in the layout that ``core.models.profiles`` names,
    and the digests of all files.
    """
    half = torch.float16
    write_tokenizer(VOCABULARY, folder / "tokenizer")
    write_tokenizer(VOCABULARY, folder / "caption_tokenizer")
    bundle.text.to(half).save_pretrained(folder / "caption_encoder")
    text = CLIPTextModel(bundle.text.config)
    text.load_state_dict(bundle.text.text_model.state_dict())
    text.to(half).save_pretrained(folder / "text_encoder")
    bundle.vision.to(half).save_pretrained(folder / "image_encoder")
    build_feature_extractor(bundle.vision.config.image_size).save_pretrained(folder / "feature_extractor")
    build_scheduler().save_pretrained(folder / "scheduler")
    bundle.vae.to(half).save_pretrained(folder / "vae")
    bundle.controlnet_normal.to(half).save_pretrained(folder / "controlnet_normal")
    bundle.controlnet_depth.to(half).save_pretrained(folder / "controlnet_depth")
    (folder / _IP_ADAPTER).parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.to(half) for key, value in ip_adapter_state(bundle.unet).items()}
    save_file(state, folder / _IP_ADAPTER)
    plain = UNet2DConditionModel.from_config(bundle.unet.config)
    kept = plain.state_dict().keys()
    plain.load_state_dict({key: value for key, value in bundle.unet.state_dict().items() if key in kept})
    plain.to(half).save_pretrained(folder / "unet")
    write_sums(folder)


def main() -> None:
    """Write an untrained bundle."""
    parser = OptionParser(description="Write the bundled model's networks, untrained")
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_bundle(build_bundle(arguments.output, arguments.seed), arguments.output)


if __name__ == "__main__":
    main()
