# SPDX-License-Identifier: GPL-3.0-or-later
"""Which device computes, in which precision, and why: a decision over descriptions, so it needs no device."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..job import DEVICES, JobError

BYTES = {"float16": 2, "float32": 4}
"""Bytes of a number, by precision."""
_WORDS = {"float16": "half precision", "float32": "full precision"}
_OVERHEAD_BYTES = 1_000_000_000
"""What a job needs beside the networks: the driver's context, the texture field and the style statistics, roughly."""
_BUNDLED = "Choose the bundled model, which needs about 1 GiB."
_ON_PROCESSOR = "With the processor as device it would take hours or days."
"""What can be done in place of what does not fit."""

_TURING_WITHOUT_TENSOR_CORES = re.compile(r"GTX 16\d\d|MX[45]50|\bT(?:[456]\d0|1[02]00|2000)\b|CMP 30HX")
"""Cards with the chips TU116 and TU117, whose half precision gives NaN, thus black pictures (pytorch/pytorch#58123).
They have the compute capability of the RTX 20 series and of the T4, whose half precision is sound."""
_FIRST_RDNA = re.compile(r"\bRX 5[3-7]00")
"""AMD's RX 5300 to 5700, whose half precision gives grey pictures (ROCm/ROCm#1857, vladmandic/sdnext#900)."""
_FAST_HALF_BEFORE_VOLTA = {(5, 3), (6, 0), (6, 2)}
"""The compute capabilities before 7.0 with twice the speed in half precision; the others have a 64th of it, or none
(CUDA C++ Programming Guide, throughput of native arithmetic instructions)."""


@dataclass(frozen=True)
class Device:
    """A device that PyTorch finds on this computer."""

    kind: str
    """PyTorch's name for it: "cuda" (AMD's too), "mps" or "cpu"."""
    name: str
    """Its maker's name for it."""
    memory_bytes: int
    """Its own memory, or the machine's where both share it."""
    capability: tuple[int, int] | None = None
    """NVIDIA's compute capability; ``None`` for all others."""
    hip: str = ""
    """Version of ROCm's HIP that this PyTorch was built with; empty unless the device is AMD's."""
    supported: bool = True
    """Whether this PyTorch was built for it; see ``is_built_for``."""
    free_bytes: int | None = None
    """What of its memory this process can have, other programs' use left out; ``None`` for all of it."""

    def __str__(self) -> str:
        """For people, such as "NVIDIA GeForce RTX 4090 (24 GiB, compute capability 8.9)"."""
        facts = [f"{self.memory_bytes / 2**30:.0f} GiB"]
        if self.capability:
            facts.append("compute capability {}.{}".format(*self.capability))
        if self.hip:
            facts.append(f"ROCm {self.hip}")
        if self.kind == "mps":
            facts.append("Metal")
        return f"{self.name} ({', '.join(facts)})"


class MemoryPlan(NamedTuple):
    """A way to do a job's steps."""

    values: int
    """Numbers that the networks of a step hold at their peak."""
    views_at_once: int | None = None
    """How many views they look at at a time; ``None`` for all."""
    view_side: int | None = None
    """Side of the views in pixels; ``None`` for what is best."""

    @property
    def words(self) -> str:
        """What is different in it, for people."""
        small = "" if self.view_side is None else f"views of {self.view_side} pixels"
        return " ".join(filter(None, (small, "" if self.views_at_once is None else "one after the other")))


@dataclass(frozen=True)
class MemoryNeed:
    """What a job needs of its device."""

    model: str
    """Name of its profile."""
    plans: tuple[MemoryPlan, ...]
    """The ways to do it, the best first, that with the least memory last."""
    resting: int = 0
    """Numbers besides of networks that no step needs; a graphics card leaves them to the machine's memory."""
    smallest: bool = False
    """Whether no other model needs less."""
    least_card: int | None = None
    """The smallest graphics card that does it in any way, in GB as on the box; ``None`` if that is not known."""

    def bytes(self, plan: MemoryPlan, device: Device, precision: str) -> int:
        """Memory that the job needs of ``device`` in ``precision``."""
        return memory_bytes(plan.values + (0 if device.kind == "cuda" else self.resting), precision)


def memory_bytes(values: int, precision: str) -> int:
    """Memory that a job needs whose networks hold so many numbers at their peak."""
    return values * BYTES[precision] + _OVERHEAD_BYTES


@dataclass(frozen=True)
class DeviceChoice:
    """Where and how a job computes."""

    device: Device
    """The device."""
    precision: str
    """What the networks compute in: "float16" or "float32"."""
    reason: str
    """One line for people: the device, the precision and why."""
    warning: str = ""
    """What the user should know before a long job: a better device was passed over. Mostly empty."""
    plan: MemoryPlan | None = None
    """Which of the ways to do it fits; ``None`` where no need was named."""
    memory_bytes: int | None = None
    """What it is to take of the device's memory at most, likewise."""

    def describe(self) -> dict[str, Any]:
        """As it stands in ``hello`` and in ``report.json``."""
        return {
            "device": self.device.kind,
            "device_name": self.device.name,
            "memory_bytes": self.device.memory_bytes,
            "precision": self.precision,
            "device_reason": self.reason,
        }


def choose(wanted: str, devices: Sequence[Device], need: MemoryNeed | None = None) -> DeviceChoice:
    """The device and the precision for a job.

    Args:
        wanted: one of ``core.job.DEVICES``; "auto" takes the first that can do the job. A model that takes a graphics
            card minutes takes a processor days: with "auto" it does not begin there, only with "cpu".
        devices: those that are there, the best first.
        need: of the job; ``None`` when it loads no networks or is not known yet.

    Raises:
        JobError: ``bad_setting`` when there is no such device, ``dependencies`` when this PyTorch was not built for it,
            ``out_of_memory`` when the job does not fit into it (with "auto": into none), ``no_card`` when "auto" finds
            no graphics card for a model that needs one.
    """
    candidates = [device for device in devices if wanted in ("auto", device.kind)]
    if not candidates:
        there = ", ".join(kind for kind in DEVICES if kind in {device.kind for device in devices})
        raise JobError(
            "bad_setting",
            f"The device is {wanted!r}, which this computer does not offer; it has {there}",
            "Choose auto.",
        )
    passed_over: list[JobError] = []
    for device in candidates:
        if device.kind == "cpu" and wanted == "auto" and need is not None and not need.smallest:
            if not passed_over:
                passed_over.append(_no_card(need))
            break
        try:
            precision, why, plan, planned = _precision(device, need)
        except JobError as error:
            passed_over.append(error)
            continue
        because, warning = why, ""
        if passed_over:
            because = "; ".join(error.message for error in passed_over)
            warning = f"{because}, so {device.name} computes, which takes much longer. {passed_over[0].hint}"
        elif wanted == "auto" and device.kind == "cpu":
            because = "PyTorch finds no graphics card that it can use"
        reason = f"{device}, {_WORDS[precision]}{f': {because}' if because else ''}"
        return DeviceChoice(device, precision, reason, warning, plan, planned)
    first = passed_over[0]
    raise JobError(first.code, "; ".join(error.message for error in passed_over), first.hint)


def _no_card(need: MemoryNeed) -> JobError:
    size = "" if need.least_card is None else f" of {need.least_card} GB or more"
    return JobError(
        "no_card",
        f"The model {need.model} needs a graphics card{size}, and PyTorch finds none that it can use",
        f"{_BUNDLED} {_ON_PROCESSOR}",
    )


def is_built_for(builds: Sequence[str], architecture: str) -> bool:
    """Whether a PyTorch built for ``builds`` has code for a device of ``architecture``.

    NVIDIA's code runs on the same major compute capability from its own minor one on; "compute_…" is compiled anew for
    any later one.

    Args:
        builds: as ``torch.cuda.get_arch_list`` gives them: "sm_75", "sm_90a", "compute_120", "gfx1100".
        architecture: such as "sm_89" or "gfx1100".
    """
    if architecture in builds or not architecture.startswith("sm_"):
        return architecture in builds
    major, minor = _capability(architecture)
    for build in builds:
        kind, (built_major, built_minor) = build.partition("_")[0], _capability(build)
        if kind == "sm" and built_major == major and built_minor <= minor and not build.endswith("a"):
            return True
        if kind == "compute" and (built_major, built_minor) <= (major, minor):
            return True
    return False


def _capability(architecture: str) -> tuple[int, int]:
    digits = "".join(filter(str.isdigit, architecture))
    return int(digits[:-1]), int(digits[-1])


def _precision(device: Device, need: MemoryNeed | None) -> tuple[str, str, MemoryPlan | None, int | None]:
    """The first precision of ``device`` in which the job fits into it, why, how, and the memory that it needs.

    Raises:
        JobError: there is none; the message says why not.
    """
    if not device.supported:
        raise JobError(
            "dependencies",
            f"This PyTorch was not built for {device}",
            "Install a PyTorch that was built for it, or compute on the processor.",
        )
    precisions = list(_precisions(device))
    if need is None:
        return *precisions[0], None, None
    there = device.memory_bytes if device.free_bytes is None else device.free_bytes
    for precision, why in precisions:
        for plan in need.plans:
            if (planned := need.bytes(plan, device, precision)) <= there:
                small = f"{plan.words}, since its memory does not hold more" if plan.words else ""
                return precision, "; ".join(filter(None, (why, small))), plan, planned
    smallest = precisions[-1][0]
    needed = min(need.bytes(plan, device, smallest) for plan in need.plans) / 2**30
    has = f"{device.name} has {there / 2**30:.1f} GiB"
    hint = "Choose another device." if need.smallest else _BUNDLED
    if there < device.memory_bytes:
        has += f" free of {device.memory_bytes / 2**30:.1f} GiB"
        hint = f"Close other programs that use it. {hint}"
    if device.kind == "cuda" and not need.smallest:
        hint += f" {_ON_PROCESSOR}"
    raise JobError(
        "out_of_memory", f"The model {need.model} needs {needed:.1f} GiB in {_WORDS[smallest]}, and {has}", hint
    )


def _precisions(device: Device) -> Iterator[tuple[str, str]]:
    """The precisions that give sound results on ``device``, the best first, each with its reason."""
    if device.kind == "cpu":
        # Processors compute in half precision slower than in full precision, where they can at all.
        yield "float32", ""
    elif device.kind == "mps":
        # pytorch/pytorch#96602, huggingface/diffusers#4480 and #7563: NaN from attention and from the VAE, crashes.
        yield "float32", "half precision is not reliable with Metal"
    elif device.hip:
        if _FIRST_RDNA.search(device.name):
            yield "float32", "half precision gives grey pictures on this series"
        else:
            yield "float16", ""
    elif device.capability == (7, 5) and _TURING_WITHOUT_TENSOR_CORES.search(device.name):
        yield "float32", "half precision gives black pictures on this series"
    elif device.capability and device.capability < (7, 0) and device.capability not in _FAST_HALF_BEFORE_VOLTA:
        yield "float32", "half precision is slow on this card"
        if device.capability >= (6, 0):
            yield "float16", "slow on this card, but in full precision the model does not fit into its memory"
    else:
        yield "float16", ""
