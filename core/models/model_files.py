# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of which repository a profile needs, and which of them are on this computer. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name

from ..job import JobError
from .checksums import damaged_in, damaged_of_cache, read_sums, require_sound, require_sound_cache
from .model_profile import ModelProfile, NetworkSource
from .shards import index_names, sharded_weights
from .weights_header import PICKLE_SUFFIXES, read_header, read_object

WEIGHTS = ".safetensors"
CONFIG_FILE = "config.json"
DIFFUSERS_WEIGHTS = "diffusion_pytorch_model"
TRANSFORMERS_WEIGHTS = "model"
TOKENIZER_FILES = ("tokenizer_config.json", "vocab.json", "merges.txt")
SCHEDULER_FILE = "scheduler_config.json"
FEATURE_EXTRACTOR_FILE = "preprocessor_config.json"
STAMPS_FILE = "styletex-sound.json"
"""In the hub's cache: which downloads were compared with their digests."""
OWN_VARIANT = "fp16"
"""Of the weights in a folder of a person's own: half the bytes, where it has both."""
PARTIAL = ".partial"
"""End of the name of a blob in the hub's cache whose download was interrupted."""
NAMED_FILES = 3
"""Missing files that a message names; of more it names the first. Its detail names all of them."""


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
    place: Path | None = None
    """The folder on this computer that is the repository, for a file of a person's own or of the program."""
    size: int = 0
    """Bytes on the hub, to three digits; 0 for small files."""

    def __str__(self) -> str:
        return f"{self.repository}/{self.path}" if self.repository else self.path


def model_files(profile: ModelProfile) -> tuple[ModelFile, ...]:
    """Every file that ``core.diffusion.networks.load_networks`` reads, and no other."""
    files: list[ModelFile] = []
    for source in (profile.unet, profile.vae, *(control.source for control in profile.control_nets)):
        files += (_file(source, CONFIG_FILE), *_weights(profile, source, DIFFUSERS_WEIGHTS))
    texts = [source for source in (profile.text_encoder, profile.second_text_encoder) if source is not None]
    for source in (*texts, profile.image_encoder, profile.caption_encoder):
        files += (_file(source, CONFIG_FILE), *_weights(profile, source, TRANSFORMERS_WEIGHTS))
    tokenizers = [source for source in (profile.tokenizer, profile.second_tokenizer) if source is not None]
    for source in (*tokenizers, profile.caption_tokenizer):
        files += (_file(source, name) for name in TOKENIZER_FILES)
    files.append(_file(profile.scheduler, SCHEDULER_FILE))
    files.append(_file(profile.feature_extractor, FEATURE_EXTRACTOR_FILE))
    files.append(replace(_file(profile.ip_adapter, profile.ip_adapter_file), size=profile.ip_adapter.size))
    files += (_single(lora.path) for lora in profile.loras)
    # Networks may share files: those of one checkpoint, and tokens.
    return tuple(dict.fromkeys(files))


def missing_files(profile: ModelProfile) -> tuple[ModelFile, ...]:
    """The files of ``model_files`` that are not on this computer. Asks no network."""
    return tuple(file for file in model_files(profile) if _locate(profile, file) is None)


def require_downloadable(profile: ModelProfile) -> None:
    """Make sure that a download would bring every missing file.

    Raises:
        JobError: ``model_missing`` when one is missing in a folder of somebody's own, as ``require_files`` says.
    """
    if any(file.place is not None or _folder_of(profile, file.repository) for file in missing_files(profile)):
        require_files(profile)


def bytes_of_partial_files(profile: ModelProfile, files: Iterable[ModelFile]) -> int:
    """Bytes that have arrived of the repositories of ``files`` in downloads that were interrupted."""
    names = {repo_folder_name(repo_id=file.repository, repo_type="model") for file in files if file.repository}
    partial = (path for cache in _caches(profile) for name in names for path in cache.glob(f"{name}/blobs/*{PARTIAL}"))
    return sum(path.stat().st_size for path in partial)


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
    named, more = _few([str(file) for file in missing])
    count = f"{len(missing)} of {len(model_files(profile))} files"
    if (place := missing[0].place) is not None:
        named, more = _few([file.path for file in missing if file.place == place])
        message = f"The model folder {place} lacks {named}{more}"
        hint = "Put the whole model there in diffusers' layout, with safetensors weights."
    elif profile.unusable:
        message = f"{problem_of(profile)}; without it, {count} of the model {profile.name} are not on this computer"
        hint = (
            "Mend that first, or name another folder; what is then missing, "
            f"`python -m core download --profile {profile.name}` brings."
        )
    elif profile.repair:
        message = f"{profile.title} is incomplete; missing in {profile.folder} are {count}: {named}{more}"
        hint = profile.repair
    elif profile.folder is not None:
        message = f"The model folder {profile.folder} lacks {count} of {profile.name}: {named}{more}"
        hint = "Put each repository into the folder under its own name (owner/name), with safetensors weights."
    else:
        message = f"Not on this computer are {count} of the model {profile.name}: {named}{more}"
        hint = (
            "Download it by the button in Blender's panel or preferences, or in StyleTex's folder by "
            f"`python -m core download --profile {profile.name}`; or use the bundled model."
        )
    if pickle := _pickle_instead(profile, missing):
        hint += f" Files like {pickle} are never read, since loading a pickle can run code."
    raise JobError("model_missing", message, hint, "\n".join(map(_with_revision, missing)))


def problem_of(profile: ModelProfile) -> str:
    """What is wrong with the folder that somebody chose, as a clause of one line; empty where nothing is."""
    first, *others = profile.unusable or ("",)
    return f"{first} ({len(others)} more such files)" if others else first


def require_readable(profile: ModelProfile) -> None:
    """Make sure that files that were not downloaded here are what their names say, as far as a look at their beginning
    tells: weights that are whole, and no page or pickle; and configurations with sense. Nobody knows more of them.

    Raises:
        JobError: ``model_missing`` naming the file and what is wrong with it.
    """
    downloaded = set(_from_caches(profile))
    for file in model_files(profile):
        path = _locate(profile, file)
        if path is None or path in downloaded:
            continue
        if path.suffix == WEIGHTS:
            read_header(path, "model's file")
        elif path.suffix == ".json":
            read_object(path)


def require_sound_files(profile: ModelProfile) -> None:
    """Make sure, after ``require_files`` and once in a process, that the files are what was made or downloaded.

    Raises:
        JobError: ``model_missing`` naming the file that is damaged.
    """
    if profile.folder is not None:
        require_sound(profile.folder, read_sums(profile.folder), way_out(profile))
    for cache in _caches(profile):
        if found := [path for path in _from_caches(profile) if path.is_relative_to(cache)]:
            require_sound_cache(found, cache / STAMPS_FILE, way_out(profile))
    require_readable(profile)


def damaged_files(profile: ModelProfile) -> list[str]:
    """Files of ``profile`` that are not what was made or downloaded; all that are here are read."""
    own = [] if profile.folder is None else damaged_in(profile.folder)
    return own + [str(path) for path in damaged_of_cache(_from_caches(profile))]


def way_out(profile: ModelProfile) -> str:
    """What to do about a damaged file."""
    if profile.repair:
        return profile.repair
    if profile.folder is not None:
        return "Put the model's files into its folder again."
    again = f"`python -m core download --profile {profile.name}`"
    return f"Delete that file and run {again} in StyleTex's folder, or use the bundled model."


def source_folder(profile: ModelProfile, source: NetworkSource) -> Path:
    """Where the repository of ``source`` lies, after ``require_files``: a folder of its own or its snapshot in the
    cache.
    """
    if source.place is not None:
        return source.place
    if (folder := _folder_of(profile, source.repository)) is not None:
        return folder
    for file in model_files(profile):
        if file.place is None and file.repository == source.repository and (place := _locate(profile, file)):
            return place.parents[len(PurePosixPath(file.path).parts) - 1]
    raise JobError("model_missing", f"{source.repository} is not on this computer")


def weights_variant(profile: ModelProfile, source: NetworkSource) -> str | None:
    """Variant of the weights of ``source`` that is on this computer; ``None`` for plain ones."""
    variant = _variant(profile, source)
    folder = source_folder(profile, source) / source.folder
    indices = [index_names(stem, variant)[0] for stem in (DIFFUSERS_WEIGHTS, TRANSFORMERS_WEIGHTS)]
    if variant and (any(folder.glob(f"*.{variant}.safetensors")) or any((folder / name).is_file() for name in indices)):
        return variant
    return None


def pickles_beside(path: str, names: list[str]) -> list[str]:
    """Those of ``names`` that are pickle files in the folder of the safetensors file ``path``; all with slashes."""
    folder = PurePosixPath(path).parent
    return [
        name
        for name in names
        if path.endswith(".safetensors") and name.endswith(PICKLE_SUFFIXES) and PurePosixPath(name).parent == folder
    ]


def _few(names: list[str]) -> tuple[str, str]:
    """The names for a message of one line, and how many more there are: all if they are few, else the first."""
    if len(names) <= NAMED_FILES:
        return ", ".join(names), ""
    return names[0], f" and {len(names) - 1} more"


def _file(source: NetworkSource, name: str) -> ModelFile:
    return ModelFile(source.repository, source.revision, _inside(source, name), place=source.place)


def _weights(profile: ModelProfile, source: NetworkSource, stem: str) -> tuple[ModelFile, ...]:
    if source.file is not None:
        return (_single(source.file),)
    plain, variant = f"{stem}.safetensors", _variant(profile, source)
    name = plain if variant is None else f"{stem}.{variant}.safetensors"
    repository = source.place or _folder_of(profile, source.repository)
    if repository is not None and not any((repository / _inside(source, one)).is_file() for one in {name, plain}):
        folder = repository / source.folder
        if sharded := sharded_weights(folder, stem, variant):
            return tuple(_file(source, one) for one in sharded)
    file = replace(_file(source, name), size=source.size)
    return (file if variant is None else replace(file, plain_path=_inside(source, plain)),)


def _single(file: Path) -> ModelFile:
    return ModelFile("", "", file.name, place=file.parent)


def _variant(profile: ModelProfile, source: NetworkSource) -> str | None:
    """Which variant is taken where both are; a folder of a person's own may have either."""
    return OWN_VARIANT if source.place is not None else profile.weights_variant.get(source.repository)


def _inside(source: NetworkSource, name: str) -> str:
    return f"{source.folder}/{name}" if source.folder else name


def _locate(profile: ModelProfile, file: ModelFile) -> Path | None:
    """The file, or the plain weights in its place, in the profile's folder or in a cache of its revision."""
    root = file.place or _folder_of(profile, file.repository)
    for path in filter(None, (file.path, file.plain_path)):
        if root is not None:
            place = root / path
            if place.is_file():
                return place
            continue
        cache = _cache_of(profile, file)
        if isinstance(found := try_to_load_from_cache(file.repository, path, cache, file.revision), str):
            return Path(found)
    return None


def _folder_of(profile: ModelProfile, repository: str) -> Path | None:
    """The repository in the profile's own folder, if it is there; the caches are looked into otherwise."""
    if profile.folder is None:
        return None
    folder = profile.folder / repository
    return folder if not repository or folder.is_dir() else None


def _caches(profile: ModelProfile) -> tuple[Path, ...]:
    return (*profile.caches, Path(constants.HF_HUB_CACHE))


def _cache_of(profile: ModelProfile, file: ModelFile) -> Path:
    """The first cache that has the file's repository: all files of a network are to come from one."""
    for cache in profile.caches:
        if (
            cache / repo_folder_name(repo_id=file.repository, repo_type="model") / "snapshots" / file.revision
        ).is_dir():
            return cache
    return Path(constants.HF_HUB_CACHE)


def _from_caches(profile: ModelProfile) -> list[Path]:
    """The files that were downloaded; nobody knows what a file of a person's own should be."""
    places = [
        _locate(profile, file)
        for file in model_files(profile)
        if file.place is None and _folder_of(profile, file.repository) is None
    ]
    return [place for place in places if place is not None]


def _pickle_instead(profile: ModelProfile, missing: tuple[ModelFile, ...]) -> str:
    """A pickle file that lies where the weights of a missing file should be, or nothing."""
    present = {file.repository for file in model_files(profile) if _locate(profile, file) is not None}
    for file in missing:
        if file.place is None and file.repository not in present and not _folder_of(profile, file.repository):
            continue
        repository = source_folder(profile, NetworkSource("", file.repository, place=file.place))
        folder = repository / PurePosixPath(file.path).parent
        names = [place.relative_to(repository).as_posix() for place in folder.glob("*")]
        if found := pickles_beside(file.path, names):
            return found[0]
    return ""


def _with_revision(file: ModelFile) -> str:
    return f"{file} (revision {file.revision})" if file.revision else str(file)
