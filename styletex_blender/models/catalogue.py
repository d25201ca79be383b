# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``python -m core models`` says of the models. No ``bpy`` here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

FILE_KINDS = ("checkpoint", "LoRA", "VAE")
"""Kinds of files that people choose themselves."""


@dataclass(frozen=True)
class KnownModel:
    """One profile; see ``core.commands.models.ModelState``."""

    name: str
    """One of ``core.job.PROFILES``."""
    title: str
    """What people call it."""
    state: str
    """"ready", "missing" or "wrong"."""
    bytes: int
    """Of all its weights, about."""
    bytes_missing: int
    """Of those that are to be downloaded."""
    bytes_arrived: int
    """Of an interrupted download."""
    files_missing: int
    """How many files are not here."""
    files_missing_with_own: int
    """How many of them are needed also with another checkpoint."""
    memory_bytes: int
    """What the smallest usual graphics card has on which it runs."""
    licences: tuple[dict[str, Any], ...]
    """``repository``, ``name``, ``address`` and ``restricts_use`` of each repository that is to be downloaded."""
    base: str
    """The checkpoint that was found and is used; empty for the family's own."""
    place: str
    """Where a download goes; empty for the hub's own cache."""
    problem: str
    """What is wrong, in one line."""

    @property
    def can_be_downloaded(self) -> bool:
        """Whether a download would make it ready."""
        return self.state == "missing"


@dataclass(frozen=True)
class KnownFile:
    """A file in the models folder that people choose themselves, or that cannot be read."""

    path: str
    """Where it is."""
    kind: str
    """One of ``FILE_KINDS``, or "file"."""
    family: str
    """The profile that it is for; empty where its header does not say."""
    title: str
    """What people call its family."""
    bytes: int
    """Its size; 0 for a folder."""
    problem: str
    """Why it cannot be used, in one line; empty where it can."""


@dataclass(frozen=True)
class Catalogue:
    """All that is known of the models."""

    models: tuple[KnownModel, ...]
    """In the order of ``core.job.PROFILES``."""
    files: tuple[KnownFile, ...]
    """Of the models folder."""

    def model(self, name: str) -> KnownModel | None:
        """The profile called ``name``."""
        return next((model for model in self.models if model.name == name), None)

    def files_for(self, kind: str, profile: str) -> list[KnownFile]:
        """The files of a kind that fit a profile, or do not say what they are for."""
        return [file for file in self.files if file.kind == kind and file.family in ("", profile) and not file.problem]

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Catalogue:
        """The catalogue in the last event of the command.

        Raises:
            KeyError, TypeError: it is of another version of StyleTex.
        """
        return cls(
            tuple(KnownModel(**_known(KnownModel, values)) for values in event["models"]),
            tuple(KnownFile(**_known(KnownFile, values)) for values in event["files"]),
        )


def _known(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in fields(kind)}
