# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as artists have them, of seeded small networks: checkpoints in one file, and LoRAs under every habit of names.

The names of weights are those of the published files (Stability's ``ldm``, kohya's scripts, diffusers); they are
written here by a table of their own, not by what reads them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

CONFIGURED = ("unet", "vae", "text_encoder", "text_encoder_2", "scheduler", "feature_extractor")
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_VAE = {
    r"(en|de)coder\.conv_norm_out": r"\1coder.norm_out",
    r"(en|de)coder\.mid_block\.resnets\.0": r"\1coder.mid.block_1",
    r"(en|de)coder\.mid_block\.resnets\.1": r"\1coder.mid.block_2",
    r"(en|de)coder\.mid_block\.attentions\.0": r"\1coder.mid.attn_1",
    r"encoder\.down_blocks\.(\d+)\.resnets": r"encoder.down.\1.block",
    r"encoder\.down_blocks\.(\d+)\.downsamplers\.0": r"encoder.down.\1.downsample",
    r"conv_shortcut": "nin_shortcut",
    r"attn_1\.group_norm": "attn_1.norm",
    r"attn_1\.to_out\.0": "attn_1.proj_out",
    r"attn_1\.to_([qkv])": r"attn_1.\1",
}


def stability_unet(name: str, attending_up: tuple[int, ...], layers: int = 2) -> str:
    """Stability's name of a UNet's weight ``name``; the blocks ``attending_up`` of its way up have attention."""
    for ours, theirs in _UNET_ENDS.items():
        if name.startswith(f"{ours}."):
            return theirs + name.removeprefix(ours)
    parts = name.split(".")
    side, parts = parts[0], parts[1:]
    per_block = layers + 1
    if side == "mid_block":
        kind, number, *rest = parts
        start = f"middle_block.{1 if kind == 'attentions' else 2 * int(number)}"
    else:
        block, kind, number, *rest = parts
        first = int(block) * per_block + (1 if side == "down_blocks" else 0)
        side = "input_blocks" if side == "down_blocks" else "output_blocks"
        if kind == "downsamplers":
            return f"{side}.{first + layers}.0.op.{rest[-1]}"
        if kind == "upsamplers":
            return f"{side}.{first + layers}.{2 if int(block) in attending_up else 1}.{'.'.join(rest)}"
        start = f"{side}.{first + int(number)}.{1 if kind == 'attentions' else 0}"
    if kind == "resnets":
        rest = [_RESNET[rest[0]], *rest[1:]]
    return ".".join([start, *rest])


def stability_vae(name: str, value: torch.Tensor, blocks: int = 4) -> tuple[str, torch.Tensor]:
    """Stability's name of a VAE's weight ``name`` (under today's names), and its value as it is there."""
    if found := re.match(r"decoder\.up_blocks\.(\d+)\.(resnets|upsamplers\.0)(.*)", name):
        number, kind, rest = found.groups()
        name = f"decoder.up.{blocks - 1 - int(number)}.{'block' if kind == 'resnets' else 'upsample'}{rest}"
    for ours, theirs in _VAE.items():
        name = re.sub(ours, theirs, name)
    # The attention's layers are convolutions there.
    if re.search(r"attn_1\.(q|k|v|proj_out)\.weight", name):
        value = value[..., None, None]
    return name, value


def write_single_file(networks: object, path: Path, *marks: str, metadata: dict[str, str] | None = None) -> None:
    """A checkpoint of ``core.diffusion.networks.Networks`` in one file, with empty tensors called ``marks``."""
    state: dict[str, torch.Tensor] = {name: torch.zeros(0) for name in marks}
    attending = tuple(
        number for number, kind in enumerate(networks.unet.config.up_block_types) if kind.startswith("CrossAttn")
    )
    for name, value in networks.unet.state_dict().items():
        if "_ip." not in name:
            state["model.diffusion_model." + stability_unet(name, attending)] = value
    for name, value in networks.vae.state_dict().items():
        theirs, value = stability_vae(name, value)
        state[f"first_stage_model.{theirs}"] = value
    first = "cond_stage_model." if networks.second is None else "conditioner.embedders.0."
    for name, value in networks.text_encoder.state_dict().items():
        state[f"{first}transformer.text_model.{name}"] = value
    state[f"{first}transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    if networks.second is not None:
        state |= _open_clip(networks.second.encoder.state_dict())
    save_file({name: value.clone().contiguous() for name, value in state.items()}, path, metadata)


def _open_clip(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """SDXL's second text encoder as OpenCLIP writes it: query, key and value in one matrix."""
    state = {"logit_scale": torch.tensor(4.6), "text_projection": weights["text_projection.weight"].T}
    names = {
        "token_embedding.weight": "embeddings.token_embedding.weight",
        "positional_embedding": "embeddings.position_embedding.weight",
        "ln_final.weight": "final_layer_norm.weight",
        "ln_final.bias": "final_layer_norm.bias",
    }
    state |= {theirs: weights[f"text_model.{ours}"] for theirs, ours in names.items()}
    parts = {
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
        "attn.out_proj": "self_attn.out_proj",
    }
    number = 0
    while f"text_model.encoder.layers.{number}.layer_norm1.weight" in weights:
        ours, theirs = f"text_model.encoder.layers.{number}", f"transformer.resblocks.{number}"
        for kind in ("weight", "bias"):
            for new, old in parts.items():
                state[f"{theirs}.{new}.{kind}"] = weights[f"{ours}.{old}.{kind}"]
            three = [weights[f"{ours}.self_attn.{which}_proj.{kind}"] for which in "qkv"]
            state[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(three)
        number += 1
    return {f"conditioner.embedders.1.model.{name}": value for name, value in state.items()}


def write_configurations(base: Path, folder: Path) -> None:
    """What the program ships of a family, with the shapes of the small model in ``base``."""
    for name in CONFIGURED:
        for file in (base / name).glob("*config.json"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / name / file.name)


Change = dict[str, tuple[torch.Tensor, torch.Tensor]]
"""By module, with "unet." or "text_encoder." before its name: matrices [out, rank] and [rank, in]."""


def some_changes(networks: object, rank: int = 2, seed: int = 5) -> Change:
    """Changes of attention, of a convolution, and of the text encoder."""
    generator = torch.Generator().manual_seed(seed)
    wanted = {
        "unet": (
            networks.unet,
            r".*attn[12]\.(to_q|to_k|to_v|to_out\.0)|.*resnets\.0\.conv1|.*(down|up)samplers\.0\.conv",
        ),
        "text_encoder": (networks.text_encoder, r".*(q_proj|fc1)"),
    }
    if networks.second is not None:
        wanted["text_encoder_2"] = (networks.second.encoder, r".*(q_proj|fc1)|text_projection")
    changes: Change = {}
    for part, (network, pattern) in wanted.items():
        for name, layer in network.named_modules():
            if re.fullmatch(pattern, name):
                out, inputs = layer.weight.shape[0], layer.weight[0].numel()
                changes[f"{part}.{name}"] = (
                    0.3 * torch.randn(out, rank, generator=generator),
                    0.3 * torch.randn(rank, inputs, generator=generator),
                )
    return changes


def part_of(networks: object, part: str) -> torch.nn.Module:
    """The network that diffusers' files call ``part``."""
    return networks.second.encoder if part == "text_encoder_2" else getattr(networks, part)


def merged(networks: object, changes: Change, weight: float) -> None:
    """Add ``changes`` to the weights of ``networks``, in double precision."""
    for name, (up, down) in changes.items():
        part, _, module = name.partition(".")
        layer = part_of(networks, part).get_submodule(module)
        change = weight * (up.double() @ down.double()).reshape(layer.weight.shape)
        layer.weight.copy_((layer.weight.double() + change).float())


def write_lora(networks: object, changes: Change, path: Path, habit: str, alpha: float | None = None) -> None:
    """A LoRA file; ``habit`` is "kohya", "stability", "diffusers", "peft" or "old diffusers"."""
    state: dict[str, torch.Tensor] = {}
    attending = tuple(
        number for number, kind in enumerate(networks.unet.config.up_block_types) if kind.startswith("CrossAttn")
    )
    for name, (up, down) in changes.items():
        part, _, module = name.partition(".")
        layer = part_of(networks, part).get_submodule(module)
        if layer.weight.dim() == 4:
            up, down = up[..., None, None], down.reshape(down.shape[0], *layer.weight.shape[1:])
        old = f"text_model.{module}" if part == "text_encoder" else module
        if habit in ("kohya", "stability"):
            if habit == "stability" and part == "unet":
                old = stability_unet(f"{module}.weight", attending).removesuffix(".weight")
            first = "lora_te_" if networks.second is None else "lora_te1_"
            start = {"unet": "lora_unet_", "text_encoder": first, "text_encoder_2": "lora_te2_"}[part]
            start += old.replace(".", "_")
            state |= {f"{start}.lora_up.weight": up, f"{start}.lora_down.weight": down}
            if alpha is not None:
                state[f"{start}.alpha"] = torch.tensor(alpha)
            continue
        names = _dotted(habit)(f"{part}.{old}")
        state |= {names[0]: up, names[1]: down}
    save_file({name: value.contiguous() for name, value in state.items()}, path)


def _dotted(habit: str) -> Callable[[str], tuple[str, str]]:
    def old(name: str) -> tuple[str, str]:
        if ".attn" in name:
            start, _, layer = name.rpartition(".")
            if layer == "0":
                start, layer = start.removesuffix(".to_out"), "to_out"
            return f"{start}.processor.{layer}_lora.up.weight", f"{start}.processor.{layer}_lora.down.weight"
        if name.startswith("text_encoder"):
            return f"{name}.lora_linear_layer.up.weight", f"{name}.lora_linear_layer.down.weight"
        return f"{name}.lora.up.weight", f"{name}.lora.down.weight"

    return {
        "diffusers": lambda name: (f"{name}.lora.up.weight", f"{name}.lora.down.weight"),
        "peft": lambda name: (f"{name}.lora_B.weight", f"{name}.lora_A.weight"),
        "old diffusers": old,
    }[habit]


def changed_file(source: Path, target: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    """``source`` with its tensors changed by ``change``, in place."""
    state = load_file(source)
    change(state)
    save_file(state, target)
    return target
