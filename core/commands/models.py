# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core models``: which models there are, what they need, and which files of one's own were found."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.filesize import decimal

from ..job import PROFILES, JobError
from ..models.licences import licences_of
from ..models.model_files import (
    bytes_of_partial_files,
    missing_files,
    model_files,
    problem_of,
    require_downloadable,
    require_readable,
)
from ..models.places.found import FoundFile, find_files
from ..models.places.layouts import cache_in
from ..models.places.use import download_place, require_folder
from ..models.profiles import FAMILIES, SHIPPED, ModelProfile, profile
from .events import emit

CHOSEN = ("checkpoint", "LoRA", "VAE")
"""Kinds of files that people choose themselves."""


@dataclass(frozen=True)
class ModelState:
    """What is to be known of a profile before it is used."""

    name: str
    """One of ``core.job.PROFILES``."""
    title: str
    """What people call it."""
    state: str
    """"ready", "missing", or "wrong" where a file of it cannot be used."""
    bytes: int
    """Of all its weights, about."""
    bytes_missing: int
    """Of those that are not here, about, less what has arrived of them."""
    bytes_arrived: int
    """Of files whose download was interrupted."""
    files_missing: int
    """How many files are not here; all but the weights are small."""
    files_missing_with_own: int
    """How many of them are needed also with another checkpoint."""
    memory_bytes: int
    """What the smallest usual graphics card has on which it runs."""
    licences: tuple[dict[str, Any], ...]
    """Of what is to be downloaded: ``repository``, ``name``, ``address``, ``restricts_use``."""
    base: str
    """The checkpoint that was found and is used in place of the family's own; empty for none."""
    place: str
    """Where a download goes; empty for the hub's own cache."""
    problem: str = ""
    """What is wrong with a file of it, or, while it is missing, with one that may be it or with the folder: in one
    line."""


def run(options: argparse.Namespace) -> int:
    """Do what ``core.command_line`` parsed: a table for people, or one JSON object a line for Blender.

    Raises:
        JobError: something a person can act on.
    """
    folder: Path | None = options.models
    if not options.json_events:
        # In Blender the other models do not wait for that; and a download makes the folder.
        require_folder(folder)
    files = [] if folder is None else find_files(folder)
    states = [state_of(name, folder) for name in PROFILES]
    if options.json_events:
        known = [_own_file(file) for file in files if file.kind in CHOSEN or file.problem]
        emit("done", text="", models=[asdict(state) for state in states], files=known)
        return 0
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for state in states:
        console.print(_line(state))
    for file in files:
        if file.kind in CHOSEN or file.problem:
            console.print(f"    {file.problem or f'{file.kind}, {file.title or file.family}: {file.path}'}")
    if folder is not None and not files and not _serves(folder):
        console.print(f"    There is no model of a kind that is read in {folder}")
    return 0


def _serves(folder: Path) -> bool:
    """Whether a cache, or a repository that a profile needs, is in ``folder``."""
    repositories = {file.repository for name in PROFILES for file in model_files(FAMILIES[name](None))} - {""}
    return cache_in(folder) is not None or any((folder / repository).is_dir() for repository in repositories)


def state_of(name: str, folder: Path | None) -> ModelState:
    """What is to be known of the profile called ``name`` where ``folder`` was chosen."""
    try:
        model = profile(name, folder)
        missing = missing_files(model)
        require_downloadable(model)
        require_readable(model)
        state = "missing" if missing else "ready"
        problem = problem_of(model) if missing else ""
    except JobError as error:
        model, missing, state, problem = FAMILIES[name](None), (), "wrong", error.message
    arrived = min(bytes_of_partial_files(model, missing), sum(file.size for file in missing))
    place, bases = download_place(folder), {model.unet.repository, model.vae.repository}
    return ModelState(
        name=name,
        title=model.title,
        state=state,
        bytes=sum({str(file): file.size for file in model_files(FAMILIES[name](None))}.values()),
        bytes_missing=sum(file.size for file in missing) - arrived,
        bytes_arrived=arrived,
        files_missing=len(missing),
        files_missing_with_own=sum(file.repository not in bases for file in missing),
        memory_bytes=_memory(model),
        licences=tuple(
            {"repository": repository, **asdict(licence)}
            for repository, licence in licences_of(
                file.repository for file in (missing or model_files(FAMILIES[name](None))) if file.repository
            ).items()
        ),
        base="" if model.unet.place is None else str(model.unet.file or model.unet.place),
        place="" if place is None or name == SHIPPED else str(place),
        problem=problem,
    )


def _memory(model: ModelProfile) -> int:
    from ..devices.memory_need import least_card, memory_need

    return least_card(memory_need(model, views=1)) * 2**30


def _own_file(file: FoundFile) -> dict[str, Any]:
    return {
        "path": str(file.path),
        "kind": file.kind,
        "family": file.family,
        "title": file.title,
        "bytes": file.bytes,
        "problem": file.problem,
    }


def _line(state: ModelState) -> str:
    if state.state == "wrong":
        return f"{state.title}: {state.problem}"
    licences = ", ".join(dict.fromkeys(licence["name"] for licence in state.licences))
    needs = f"for a card with {state.memory_bytes / 2**30:.0f} GB"
    if state.state == "missing":
        arrived = f", {decimal(state.bytes_arrived)} have arrived" if state.bytes_arrived else ""
        download = f"{decimal(state.bytes_missing)} to download{arrived}"
        if state.problem:
            download = f"{state.problem}; without it, {download}"
        return f"{state.title}: {download}; {needs}; {licences}"
    base = f" with {state.base}" if state.base else ""
    return f"{state.title}: ready{base}; {needs}"
