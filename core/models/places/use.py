# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile takes what is not in the hub's cache from the files that a folder of models has."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ...job import JobError
from ..model_files import ModelFile, missing_files
from ..model_profile import ControlNetProfile, ModelProfile, NetworkSource
from ..own_weights import OwnWeights, with_own_weights
from ..weights_header import CHECK_THE_PATH, PICKLE_SUFFIXES
from .found import FoundFile, find_files
from .layouts import Layout, cache_in, layout_of, shelf_of

_BASES = ("v1-5-pruned-emaonly", "v1-5-pruned", "sd_xl_base_1.0")
"""What the families' own checkpoints are called, without what follows."""
_NAMES = {"sd15": ("v1-5", "sd15", "sd1.5"), "sdxl": ("xl",)}
"""What is in the names of files of one family alone."""
_CHECKPOINT, _CONTROL = frozenset({"checkpoint"}), frozenset({"controlnet", "adapter", "encoder"})
_ADAPTER, _ENCODER = frozenset({"adapter"}), frozenset({"encoder"})
_ON_SHELVES = {
    **dict.fromkeys(("checkpoints", "stable-diffusion", "diffusers"), _CHECKPOINT),
    # A1111 has everything of its extension there.
    "controlnet": _CONTROL,
    **dict.fromkeys(("ipadapter", "ip-adapter"), _ADAPTER),
    **dict.fromkeys(("clip_vision", "clip", "text_encoders"), _ENCODER),
    **dict.fromkeys(("loras", "lora", "lycoris", "vae"), frozenset[str]()),
}
"""Parts of a model, by the names of shelves."""
_TOKENS = 4
"""Of the plain IP-Adapter."""


def use_folder(make: Callable[[Path | None], ModelProfile], folder: Path, own: OwnWeights) -> ModelProfile:
    """A profile that takes its files from ``folder``, whatever its layout is, and from the hub's cache.

    Args:
        make: of the family; see ``families``.
        folder: that somebody chose; it need not be there.
        own: a checkpoint that is chosen goes before one that is found.

    Raises:
        JobError: ``model_missing`` about files that are named or found.
    """
    layout = layout_of(folder)
    if layout is Layout.REPOSITORIES:
        return with_own_weights(make(folder), own)
    if layout is Layout.CACHE:
        problem = why_no_folder(folder)
        profile = replace(make(None), caches=(cache_in(folder) or folder,), unusable=(problem,) if problem else ())
        return with_own_weights(profile, own)
    return use_files(make(None), find_files(folder), own)


def why_no_folder(folder: Path) -> str:
    """What keeps ``folder`` from being one of models, as a clause; empty for nothing."""
    if folder.is_dir():
        return ""
    return (
        f"{folder} is no folder of models but a file" if folder.exists() else f"There is no folder of models {folder}"
    )


def require_folder(folder: Path | None) -> None:
    """Make sure that the folder of models that somebody named is there.

    Raises:
        JobError: ``model_missing``.
    """
    if folder is not None and (problem := why_no_folder(folder)):
        raise JobError("model_missing", problem, CHECK_THE_PATH)


def download_place(folder: Path | None) -> Path | None:
    """The cache that downloads go to where ``folder`` was chosen; ``None`` for the hub's own."""
    return (cache_in(folder) or folder) if folder is not None and layout_of(folder) is Layout.CACHE else None


def use_files(profile: ModelProfile, files: Sequence[FoundFile], own: OwnWeights) -> ModelProfile:
    """``profile`` with ``own`` files, and with those of ``files`` in place of what is not in the hub's cache.

    Raises:
        JobError: ``model_missing`` about files that are named or found.
    """
    lacking = missing_files(profile)
    mine = [file for file in files if not file.problem and file.family in ("", profile.name)]
    if own.model is None and _lacks(lacking, profile.unet) and (base := base_checkpoint(mine, profile.name)):
        separate = profile.vae if profile.vae.repository != profile.unet.repository else None
        profile = with_own_weights(profile, replace(own, model=base.path))
        if separate is not None and own.vae is None:
            # The family's VAE is sound in half precision; that in its checkpoints is not.
            profile = replace(profile, vae=separate)
    else:
        profile = with_own_weights(profile, own)
    nets = tuple(_control_net(profile, one, lacking, mine) for one in profile.control_nets)
    profile = replace(profile, control_nets=nets)
    if adapter := _adapter(profile, lacking, mine):
        profile = replace(profile, ip_adapter=NetworkSource("", place=adapter.parent), ip_adapter_file=adapter.name)
    for name, weight in (("image_encoder", "visual_projection.weight"), ("caption_encoder", "text_projection.weight")):
        source: NetworkSource = getattr(profile, name)
        if _lacks(lacking, source) and (encoder := _encoder(profile, name, weight, mine)):
            profile = replace(profile, **{name: _single(profile, name, encoder)})
    return replace(profile, unusable=_unusable(profile, files))


def _unusable(profile: ModelProfile, files: Sequence[FoundFile]) -> tuple[str, ...]:
    """Why those of ``files`` cannot be used that may be what ``profile`` lacks, pickles last: most people have some."""
    lacking = missing_files(profile)
    parts = {
        "checkpoint": (profile.unet,),
        "controlnet": tuple(control.source for control in profile.control_nets),
        "adapter": (profile.ip_adapter,),
        "encoder": (profile.image_encoder, profile.caption_encoder),
    }
    wanted = {kind for kind, sources in parts.items() if any(_lacks(lacking, source) for source in sources)}
    mine = [file for file in files if wanted & _may_be(file.path) and not _is_of_another(file.path, profile.name)]
    problems = sorted((file for file in mine if file.problem), key=lambda file: _is_pickle(file.path))
    if "checkpoint" in wanted:
        others = [file for file in files if not file.problem and file.path.is_dir() and file.family != profile.name]
        return (*(file.problem for file in problems), *(_of_another(file, profile) for file in others))
    return tuple(file.problem for file in problems)


def base_checkpoint(files: Sequence[FoundFile], family: str) -> FoundFile | None:
    """The checkpoint that stands in for the family's own: the one of its name, or else the first."""
    found = [one for one in files if one.kind == "checkpoint" and one.family == family and not one.problem]
    named = [one for base in _BASES for one in found if one.path.name.startswith(base) and _is_plain(one)]
    return next(iter(named or filter(_is_plain, found)), None)


def _may_be(path: Path) -> frozenset[str]:
    """Which parts of a model a file may be, by the shelf that it is on."""
    if path.is_dir():
        return _CHECKPOINT
    shelf = shelf_of(path)
    return _ON_SHELVES.get(shelf, frozenset() if shelf else _ON_SHELVES["checkpoints"])


def _is_of_another(path: Path, family: str) -> bool:
    """Whether a file that cannot be read is called as those of another family are."""
    return any(word in path.name.lower() for name, words in _NAMES.items() if name != family for word in words)


def _is_pickle(path: Path) -> bool:
    return path.suffix.lower() in PICKLE_SUFFIXES


def _of_another(file: FoundFile, profile: ModelProfile) -> str:
    return f"The model folder {file.path} is for {file.family}, not for {profile.name}"


def _is_plain(checkpoint: FoundFile) -> bool:
    """Whether it makes pictures from text alone, and has all parts."""
    first = checkpoint.shapes.get("model.diffusion_model.input_blocks.0.0.weight", (0, 4))
    return len(first) > 1 and first[1] == 4 and "inpaint" not in checkpoint.path.name.lower()


def _lacks(lacking: Sequence[ModelFile], source: NetworkSource) -> bool:
    prefix = f"{source.folder}/" if source.folder else ""
    return any(file.repository == source.repository and file.path.startswith(prefix) for file in lacking)


def _control_net(
    profile: ModelProfile, control: ControlNetProfile, lacking: Sequence[ModelFile], files: Sequence[FoundFile]
) -> ControlNetProfile:
    if not _lacks(lacking, control.source):
        return control
    for file in files:
        if file.kind == "ControlNet" and file.family == profile.name and file.sees == control.kinds:
            return replace(control, source=_single(profile, f"controlnet_{'_'.join(control.kinds)}", file.path))
    return control


def _adapter(profile: ModelProfile, lacking: Sequence[ModelFile], files: Sequence[FoundFile]) -> Path | None:
    """The plain IP-Adapter of the family on its image encoder: others have projections of other shapes."""
    wanted = f"{profile.ip_adapter.folder}/{profile.ip_adapter_file}"
    if not any(file.repository == profile.ip_adapter.repository and file.path == wanted for file in lacking):
        return None
    joint = _configured(profile, "image_encoder")["projection_dim"]
    width = _configured(profile, "unet")["cross_attention_dim"]
    for file in files:
        if file.kind == "IP-Adapter" and file.shapes.get("image_proj.proj.weight") == (_TOKENS * width, joint):
            return file.path
    return None


def _encoder(profile: ModelProfile, name: str, weight: str, files: Sequence[FoundFile]) -> Path | None:
    """A CLIP of the joint space, the smaller file where one has its other half too; its shape says which CLIP it is."""
    config = _configured(profile, name)
    for file in sorted(files, key=lambda file: file.bytes):
        if file.kind == "CLIP" and file.shapes.get(weight) == (config["projection_dim"], config["hidden_size"]):
            return file.path
    return None


def _configured(profile: ModelProfile, name: str) -> dict[str, int]:
    return json.loads((profile.configurations / name / "config.json").read_text(encoding="utf-8"))


def _single(profile: ModelProfile, folder: str, file: Path) -> NetworkSource:
    return NetworkSource(folder, place=profile.configurations, file=file)
