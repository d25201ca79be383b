# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to compute: what PyTorch finds on this computer, for ``device_choice``."""

from __future__ import annotations

import torch

from .device_choice import Device, DeviceChoice, MemoryNeed, choose, is_built_for
from .machine import machine_memory_bytes, processor_name


def choose_device(name: str, need: MemoryNeed | None = None) -> DeviceChoice:
    """The device called ``name``, or for "auto" the first of CUDA or ROCm, Metal and the CPU that can do the job.

    Raises:
        JobError: see ``device_choice.choose``.
    """
    return choose(name, present_devices(), need)


def present_devices() -> list[Device]:
    """The devices that PyTorch finds, the fastest first; of several graphics cards the first."""
    devices = [_graphics_card()] if torch.cuda.is_available() else []
    memory = machine_memory_bytes()
    if torch.backends.mps.is_available():
        devices.append(Device("mps", processor_name(), memory))
    return [*devices, Device("cpu", processor_name(), memory)]


def begin_to_measure_memory(device: torch.device) -> None:
    """Forget what ``device`` needed so far; see ``most_memory``."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def most_memory(device: torch.device) -> int | None:
    """Bytes of a graphics card that were in use at most since then; ``None`` elsewhere."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def _graphics_card() -> Device:
    properties = torch.cuda.get_device_properties(0)
    hip = torch.version.hip or ""
    # AMD's name has features behind a colon, such as "gfx90a:sramecc+:xnack-".
    architecture = properties.gcnArchName.split(":")[0] if hip else f"sm_{properties.major}{properties.minor}"
    return Device(
        kind="cuda",
        name=properties.name,
        memory_bytes=properties.total_memory,
        # What this process keeps for its next job is at its disposal too.
        free_bytes=torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved(),
        capability=None if hip else (properties.major, properties.minor),
        hip=".".join(hip.split(".")[:2]),
        supported=is_built_for(torch.cuda.get_arch_list(), architecture),
    )
