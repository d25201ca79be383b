# SPDX-License-Identifier: GPL-3.0-or-later
"""A long job's state on disk, from which an interrupted run goes on as if nothing had happened."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from ..job import CHECKPOINT_FILE
from ..storage.whole_file import PARTIAL_SUFFIX, whole_file

Records = list[dict[str, float]]

_MOMENTS = ("exp_avg", "exp_avg_sq")
"""What Adam keeps for each parameter, in its shape, beside the number of its updates (``step``)."""


@dataclass(frozen=True)
class Progress:
    """How far a run is, beside its field and optimiser."""

    steps_done: int = 0
    """Steps that were taken, with those left out."""
    records: Records = field(default_factory=list)
    """For each of them the measures of ``Objective``."""
    left_out: list[int] = field(default_factory=list)
    """Numbers of the steps, from 0, whose gradient was not finite and that changed nothing."""


@dataclass(frozen=True)
class Saved:
    """The state in a checkpoint, whole and sound."""

    progress: Progress
    """How far the run was."""
    _tensors: Mapping[str, Tensor]

    def load_into(self, field: torch.nn.Module, optimiser: torch.optim.Adam) -> None:
        """Put the state into the field that it was read for, and into its optimiser."""
        field.load_state_dict(
            {name.removeprefix("field."): value for name, value in self._tensors.items() if name.startswith("field.")}
        )
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in self._tensors.items():
            if name.startswith("optimiser."):
                _, number, key = name.split(".")
                state.setdefault(int(number), {})[key] = value
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of one job in its folder.

    Field and optimiser state, with the progress in its header: one file, so that the two cannot disagree.
    """

    folder: Path
    """The job folder."""
    fingerprint: str
    """Identifies everything that decides the result; a checkpoint with another one is not used."""

    @property
    def path(self) -> Path:
        """The file, which may not exist."""
        return self.folder / CHECKPOINT_FILE

    def save(self, progress: Progress, field: torch.nn.Module, optimiser: torch.optim.Adam) -> None:
        """Write the state after ``progress``, in place of the one before, which stays if this fails.

        Raises:
            OSError: it cannot be written.
        """
        tensors = {f"field.{name}": value for name, value in field.state_dict().items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in state.items()}
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        content = {"steps_done": progress.steps_done, "records": progress.records, "left_out": progress.left_out}
        header = {"fingerprint": self.fingerprint, "progress": json.dumps(content)}
        header["digest"] = _digest(header, tensors)
        with whole_file(self.path) as file:
            file.write(save(tensors, header))

    def read(self, field: torch.nn.Module) -> Saved | None:
        """The state for ``field``; ``None`` when there is no checkpoint of this job, or a damaged one.

        Nothing of it depends on the file any more: it can be replaced on every system.
        """
        if not self.path.is_file():
            return None
        # Whatever a damaged file makes the libraries raise, it comes to the same: there is nothing to go on from.
        with contextlib.suppress(Exception):
            with safe_open(self.path, framework="pt") as file:
                header: dict[str, str] = file.metadata() or {}
                if header.get("fingerprint") != self.fingerprint:
                    return None
                # As they come they are views of the mapped file.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
            if header.pop("digest") == _digest(header, tensors) and _fits(tensors, field):
                return Saved(Progress(**json.loads(header["progress"])), tensors)
        return None

    def remove(self) -> None:
        """Forget it, and what an interrupted ``save`` may have left."""
        partial = self.path.with_name(self.path.name + PARTIAL_SUFFIX)
        for path in (self.path, partial):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _digest(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Of the whole content: bits that flipped on the disk would go on through the run unnoticed."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].numpy().data)
    return digest.hexdigest()


def _fits(tensors: Mapping[str, Tensor], field: torch.nn.Module) -> bool:
    """Whether these are the tensors of ``field`` and of its optimiser, which has none before its first update."""
    shapes = {f"field.{name}": value.shape for name, value in field.state_dict().items()}
    if any(name.startswith("optimiser.") for name in tensors):
        for number, value in enumerate(field.parameters()):
            shapes |= {f"optimiser.{number}.{name}": value.shape for name in _MOMENTS}
            shapes[f"optimiser.{number}.step"] = torch.Size([])
    return {name: value.shape for name, value in tensors.items()} == shapes
