# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a person's own in a profile: another checkpoint of its family, another VAE, LoRAs.

Only headers and configurations are read here, so that what is wrong is said at once and in one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..job import Job, JobError
from .model_profile import CONFIGURATIONS, LoraFile, ModelProfile, NetworkSource
from .weights_header import WeightsHeader, family_title, read_header, read_object, refuse_pickle

_CHANNELS = {5: "depth-to-image", 8: "edits by instructions (InstructPix2Pix)", 9: "inpainting"}
"""What a UNet with so many input channels is for."""
_TEXT_PREFIXES = ("cond_stage_model.", "conditioner.embedders.")
_VAE_PREFIXES = ("first_stage_model.", "vae.")
_NO_LORA = {"hada_w": "LoHa", "lokr_w": "LoKr", "dora_scale": "DoRA", "lora_mid": "LoCon with Tucker decomposition"}
"""Kinds of changes that are no plain product of two matrices, by a part of their names."""


@dataclass(frozen=True)
class OwnWeights:
    """What is in place of a profile's own files."""

    model: Path | None = None
    """UNet, VAE and text encoders: a safetensors file, or a folder in diffusers' layout; ``None`` for the profile's."""
    loras: tuple[LoraFile, ...] = ()
    """Changes of UNet and text encoders."""
    vae: Path | None = None
    """A safetensors file, or a folder with one and its ``config.json``; ``None`` for the model's own."""

    @classmethod
    def of(cls, job: Job) -> OwnWeights:
        """The files that ``job`` names."""
        return cls(
            model=None if job.own_model is None else Path(job.own_model),
            loras=tuple(LoraFile(Path(path), weight) for path, weight in job.loras),
            vae=None if job.own_vae is None else Path(job.own_vae),
        )


def family_of(model: Path) -> str:
    """Name of the profile whose checkpoint ``model`` is, a file or a folder.

    Raises:
        JobError: ``model_missing`` when it cannot be read, or is of a family that there is no profile for.
    """
    if model.is_dir():
        width = _folder_width(model)
        return _named("model folder", model, width, family_title(width))
    header = read_header(model, "model")
    _require_checkpoint(header)
    return _named("model", model, header.text_width, header.family)


def family_of_lora(lora: Path) -> str:
    """Likewise, of the LoRA ``lora``."""
    header = read_header(lora, "LoRA")
    _require_lora(header)
    return _named("LoRA", lora, header.text_width, header.family)


def profile_of_width(width: int) -> str:
    """Name of the profile whose UNet takes texts of that width; empty for none."""
    names = sorted(folder.name for folder in CONFIGURATIONS.iterdir())
    return next((name for name in names if _width(CONFIGURATIONS / name / "unet") == width), "")


def _named(what: str, path: Path, width: int | None, family: str) -> str:
    if width is not None and (name := profile_of_width(width)):
        return name
    names = sorted(folder.name for folder in CONFIGURATIONS.iterdir())
    if not family:
        raise JobError(
            "model_missing",
            f"The {what} {path} does not say which family it is for",
            f"Choose the model that it was made for (--profile {' or '.join(names)}).",
        )
    raise JobError(
        "model_missing",
        f"The {what} {path} is of no family that is supported, but of {family}",
        f"Name one of {', '.join(names)}.",
    )


def with_own_weights(profile: ModelProfile, own: OwnWeights) -> ModelProfile:
    """``profile`` with ``own`` in place of its files.

    Raises:
        JobError: ``bad_setting`` when it takes none; ``model_missing`` when a file is not what it should be.
    """
    if own == OwnWeights():
        return profile
    if not profile.takes_own_weights:
        raise _takes_none(profile, own)
    if own.model is not None:
        profile = (_with_folder if own.model.is_dir() else _with_file)(profile, own.model)
    if own.vae is not None:
        profile = replace(profile, vae=_own_vae(profile, own.vae))
    elif profile.vae.file is not None and not read_header(profile.vae.file, "model").with_prefix(*_VAE_PREFIXES):
        raise JobError(
            "model_missing", f"The model {own.model} has no VAE in it", "Name a VAE as well, or a file with one."
        )
    for lora in own.loras:
        _check_lora(profile, lora.path)
    return replace(profile, loras=own.loras)


def _takes_none(profile: ModelProfile, own: OwnWeights) -> JobError:
    """The refusal, with the family that the files are for where they say it.

    Raises:
        JobError: ``model_missing`` when one of them cannot be read: whatever the profile, it could not be used.
    """
    families = [] if own.model is None else [(own.model, family_of(own.model))]
    families += [(lora.path, family_of_lora(lora.path)) for lora in own.loras]
    if own.vae is not None:
        _require_vae(own.vae)
    takes_none = f"{profile.title} takes no checkpoints, LoRAs or VAEs of one's own"
    if not families:
        return JobError("bad_setting", takes_none, "Choose the model that they were made for (--profile).")
    path, family = families[0]
    return JobError(
        "bad_setting", f"{takes_none}, and {path} is for {family}", f"Choose the model {family} (--profile {family})."
    )


def _with_file(profile: ModelProfile, file: Path) -> ModelProfile:
    """UNet, VAE and text encoders from one file, in the shapes of the family."""
    header = read_header(file, "model")
    _require_checkpoint(header)
    _require_family(profile, "model", file, header.text_width, header.family)
    _require_text_to_image(file, header)
    if not header.with_prefix(*_TEXT_PREFIXES):
        raise JobError(
            "model_missing", f"The model {file} has no text encoder in it", "Name a file with the whole checkpoint."
        )

    def source(folder: str) -> NetworkSource:
        return NetworkSource(folder, place=profile.configurations, file=file)

    second = None if profile.second_text_encoder is None else source("text_encoder_2")
    return replace(
        profile,
        unet=source("unet"),
        vae=source("vae"),
        text_encoder=source("text_encoder"),
        second_text_encoder=second,
        # All families' texts are cut into CLIP's own tokens.
        tokenizer=profile.caption_tokenizer,
        second_tokenizer=None if second is None else profile.caption_tokenizer,
        scheduler=NetworkSource("scheduler", place=profile.configurations),
        scheduler_changes=_said_of_itself(header),
        feature_extractor=NetworkSource("feature_extractor", place=profile.configurations),
    )


def _said_of_itself(header: WeightsHeader) -> dict[str, Any]:
    """What a single file says of its noise schedule: empty tensors of these names, or the model specification's word
    (https://github.com/Stability-AI/ModelSpec).
    """
    changes: dict[str, Any] = {}
    if "v_pred" in header.shapes or header.metadata.get("modelspec.prediction_type") == "v":
        changes["prediction_type"] = "v_prediction"
    if "ztsnr" in header.shapes:
        changes["rescale_betas_zero_snr"] = True
    return changes


def _with_folder(profile: ModelProfile, folder: Path) -> ModelProfile:
    """The networks of a folder in diffusers' layout; its scheduler says what the UNet predicts."""
    _require_family(profile, "model folder", folder, _folder_width(folder))
    channels = _configuration(folder / "unet").get("in_channels", 4)
    if channels != 4:
        raise _no_text_to_image(folder, channels)

    def source(name: str) -> NetworkSource:
        return NetworkSource(name, place=folder)

    second = profile.second_text_encoder is not None
    return replace(
        profile,
        unet=source("unet"),
        vae=source("vae"),
        text_encoder=source("text_encoder"),
        tokenizer=source("tokenizer"),
        second_text_encoder=source("text_encoder_2") if second else None,
        second_tokenizer=source("tokenizer_2") if second else None,
        scheduler=source("scheduler"),
        feature_extractor=NetworkSource("feature_extractor", place=profile.configurations),
    )


def _require_vae(vae: Path) -> WeightsHeader | None:
    """The header of a VAE, unless it is a folder."""
    if vae.is_dir():
        if not (vae / "config.json").is_file():
            inside = (vae / "vae/config.json").is_file()
            where = f"Name {vae / 'vae'}, which is in it." if inside else "Name its .safetensors file."
            raise JobError("model_missing", f"The VAE folder {vae} has no config.json", where)
        return None
    header = read_header(vae, "VAE")
    if header.kind not in ("VAE", "checkpoint") or not header.with_prefix(*_VAE_PREFIXES, "decoder."):
        raise JobError("model_missing", f"The VAE {vae} is no VAE but {header.called}", "Name a file with a VAE.")
    return header


def _own_vae(profile: ModelProfile, vae: Path) -> NetworkSource:
    if (header := _require_vae(vae)) is None:
        return NetworkSource("", place=vae)
    inputs = [shape[1] for name, shape in header.shapes.items() if name.endswith("decoder.conv_in.weight")]
    channels = _configuration(profile.configurations / "vae").get("latent_channels", 4)
    if inputs and inputs[0] != channels:
        raise JobError(
            "model_missing",
            f"The VAE {vae} has {inputs[0]} latent channels, and {profile.title} has {channels}",
            "Name a VAE of the same family as the model.",
        )
    return NetworkSource("vae", place=profile.configurations, file=vae)


def _require_checkpoint(header: WeightsHeader) -> None:
    if header.kind != "checkpoint":
        where = {"LoRA": "Name it as a LoRA.", "VAE": "Name it as a VAE."}.get(header.kind, "Name a whole checkpoint.")
        raise JobError("model_missing", f"The model {header.path} is no checkpoint but {header.called}", where)


def _require_lora(header: WeightsHeader) -> None:
    if header.kind != "LoRA":
        where = {"checkpoint": "Name it as the model.", "VAE": "Name it as a VAE."}.get(header.kind, "Name a LoRA.")
        raise JobError("model_missing", f"The LoRA {header.path} is no LoRA but {header.called}", where)


def _check_lora(profile: ModelProfile, file: Path) -> None:
    header = read_header(file, "LoRA")
    _require_lora(header)
    for part, name in _NO_LORA.items():
        if any(part in key for key in header.shapes):
            raise JobError(
                "model_missing", f"The LoRA {file} is a {name}, which is not supported", "Name a plain LoRA or LoCon."
            )
    # One for text encoders alone says nothing of the family.
    if header.family:
        _require_family(profile, "LoRA", file, header.text_width, header.family)


def _require_family(profile: ModelProfile, what: str, path: Path, width: int | None, family: str = "") -> None:
    if width != _width(profile.configurations / "unet"):
        of = family or family_title(width) or "one without texts"
        raise JobError(
            "model_missing",
            f"The {what} {path} is of another family ({of}) than {profile.title}",
            "Choose the model that it was made for, or name another file.",
        )


def _require_text_to_image(file: Path, header: WeightsHeader) -> None:
    shape = header.shapes.get("model.diffusion_model.input_blocks.0.0.weight")
    if shape is not None and len(shape) > 1 and shape[1] != 4:
        raise _no_text_to_image(file, shape[1])


def _no_text_to_image(path: Path, channels: int) -> JobError:
    kind = _CHANNELS.get(channels, f"{channels} input channels")
    return JobError(
        "model_missing", f"The model {path} is made for {kind}, not for text alone", "Name a text-to-image checkpoint."
    )


def _folder_width(folder: Path) -> int | None:
    refuse_pickle(folder, "model")
    if not (folder / "unet").is_dir():
        files = [path.name for path in sorted(folder.iterdir()) if path.suffix.lower() in (".ckpt", ".safetensors")]
        inside = f"; it has {files[0]}" if files else "" if any(folder.iterdir()) else "; it is empty"
        raise JobError(
            "model_missing",
            f"The model folder {folder} has no folder unet, so it is no Stable Diffusion in diffusers' layout{inside}",
            f"Name {folder.parent}, which it is in."
            if folder.absolute().name == "unet"
            else "Name the file itself, or a folder with unet, vae, text_encoder, tokenizer and scheduler.",
        )
    if not (folder / "unet/config.json").is_file():
        raise JobError(
            "model_missing", f"The model folder {folder} lacks unet/config.json", "Put the whole model there."
        )
    return _width(folder / "unet")


def _width(unet: Path) -> int | None:
    width = _configuration(unet).get("cross_attention_dim")
    return width if isinstance(width, int) else None


def _configuration(folder: Path) -> Mapping[str, Any]:
    """The configuration in ``folder``; nothing where there is none.

    Raises:
        JobError: ``model_missing`` when it is damaged.
    """
    try:
        return read_object(folder / "config.json")
    except FileNotFoundError:
        return {}
