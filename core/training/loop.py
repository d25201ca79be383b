# SPDX-License-Identifier: GPL-3.0-or-later
"""What every training stage shares: steps within a budget of time, checkpoints, an averaged copy, a log of losses."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

LOSSES_FILE = "losses.jsonl"
"""The log in a stage's folder: step, seconds of training, samples a second, and the losses by their names."""
CHECKPOINT, AVERAGE = "checkpoint.safetensors", "average.safetensors"
WARM_UP = 0.02
"""Share of the budget in which the learning rate rises."""


@dataclass(frozen=True)
class Schedule:
    """How long a stage trains, and how fast."""

    seconds: float
    """Of training in all, those before an interruption included."""
    rate: float
    """Highest learning rate, of AdamW."""
    decay: float = 0.999
    """Of the moving average, a step."""
    checkpoint_seconds: float = 60.0
    """Time between checkpoints."""
    log_seconds: float = 5.0
    """Time between lines of the log; only then does the host wait for the device."""


def training_device() -> torch.device:
    """The graphics card if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def learning_rate(progress: float, peak: float) -> float:
    """Linear warm-up, then a cosine to a fiftieth of ``peak``, at ``progress`` from 0 to 1."""
    warm = min(1.0, (progress + 0.001) / WARM_UP)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def is_finished(folder: Path) -> bool:
    """Whether a stage has used up its budget, or was trained by another run, from which only its average came here."""
    if not (folder / CHECKPOINT).exists():
        return (folder / AVERAGE).exists()
    return _header(folder)["finished"] == "yes"


def spent_seconds(folder: Path) -> float:
    """Seconds that a stage has trained so far."""
    return float(_header(folder)["seconds"]) if (folder / CHECKPOINT).exists() else 0.0


def train(
    module: nn.Module,
    losses: Callable[[int], dict[str, Tensor]],
    samples: int,
    schedule: Schedule,
    seed: int,
    folder: Path,
    say: Callable[[str], None] = lambda line: None,
    kept: Callable[[], None] = lambda: None,
) -> None:
    """Optimise ``module`` with AdamW until the budget is used up, and leave its average in ``folder``.

    Where a run was interrupted the next one goes on: the parameters, the optimiser, the average and the time that was
    spent are in the checkpoint, and the random numbers of a step depend on the seed and the step's number only. An
    average without a checkpoint is where a new training begins.

    Args:
        module: what is trained, on the device where ``losses`` computes.
        losses: maps the number of a step to named losses; their sum is minimised. PyTorch's own generators are seeded
            before it.
        samples: that a step learns from; for the log alone.
        schedule: the budget.
        seed: of all random numbers.
        folder: holds checkpoint, average and log.
        say: takes each line of the log.
        kept: called after each checkpoint.

    Raises:
        FloatingPointError: a loss is not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = next(module.parameters()).device
    fused = device.type == "cuda"
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=schedule.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=fused
    )
    parameters = [value for value in module.parameters() if value.requires_grad]
    step, spent, average = _restore(module, optimiser, folder)
    sums: dict[str, Tensor] = {}
    begun = logged = saved = time.monotonic()
    first = logged_step = step
    while (elapsed := spent + time.monotonic() - begun) < schedule.seconds or step == first:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(elapsed / schedule.seconds, schedule.rate)
        torch.manual_seed(step_seed(seed, step))
        parts = losses(step)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        # Faster in the first steps, when everything still changes.
        decay = min(schedule.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.values()), [value.detach() for value in module.parameters()], 1 - decay)
        step += 1
        for name, value in parts.items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach()
        now = time.monotonic()
        if now - logged > schedule.log_seconds:
            count = step - logged_step
            means = {name: round(float(value) / count, 5) for name, value in sums.items()}
            now = time.monotonic()
            rate = round(count * samples / (now - logged), 1)
            line = {"step": step, "seconds": round(spent + now - begun, 1), "samples_a_second": rate, **means}
            with (folder / LOSSES_FILE).open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            say(f"{folder.name}: {json.dumps(line)}")
            if not all(math.isfinite(value) for value in means.values()):
                raise FloatingPointError(f"A loss of {folder.name} is not finite at step {step}: {means}")
            sums, logged, logged_step = {}, now, step
        if now - saved > schedule.checkpoint_seconds:
            _save(module, optimiser, average, step, spent + now - begun, False, folder)
            kept()
            saved = time.monotonic()
    _save(module, optimiser, average, step, spent + time.monotonic() - begun, True, folder)
    kept()


def step_seed(seed: int, step: int) -> int:
    """A seed for each step."""
    return (seed * 1_000_003 + step) % (1 << 62)


def load_average(module: nn.Module, folder: Path) -> None:
    """Give ``module`` the averaged parameters of a stage."""
    device = next(module.parameters()).device
    average = load_file(folder / AVERAGE, device=str(device))
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(average[name])


def _save(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
    step: int,
    seconds: float,
    finished: bool,
    folder: Path,
) -> None:
    tensors = {f"module.{name}": value.detach() for name, value in module.named_parameters()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    header = {"step": str(step), "seconds": repr(seconds), "finished": "yes" if finished else "no"}
    for name, values in ((AVERAGE, average), (CHECKPOINT, tensors)):
        partial = folder / f"{name}.partial"
        # Values that the device computes in another order of dimensions are stored in the usual one.
        kept = {key: value.cpu().clone(memory_format=torch.contiguous_format) for key, value in values.items()}
        save_file(kept, partial, metadata=header)
        partial.replace(folder / name)


def _header(folder: Path) -> dict[str, str]:
    with safe_open(folder / CHECKPOINT, "pt") as file:
        return file.metadata()


def _restore(module: nn.Module, optimiser: torch.optim.Optimizer, folder: Path) -> tuple[int, float, dict[str, Tensor]]:
    """The step, the seconds spent, and the average."""
    if not (folder / CHECKPOINT).exists():
        if (folder / AVERAGE).exists():
            load_average(module, folder)
        return 0, 0.0, {name: value.detach().clone() for name, value in module.named_parameters()}
    tensors, header = load_file(folder / CHECKPOINT), _header(folder)
    average: dict[str, Tensor] = {}
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(tensors[f"module.{name}"])
            average[name] = torch.empty_like(value).copy_(tensors[f"average.{name}"])
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        part, _, rest = key.partition(".")
        if part == "optimiser":
            number, _, name = rest.partition(".")
            state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return int(header["step"]), float(header["seconds"]), average
