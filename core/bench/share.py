# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a step is the networks' own work, which nothing but other networks could make less.

The steps of an ordinary job are timed as they are, and a few more of them are taken apart by PyTorch's profiler.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, _ExperimentalConfig, profile as profiler, record_function

from ..devices.devices import choose_device
from ..diffusion.networks import Networks
from ..evaluation.meshes import evaluation_mesh
from ..evaluation.styles import sample_paths
from ..job import MESH_FILE, Job
from ..models.profiles import profile
from ..optimisation.presets import job_settings
from ..reporting import SilentReporter
from ..stylize import DTYPES, LoadedModels, stylize

_NETWORKS = "networks"
"""The profiler's name for what is theirs."""
_BEFORE, _TIMED, _TAKEN_APART = 4, 10, 3
"""Steps until all memory is there, steps that are timed, and steps that the profiler sees."""


@dataclass(frozen=True)
class Share:
    """Of one step, in seconds."""

    model: str
    """Name of the profile."""
    preset: str
    """Its preset."""
    step: float
    """The whole step, by the clock."""
    networks: float
    """The networks' kernels alone, forward and backward; on a processor their operations."""
    launches: int | None
    """Kernels that all of the step asks for; ``None`` on a processor."""

    @property
    def ratio(self) -> float:
        """The step over what is the networks'."""
        return self.step / self.networks


def measure_share(model: str, preset: str, device: str, folder: Path, networks: Path | None) -> Share:
    """Do a short job, and take some of its steps apart.

    Args:
        model: name of a profile.
        preset: whose steps are meant.
        device: one of ``core.job.DEVICES``.
        folder: for the job's files.
        networks: folder of the profile's networks; ``None`` for the bundled ones.

    Raises:
        JobError: the job failed.
    """
    folder.mkdir(parents=True)
    with (folder / MESH_FILE).open("wb") as file:
        np.savez(file, **vars(evaluation_mesh("torus").mesh))
    style = Path(shutil.copy(sample_paths()[0], folder))
    job = Job("Torus", "a torus", style.name, profile=model, preset=preset, texture_size=512, device=device)
    settings = job_settings(profile(model, networks), job)
    steps = _BEFORE + _TIMED + _TAKEN_APART
    settings = replace(
        settings, steps=steps, warm_start=None, detail=replace(settings.detail, strength=0.0), frame_seconds=1e9
    )
    choice = choose_device(device)
    computes_on = torch.device(choice.device.kind)
    models = LoadedModels(networks)
    _name_in_profiles(models.get(model, computes_on, DTYPES[choice.precision]))
    watch = _Watch(computes_on)
    stylize(job, folder, watch, models, settings)
    return Share(model, preset, watch.seconds / _TIMED, *_own(watch.events, computes_on))


@dataclass
class _Watch(SilentReporter):
    """Times the one and takes the other steps apart, while the job goes on."""

    device: torch.device
    seconds: float = 0.0
    events: Any = None
    _profiler: Any = field(default=None, init=False)

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        """See ``Reporter``."""
        if step not in (_BEFORE, _BEFORE + _TIMED, steps) or self.events is not None:
            return
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        if step == _BEFORE:
            self.seconds = -time.perf_counter()
        elif step == _BEFORE + _TIMED:
            self.seconds += time.perf_counter()
            kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self.device.type == "cuda" else [])]
            # On a processor the networks have a thread of their own.
            everywhere = _ExperimentalConfig(profile_all_threads=True)
            self._profiler = profiler(activities=kinds, experimental_config=everywhere)
            self._profiler.__enter__()
        else:
            self._profiler.__exit__(None, None, None)
            self.events = self._profiler.events()


def _name_in_profiles(networks: Networks) -> None:
    """Have the profiler call by one name what these networks do, forward and back."""
    for module in (networks.unet, networks.vae.encoder, *(control.model for control in networks.control_nets)):
        _around(module.register_forward_pre_hook, module.register_forward_hook)
    encoder: nn.Module = networks.vae.encoder
    _around(encoder.register_full_backward_pre_hook, encoder.register_full_backward_hook)


def _around(before: Callable[..., Any], after: Callable[..., Any]) -> None:
    begun: list[record_function] = []

    def start(*_: Any) -> None:
        begun.append(record_function(_NETWORKS))
        begun[-1].__enter__()

    def stop(*_: Any) -> None:
        begun.pop().__exit__(None, None, None)

    before(start)
    after(stop)


def _own(events: Any, device: torch.device) -> tuple[float, int | None]:
    """Seconds of the networks in a step, and the step's launches."""
    asked = [event for event in events if event.device_type == DeviceType.CPU]
    own = [event for event in asked if event.name == _NETWORKS]
    if device.type != "cuda":
        return sum(event.cpu_time_total for event in own) / 1e6 / _TAKEN_APART, None
    launches = sum(event.name.startswith(("cudaLaunchKernel", "cuLaunchKernel")) for event in asked)
    return sum(event.device_time_total for event in own) / 1e6 / _TAKEN_APART, round(launches / _TAKEN_APART)
