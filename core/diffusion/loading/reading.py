# SPDX-License-Identifier: GPL-3.0-or-later
"""One network, tokenizer or scheduler from its files, by its own class, from disk only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from ...failure import as_job_error
from ...job import JobError
from ...models.model_files import source_folder, way_out, weights_variant
from ...models.profiles import ModelProfile, NetworkSource
from .single_file import from_single_file


class _Pretrained(Protocol):
    """A class of diffusers or transformers that reads its own files."""

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any: ...


Loadable = TypeVar("Loadable", bound=_Pretrained)


def quiet_libraries() -> None:
    """Let neither diffusers nor transformers print what they load; what is wrong is an error here."""
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def load(kind: type[Loadable], profile: ModelProfile, source: NetworkSource, **arguments: Any) -> Loadable:
    """An object of ``kind`` that is no network.

    Raises:
        JobError: ``model_missing`` when its files are damaged or of another model.
    """
    # A path, not a hub id: whatever the libraries would like to ask the hub for, they cannot.
    folder = str(source_folder(profile, source))
    with refusing(profile, source):
        return kind.from_pretrained(folder, subfolder=source.folder, local_files_only=True, **arguments)


def load_network(kind: type[Loadable], profile: ModelProfile, source: NetworkSource, dtype: torch.dtype) -> Loadable:
    """A network of ``kind`` with weights in ``dtype``; all of them come from its file.

    Raises:
        JobError: ``model_missing`` when its files are damaged, lack weights or are of another model.
    """
    folder = source_folder(profile, source)
    with refusing(profile, source):
        if source.file is not None:
            return from_single_file(kind, source.file, folder, source.folder, dtype)
        # diffusers and transformers call it differently.
        precision = {"torch_dtype": dtype, "low_cpu_mem_usage": False}
        if kind.__module__.startswith("transformers."):
            precision = {"dtype": dtype}
        network, report = kind.from_pretrained(
            str(folder),
            subfolder=source.folder,
            local_files_only=True,
            use_safetensors=True,
            variant=weights_variant(profile, source),
            output_loading_info=True,
            **precision,
        )
    # The libraries leave weights that the file lacks at random values and say so only in their log.
    if lacking := sorted(report["missing_keys"]):
        raise unreadable(profile, source, f"The file lacks {len(lacking)} weights: " + ", ".join(lacking))
    return network


@contextmanager
def refusing(profile: ModelProfile, source: NetworkSource) -> Iterator[None]:
    """Within it, whatever the libraries raise over files of another shape or without sense is a ``JobError``.

    Raises:
        JobError: ``model_missing``, unless memory, the disk or the environment are the cause.
    """
    try:
        yield
    except Exception as error:
        if as_job_error(error).code not in ("internal", "model_missing"):
            raise
        raise unreadable(profile, source, f"{type(error).__name__}: {error}") from error


def unreadable(profile: ModelProfile, source: NetworkSource, detail: str) -> JobError:
    """The error about a file of another shape or without sense; ``detail`` is the libraries' own words."""
    if source.file is not None:
        message = f"The {source.folder.replace('_', ' ')} in {source.file} is damaged or of another family"
        return JobError("model_missing", message, f"Name a file that was made for {profile.title}.", detail)
    place = "/".join(part for part in (source.repository, source.folder) if part)
    folder = profile.folder if source.place is None else source.place
    where = f" in {folder}" if folder is not None else ""
    return JobError(
        "model_missing", f"The files of {place}{where} are damaged or of another model", way_out(profile), detail
    )
