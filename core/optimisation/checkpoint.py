# SPDX-License-Identifier: GPL-3.0-or-later
"""A long job's state on disk, from which an interrupted run goes on as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..job import CHECKPOINT_FILE

Records = list[dict[str, float]]


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of one job in its folder.

    Field and optimiser state, with the number of steps done and the records in its header: one file, so that the two
    cannot disagree.
    """

    folder: Path
    """The job folder."""
    fingerprint: str
    """Identifies everything that decides the result; a checkpoint with another one is not used."""

    @property
    def path(self) -> Path:
        """The file, which may not exist."""
        return self.folder / CHECKPOINT_FILE

    @property
    def usable(self) -> bool:
        """Whether ``restore`` would find a checkpoint of this job."""
        try:
            with safe_open(self.path, framework="pt") as file:
                return (file.metadata() or {}).get("fingerprint") == self.fingerprint
        except (FileNotFoundError, SafetensorError):
            return False

    def save(self, steps_done: int, records: Records, field: torch.nn.Module, optimiser: torch.optim.Adam) -> None:
        """Write the state after ``steps_done`` steps, in place of the one before."""
        tensors = {f"field.{name}": value for name, value in field.state_dict().items()}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in state.items()}
        header = {
            "fingerprint": self.fingerprint,
            "steps_done": str(steps_done),
            "records": json.dumps(records),
        }
        partial = self.path.with_suffix(".partial")
        save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, partial, header)
        partial.replace(self.path)

    def restore(self, field: torch.nn.Module, optimiser: torch.optim.Adam) -> tuple[int, Records]:
        """Load the state into ``field`` and ``optimiser``.

        Returns:
            Steps done and records; (0, []) and nothing loaded when there is no checkpoint of this job.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("fingerprint") != self.fingerprint:
                    return 0, []
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (FileNotFoundError, SafetensorError):
            return 0, []
        field.load_state_dict(
            {name.removeprefix("field."): value for name, value in tensors.items() if name.startswith("field.")}
        )
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("optimiser."):
                _, number, key = name.split(".")
                state.setdefault(int(number), {})[key] = value
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        return int(header["steps_done"]), json.loads(header["records"])

    def remove(self) -> None:
        """Forget it, and what an interrupted ``save`` may have left."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".partial").unlink(missing_ok=True)
