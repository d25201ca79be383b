# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of which repository a profile needs, and which of them are on this computer. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huggingface_hub import constants, try_to_load_from_cache

from ..job import JobError
from .checksums import damaged_in, damaged_of_cache, read_sums, require_sound, require_sound_cache
from .profiles import BUNDLED_FOLDER, ModelProfile, NetworkSource

CONFIG_FILE = "config.json"
DIFFUSERS_WEIGHTS = "diffusion_pytorch_model"
TRANSFORMERS_WEIGHTS = "model"
TOKENIZER_FILES = ("tokenizer_config.json", "vocab.json", "merges.txt")
SCHEDULER_FILE = "scheduler_config.json"
FEATURE_EXTRACTOR_FILE = "preprocessor_config.json"
PICKLE_SUFFIXES = (".bin", ".ckpt", ".pt", ".pth")
"""Files of weights that can run code when they are loaded; they are never read."""
STAMPS_FILE = "styletex-sound.json"
"""In the hub's cache: which downloads were compared with their digests."""
NAMED_FILES = 3
"""Missing files that a message names; its detail names all of them."""


@dataclass(frozen=True)
class ModelFile:
    """One file that a profile needs."""

    repository: str
    """Hub id ("owner/name"), or empty when the profile's own folder is the repository."""
    revision: str
    """Commit of the repository."""
    path: str
    """Name inside the repository, with its folders and forward slashes."""
    plain_path: str = ""
    """The same weights at full precision, which serve as well; empty where there is no other file."""

    def __str__(self) -> str:
        return f"{self.repository}/{self.path}" if self.repository else self.path


def model_files(profile: ModelProfile) -> tuple[ModelFile, ...]:
    """Every file that ``core.diffusion.networks.load_networks`` reads, and no other."""
    files: list[ModelFile] = []
    for source in (profile.unet, profile.vae, *(control.source for control in profile.control_nets)):
        files += (_file(source, CONFIG_FILE), _weights(profile, source, DIFFUSERS_WEIGHTS))
    for source in (profile.text_encoder, profile.image_encoder, profile.caption_encoder):
        files += (_file(source, CONFIG_FILE), _weights(profile, source, TRANSFORMERS_WEIGHTS))
    for source in (profile.tokenizer, profile.caption_tokenizer):
        files += (_file(source, name) for name in TOKENIZER_FILES)
    files.append(_file(profile.scheduler, SCHEDULER_FILE))
    files.append(_file(profile.feature_extractor, FEATURE_EXTRACTOR_FILE))
    files.append(_file(profile.ip_adapter, profile.ip_adapter_file))
    return tuple(files)


def missing_files(profile: ModelProfile) -> tuple[ModelFile, ...]:
    """The files of ``model_files`` that are not on this computer. Asks no network."""
    return tuple(file for file in model_files(profile) if _locate(profile, file) is None)


def located_files(profile: ModelProfile) -> list[tuple[str, Path | None]]:
    """Name of each file of ``model_files``, and where it is on this computer, if it is."""
    return [(str(file), _locate(profile, file)) for file in model_files(profile)]


def require_files(profile: ModelProfile) -> None:
    """Make sure that every file of ``profile`` is on this computer.

    Raises:
        JobError: ``model_missing``; the message counts the missing files and names the first, the detail names all.
    """
    missing = missing_files(profile)
    if not missing:
        return
    named = ", ".join(map(str, missing[:NAMED_FILES]))
    more = f" and {len(missing) - NAMED_FILES} more" if len(missing) > NAMED_FILES else ""
    count = f"{len(missing)} of {len(model_files(profile))} files"
    if profile.name == "bundled":
        message = f"The bundled model is incomplete; missing in {profile.folder} are {count}: {named}{more}"
        hint = "Install the add-on again; its zip contains the model."
    elif profile.folder is not None:
        message = f"The model folder {profile.folder} lacks {count} of {profile.name}: {named}{more}"
        hint = "Put each repository into the folder under its own name (owner/name), with safetensors weights."
    else:
        message = f"Not on this computer are {count} of the model {profile.name}: {named}{more}"
        hint = f"Run `python -m core download --profile {profile.name}` in StyleTex's folder, or use the bundled model."
    if pickle := _pickle_instead(profile, missing):
        hint += f" Files like {pickle} are never read, since loading a pickle can run code."
    raise JobError("model_missing", message, hint, "\n".join(map(_with_revision, missing)))


def require_sound_files(profile: ModelProfile) -> None:
    """Make sure, after ``require_files`` and once in a process, that the files are what was made or downloaded.

    Raises:
        JobError: ``model_missing`` naming the file that is damaged.
    """
    if profile.folder is not None:
        require_sound(profile.folder, read_sums(profile.folder), way_out(profile))
    else:
        places = (_locate(profile, file) for file in model_files(profile))
        found = [place for place in places if place is not None]
        require_sound_cache(found, Path(constants.HF_HUB_CACHE) / STAMPS_FILE, way_out(profile))


def damaged_files(profile: ModelProfile) -> list[str]:
    """Files of ``profile`` that are not what was made or downloaded; all that are here are read."""
    if profile.folder is not None:
        return damaged_in(profile.folder)
    places = (_locate(profile, file) for file in model_files(profile))
    return [str(path) for path in damaged_of_cache(place for place in places if place is not None)]


def way_out(profile: ModelProfile) -> str:
    """What to do about a damaged file."""
    if profile.folder == BUNDLED_FOLDER:
        return "Install the add-on again; its zip contains the model."
    if profile.folder is not None:
        return "Put the model's files into its folder again."
    again = f"`python -m core download --profile {profile.name}`"
    return f"Delete that file and run {again} in StyleTex's folder, or use the bundled model."


def repository_folder(profile: ModelProfile, repository: str) -> Path:
    """Where the files of ``repository`` lie, after ``require_files``: its own folder or its snapshot in the cache."""
    if profile.folder is not None:
        return profile.folder / repository
    for file in model_files(profile):
        if file.repository == repository and (place := _locate(profile, file)) is not None:
            return place.parents[len(PurePosixPath(file.path).parts) - 1]
    raise JobError("model_missing", f"{repository} is not on this computer")


def weights_variant(profile: ModelProfile, source: NetworkSource) -> str | None:
    """Variant of the weights of ``source`` that is on this computer; ``None`` for plain ones."""
    variant = profile.weights_variant.get(source.repository)
    folder = repository_folder(profile, source.repository) / source.folder
    return variant if variant and any(folder.glob(f"*.{variant}.safetensors")) else None


def pickles_beside(path: str, names: list[str]) -> list[str]:
    """Those of ``names`` that are pickle files in the folder of the safetensors file ``path``; all with slashes."""
    folder = PurePosixPath(path).parent
    return [
        name
        for name in names
        if path.endswith(".safetensors") and name.endswith(PICKLE_SUFFIXES) and PurePosixPath(name).parent == folder
    ]


def _file(source: NetworkSource, name: str) -> ModelFile:
    return ModelFile(source.repository, source.revision, _inside(source, name))


def _weights(profile: ModelProfile, source: NetworkSource, stem: str) -> ModelFile:
    plain = _inside(source, f"{stem}.safetensors")
    variant = profile.weights_variant.get(source.repository)
    if variant is None:
        return ModelFile(source.repository, source.revision, plain)
    return ModelFile(source.repository, source.revision, _inside(source, f"{stem}.{variant}.safetensors"), plain)


def _inside(source: NetworkSource, name: str) -> str:
    return f"{source.folder}/{name}" if source.folder else name


def _locate(profile: ModelProfile, file: ModelFile) -> Path | None:
    """The file, or the plain weights in its place, in the profile's folder or in the cache of its revision."""
    for path in filter(None, (file.path, file.plain_path)):
        if profile.folder is not None:
            place = profile.folder / file.repository / path
            if place.is_file():
                return place
        elif isinstance(cached := try_to_load_from_cache(file.repository, path, revision=file.revision), str):
            return Path(cached)
    return None


def _pickle_instead(profile: ModelProfile, missing: tuple[ModelFile, ...]) -> str:
    """A pickle file that lies where the weights of a missing file should be, or nothing."""
    present = {file.repository for file in model_files(profile) if _locate(profile, file) is not None}
    for file in missing:
        if profile.folder is None and file.repository not in present:
            continue
        repository = repository_folder(profile, file.repository)
        folder = repository / PurePosixPath(file.path).parent
        names = [place.relative_to(repository).as_posix() for place in folder.glob("*")]
        if found := pickles_beside(file.path, names):
            return found[0]
    return ""


def _with_revision(file: ModelFile) -> str:
    return f"{file} (revision {file.revision})" if file.revision else str(file)
