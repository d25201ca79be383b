# SPDX-License-Identifier: GPL-3.0-or-later
"""What every training stage shares: steps that resume from a checkpoint, an averaged copy, a log of losses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as distributed
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

CHECKPOINT_SECONDS = 240.0
"""Time between checkpoints."""
LOG_STEPS = 50
"""Steps whose mean loss makes one line of the log."""
LOSSES_FILE = "losses.jsonl"
"""The log in a stage's folder: the step, the seconds since this run began, and the losses by their names."""


def training_device() -> torch.device:
    """The graphics card if there is one: what two CPU cores learn in a day it learns in minutes."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def process() -> tuple[int, int]:
    """This process's number among those that train together, and how many those are."""
    return (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 200 steps, then a cosine to a twentieth of ``peak``."""
    warm = min(1.0, (step + 1) / 200)
    return peak * warm * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * min(1.0, step / steps))))


@dataclass(frozen=True)
class Samples:
    """Which samples each step of this process learns from: every sample once an epoch, in an order of its own."""

    count: int
    """Samples there are."""
    size: int
    """Samples in a batch of all processes that train together."""
    seed: int
    """Decides the order and all random numbers of the steps."""

    def batch(self, step: int) -> np.ndarray:
        """The sample numbers of ``step``."""
        rank, processes = process()
        size = self.size // processes
        epoch, place = divmod(step, self.count // size)
        order = np.random.default_rng((self.seed, rank, 0, epoch)).permutation(self.count)
        return order[place * size : (place + 1) * size]

    def generator(self, step: int) -> np.random.Generator:
        """The random numbers of ``step``."""
        return np.random.default_rng((self.seed, process()[0], 1, step))


class Averaged:
    """An exponential moving average of a module's parameters."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards ``module``; faster in the first steps, when everything still changes."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)


def train(
    module: nn.Module,
    losses: Callable[[np.ndarray, np.random.Generator], dict[str, Tensor]],
    samples: Samples,
    steps: int,
    peak_rate: float,
    folder: Path,
    decay: float = 0.999,
) -> None:
    """Optimise ``module`` with AdamW for ``steps`` steps and leave its average in ``folder``/average.safetensors.

    Every random number of a step comes from the seed and the step's number, so a run that was interrupted ends like one
    that was not.

    Args:
        module: what is trained, on the device where ``losses`` computes.
        losses: maps the sample numbers of a batch, and the step's random numbers, to named losses; their sum is
            minimised. PyTorch's own generator is seeded anew for each step as well.
        samples: which samples each step learns from.
        steps: optimisation steps in all, those before an interruption included.
        peak_rate: highest learning rate.
        folder: holds the checkpoint, the average and the log of losses; a run continues from there.
        decay: of the moving average.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(module.parameters(), lr=peak_rate, betas=(0.9, 0.99), weight_decay=0.01)
    average = Averaged(module, decay)
    start = _restore(module, optimiser, average, folder)
    sums: dict[str, Tensor] = {}
    leads = process()[0] == 0
    saved = begun = time.monotonic()
    for step in range(start, steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, peak_rate)
        torch.manual_seed(int(samples.generator(step).integers(1 << 62)))
        parts = losses(samples.batch(step), samples.generator(step))
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        _average_gradients(module)
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        average.update(module, step)
        for name, value in parts.items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach() / LOG_STEPS
        if (step + 1) % LOG_STEPS == 0 and leads:
            means = {name: float(value) for name, value in sums.items()}
            line = {"step": step + 1, "seconds": round(time.monotonic() - begun, 1), **means}
            with (folder / LOSSES_FILE).open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        if (step + 1) % LOG_STEPS == 0:
            sums = {}
        if leads and (time.monotonic() - saved > CHECKPOINT_SECONDS or step + 1 == steps):
            _save(module, optimiser, average, step + 1, folder)
            saved = time.monotonic()


def _average_gradients(module: nn.Module) -> None:
    """The mean of all processes' gradients: several with one thread each are faster on a CPU than threads in one."""
    processes = process()[1]
    if processes == 1:
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in module.parameters() if p.requires_grad]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= processes
    at = 0
    for parameter in module.parameters():
        if parameter.requires_grad:
            parameter.grad = flat[at : at + parameter.numel()].view_as(parameter).clone()
            at += parameter.numel()


def _save(module: nn.Module, optimiser: torch.optim.Optimizer, average: Averaged, step: int, folder: Path) -> None:
    tensors = {f"module.{name}": value for name, value in module.state_dict().items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    tensors["step"] = torch.tensor(step)
    for name, values in (("checkpoint", tensors), ("average", average.values)):
        partial = folder / f"{name}.partial"
        save_file({key: value.clone(memory_format=torch.contiguous_format) for key, value in values.items()}, partial)
        partial.rename(folder / f"{name}.safetensors")


def _restore(module: nn.Module, optimiser: torch.optim.Optimizer, average: Averaged, folder: Path) -> int:
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return 0
    tensors = load_file(path)
    module.load_state_dict({k.removeprefix("module."): v for k, v in tensors.items() if k.startswith("module.")})
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        part, _, rest = key.partition(".")
        if part == "optimiser":
            number, _, name = rest.partition(".")
            state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    average.values = load_file(folder / "average.safetensors", device=str(next(module.parameters()).device))
    return int(tensors["step"])
