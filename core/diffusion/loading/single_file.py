# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks out of one file, with Stability's names of weights by diffusers' own loader; configurations are ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, ControlNetUnionModel, UNet2DConditionModel
from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm
from safetensors import safe_open

_PREFIXES = {
    UNet2DConditionModel: ("model.diffusion_model.",),
    # A VAE by itself has no prefix, and may have parts of its training beside.
    AutoencoderKL: ("first_stage_model.", "vae.", "encoder.", "decoder.", "quant_conv.", "post_quant_conv."),
}
_TEXT_PREFIXES = ("cond_stage_model.", "conditioner.embedders.")
_CONTROL_PREFIX = "control_model."
_CONTROL_NETS = (ControlNetModel, ControlNetUnionModel)


def from_single_file(kind: Any, file: Path, configurations: Path, folder: str, dtype: torch.dtype) -> Any:
    """A network of ``kind`` from ``file``.

    Args:
        kind: ``UNet2DConditionModel``, ``AutoencoderKL``, a ControlNet, or one of CLIP's models.
        file: safetensors, of a whole checkpoint or of the network alone; a ControlNet or a CLIP alone may have
            diffusers' or transformers' names of weights.
        configurations: folder of a model in diffusers' layout.
        folder: of the network's configuration in it.
        dtype: of the weights.

    Raises:
        ValueError: the file lacks weights.
        Exception: whatever the loader stumbles over in a file of another shape.
    """
    config = {"config": str(configurations), "subfolder": folder, "local_files_only": True}
    if kind in _CONTROL_NETS:
        return _control_net(kind, file, configurations, folder, dtype)
    weights = _read(file, _PREFIXES.get(kind, _TEXT_PREFIXES))
    if not weights and kind not in _PREFIXES:
        return _clip(kind, file, configurations, folder, dtype)
    if kind in _PREFIXES:
        network = _whole(kind).from_single_file(weights, **config, torch_dtype=dtype, low_cpu_mem_usage=False)
    else:
        network = create_diffusers_clip_model_from_ldm(_whole(kind), weights, **config, torch_dtype=dtype)
    network.__class__ = kind
    return network


def _control_net(kind: Any, file: Path, configurations: Path, folder: str, dtype: torch.dtype) -> Any:
    weights = _read(file, ("",))
    if any(name.startswith(_CONTROL_PREFIX) for name in weights):
        network = _whole(kind).from_single_file(
            weights,
            config=str(configurations),
            subfolder=folder,
            local_files_only=True,
            torch_dtype=dtype,
            low_cpu_mem_usage=False,
        )
        network.__class__ = kind
        return network
    network = kind.from_config(kind.load_config(str(configurations), subfolder=folder, local_files_only=True))
    network.load_state_dict(weights)
    return network.to(dtype)


def _clip(kind: Any, file: Path, configurations: Path, folder: str, dtype: torch.dtype) -> Any:
    """One half of a CLIP under transformers' own names; the file may have both."""
    config = kind.config_class.from_pretrained(str(configurations), subfolder=folder, local_files_only=True)
    weights = _read(file, ("vision_model.", "visual_projection.", "text_model.", "text_projection."))
    network, report = kind.from_pretrained(
        None, config=config, state_dict=weights, dtype=dtype, output_loading_info=True
    )
    if lacking := sorted(report["missing_keys"]):
        raise ValueError(f"The file lacks {len(lacking)} weights: " + ", ".join(lacking))
    return network


def _read(file: Path, prefixes: tuple[str, ...]) -> dict[str, torch.Tensor]:
    with safe_open(file, framework="pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys() if name.startswith(prefixes)}  # noqa: SIM118


def _whole(kind: Any) -> Any:
    """``kind``, but refusing to be loaded in part: diffusers would leave the rest at random values."""

    class Whole(kind):
        def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
            result = super().load_state_dict(state_dict, strict=False, assign=assign)
            if result.missing_keys:
                raise ValueError(
                    f"The file lacks {len(result.missing_keys)} weights: " + ", ".join(result.missing_keys)
                )
            return result

    return Whole
