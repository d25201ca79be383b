# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in several files, with an index that says which tensor is in which: diffusers' and transformers' layout."""

from __future__ import annotations

from pathlib import Path

from ..job import JobError
from .weights_header import read_object


def index_names(stem: str, variant: str | None) -> tuple[str, ...]:
    """What the index of the weights ``stem`` may be called, the wanted variant first."""
    plain = f"{stem}.safetensors.index.json"
    return (f"{stem}.safetensors.index.{variant}.json", plain) if variant else (plain,)


def sharded_weights(folder: Path, stem: str, variant: str | None) -> tuple[str, ...]:
    """Names of the index in ``folder`` and of the files that it lists; nothing where there is none.

    Raises:
        JobError: ``model_missing`` when the index is damaged, or names anything but safetensors files beside it.
    """
    found = [name for name in index_names(stem, variant) if (folder / name).is_file()]
    if not found:
        return ()
    index = folder / found[0]
    try:
        names = sorted(set(read_object(index, "Put the model there again.")["weight_map"].values()))
        wrong = [name for name in names if not name.endswith(".safetensors") or Path(name).name != name]
    except (KeyError, TypeError, AttributeError) as error:
        raise JobError(
            "model_missing",
            f"The index {index} is damaged: it has no list of weights and their files",
            "Put the model there again.",
            repr(error),
        ) from error
    if wrong or not names:
        named = f"{wrong[0]!r}, which is no safetensors file beside it" if wrong else "no files"
        raise JobError("model_missing", f"The index {index} names {named}", "Take the model as .safetensors.")
    return (index.name, *names)
