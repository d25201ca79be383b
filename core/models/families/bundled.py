# SPDX-License-Identifier: GPL-3.0-or-later
"""The model that comes with the program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...job import JobError
from ..checksums import require_sound
from ..model_profile import ControlNetProfile, ModelProfile, NetworkSource, StyleLayers
from ..weights_header import read_object
from .bundled_words import TAUGHT_CAPTIONS, TAUGHT_PROMPTS

BUNDLED_FOLDER = Path(__file__).parents[2] / "bundled"
"""Where it lies."""
_BYTES_A_WEIGHT = 2
"""Of its files, which are in half precision."""
_ACTIVATIONS_PER_PIXEL = 1_220
"""See ``ModelProfile.activations_per_view``; measured."""
_INSTALL_AGAIN = "Install the add-on again; its zip contains the model."


def bundled(folder: Path | None) -> ModelProfile:
    """The profile; ``folder`` is in place of the program's own.

    Raises:
        JobError: ``model_missing`` when its files are damaged.
    """
    # What depends on the networks' shapes is read from their files. Where those are missing the networks are not
    # loaded either, so that it does not matter what stands here then.
    folder = folder or BUNDLED_FOLDER
    repair = _INSTALL_AGAIN if folder == BUNDLED_FOLDER else ""
    hint = repair or "Put the model's files into its folder again."
    require_sound(folder, ("unet/config.json", "vae/config.json"), hint)
    try:
        unet, vae = (_configuration(folder / name, hint) for name in ("unet", "vae"))
        resolution, style_layers = int(vae.get("sample_size", 64)), _every_cross_attention(unet)
        weights = sum(map(_tensor_bytes, folder.glob("*/*.safetensors")))
    except JobError:
        raise
    except Exception as error:
        # Whatever one stumbles over in JSON that means something else than it should.
        raise JobError("model_missing", f"The model's files in {folder} are damaged", hint, repr(error)) from error
    return ModelProfile(
        name="bundled",
        title="The bundled model",
        recipe="flow",
        configurations=folder,
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
            ControlNetProfile(("normal",), NetworkSource("controlnet_normal"), 1.0, 1.0),
            ControlNetProfile(("depth",), NetworkSource("controlnet_depth"), 1.0, 1.0),
        ),
        style_layers=style_layers,
        resolution=resolution,
        text_guidance=0.5,
        style_guidance=3.0,
        statistics_weight=3.0,
        parameters=weights // _BYTES_A_WEIGHT,
        resting=0,
        activations_per_view=resolution**2 * _ACTIVATIONS_PER_PIXEL,
        background="grey",
        shipped=True,
        taught_prompts=TAUGHT_PROMPTS,
        taught_captions=TAUGHT_CAPTIONS,
        folder=folder,
        repair=repair,
    )


def _configuration(folder: Path, hint: str) -> dict[str, Any]:
    """The configuration of one network; nothing where it is missing."""
    try:
        return read_object(folder / "config.json", hint)
    except FileNotFoundError:
        return {}


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
