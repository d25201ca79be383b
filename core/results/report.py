# SPDX-License-Identifier: GPL-3.0-or-later
"""``report.json``: what was done, how long it took and how it came out."""

from __future__ import annotations

import platform
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ..devices.device_choice import DeviceChoice
from ..job import Job
from ..optimisation.checkpoint import Records
from ..optimisation.presets import OptimisationSettings
from ..reporting import Cancelled, Reporter

PACKAGES = ("torch", "diffusers", "transformers", "numpy")
"""Packages whose versions decide the result."""
MANIFEST = Path(__file__).resolve().parents[2] / "blender_manifest.toml"
"""The one place that says StyleTex's own version."""


class Stages:
    """Announces each stage of a job to its reporter and measures how long it takes."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.seconds: dict[str, float] = {}
        """Seconds by the stage's name."""

    @contextmanager
    def stage(self, name: str, label: str) -> Iterator[None]:
        """One stage.

        Raises:
            Cancelled: the job was cancelled before it.
        """
        if self._reporter.should_cancel():
            raise Cancelled
        self._reporter.stage(name, label)
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def describe_run(
    job: Job,
    settings: OptimisationSettings,
    choice: DeviceChoice,
    records: Records,
    finished_early: bool,
    left_out: int,
    resumed_at: int,
    seconds: dict[str, float],
    coverage: dict[str, float],
    uv: dict[str, float],
    textures: list[str],
    content_cosine: float | None,
    warnings: list[tuple[str, str]],
) -> dict[str, Any]:
    """The report of one job, fit for ``core.storage.json_file``.

    Args:
        job: what was asked for.
        settings: what its preset came to.
        choice: where it was computed, in which precision, and why.
        records: the objective's measures of each step.
        finished_early: whether it was told to stop before its last step.
        left_out: steps with an update that was left out, since its gradient was not finite.
        resumed_at: steps that an earlier run had done.
        seconds: by stage.
        coverage: shares of the texels that were seen, filled and left untouched.
        uv: shares of the surface whose texels are ``shared``, shown ``mirrored``, or that has none (``pinched``);
            number of ``tiles``.
        textures: names of the files.
        content_cosine: between style image and content caption before ODCR; ``None`` without a caption.
        warnings: code and message of each.
    """
    return {
        "job": asdict(job),
        "seed": job.seed,
        "settings": {
            **asdict(settings),
            "timesteps": {"schedule": type(settings.timesteps).__name__, **vars(settings.timesteps)},
        },
        **choice.describe(),
        "threads": torch.get_num_threads(),
        "versions": {
            "styletex": extension_version(),
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "steps_done": len(records),
        "finished_early": finished_early,
        "left_out": left_out,
        "resumed_at": resumed_at,
        "coverage": coverage,
        "uv": uv,
        "textures": textures,
        "content_cosine": content_cosine,
        "warnings": [{"code": code, "message": message} for code, message in warnings],
        "measures": {name: [record[name] for record in records] for name in (records[0] if records else {})},
    }


def extension_version() -> str:
    """StyleTex's own version."""
    return str(tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"])
