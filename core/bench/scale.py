# SPDX-License-Identifier: GPL-3.0-or-later
"""How a job's cost grows with triangles, texture and number of objects: ``python -m core bench scale``.

Everything by turns in one process, with the networks loaded once. The shape is always the same torus, so that views
show as much of it however finely it is divided.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np

from ..devices.machine import processor_name
from ..diffusion.loaded_models import LoadedModels
from ..evaluation.styles import sample_paths
from ..geometry.mesh import Mesh, normalise
from ..job import MESH_FILE, Job
from ..models.profiles import profile
from ..optimisation.presets import job_settings
from ..reporting import SilentReporter
from ..stylize import stylize
from ..views.cameras import Camera
from ..views.embree import EmbreeRasteriser
from ..views.step_views import step_views

TRIANGLES = (1_000, 10_000, 100_000, 1_000_000, 2_000_000)
"""Of the torus, roughly."""
SIZES = (512, 1024, 2048, 4096)
"""Sides of the texture in texels."""
OBJECTS = (1, 4)
"""Objects one after the other."""
_STEPS = 8
"""Of a job; one more step costs the same."""
_USUAL = 10_000
"""Triangles where it is about something else."""
_VIEW_SIDE = 512
"""Pixels of the views that are timed by themselves: those of Stable Diffusion."""
_DISTANCE, _FOV = 3.4, 35.0
"""Of their cameras, and degrees."""
_TABLES = {
    "triangles": ("a step", "views", "mesh"),
    "texels a side": ("a step", "after"),
    "objects": ("an object",),
}
"""With the columns of each."""
_INTRODUCTION = f"""\
# How a job's cost grows

Made by `python -m core bench scale --output docs/scale.md`: jobs of {_STEPS} steps of `draft` with the bundled model on
a torus, everything by turns in one process. Ratios are to the first row of the same round, with their range. *A step*
and *views* are processor time of all threads; *views* is for a step with views of {_VIEW_SIDE} x {_VIEW_SIDE} pixels,
as Stable Diffusion has them (those of the bundled model have a seventh of their pixels and are in *a step*); *mesh*,
*after* (the last step: coverage, strokes and baking) and *an object* (a whole job of those) are by the clock.
"""
Seconds = Mapping[str, float]
"""By the names of the tables' columns."""


@dataclass
class _Clock(SilentReporter):
    """Processor time at the end of each step."""

    steps: list[float] = field(default_factory=list)

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        """See ``Reporter``."""
        self.steps.append(time.process_time())


def torus(triangles: int) -> Mesh:
    """A normalised torus of about so many triangles, smooth, with UVs that fill the texture once."""
    side = round((triangles / 2) ** 0.5)
    row, column = (axis.ravel() for axis in np.meshgrid(np.arange(side), np.arange(side), indexing="ij"))
    around, along = 2 * np.pi * row / side, 2 * np.pi * column / side
    outward = np.stack([np.cos(along) * np.cos(around), np.cos(along) * np.sin(around), np.sin(along)], axis=-1)
    circle = np.stack([np.cos(around), np.sin(around), np.zeros(len(around))], axis=-1)
    corners = np.concatenate([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]]).reshape(2, 3, 2)
    places = (np.stack([row, column], axis=-1)[:, None, None] + corners).reshape(-1, 3, 2)
    numbers = (places % side) @ np.array([side, 1])
    return normalise(
        Mesh(
            positions=(circle + 0.4 * outward).astype(np.float32),
            triangles=numbers.astype(np.int32),
            corner_uvs=(places / side).astype(np.float32),
            corner_normals=outward[numbers].astype(np.float32),
        )
    )


def views_seconds(rasteriser: EmbreeRasteriser) -> float:
    """Processor seconds that the views of one step take, at ``_VIEW_SIDE`` pixels."""
    eyes = np.array([[1.0, -2.0, 1.0], [-1.0, 2.0, -1.0]], np.float32)
    eyes *= _DISTANCE / np.linalg.norm(eyes[0])
    pair = [Camera.looking_at(np.zeros(3, np.float32), eye, _FOV) for eye in eyes]
    begun = time.process_time()
    next(step_views(rasteriser, [pair], [0], _VIEW_SIDE, 1))
    return time.process_time() - begun


def job_seconds(mesh: Mesh, folder: Path, models: LoadedModels, size: int, detail: bool) -> Seconds:
    """Do a job of ``_STEPS`` steps; processor seconds of "a step", and by the clock of "mesh" and what comes "after".

    Args:
        mesh: normalised.
        folder: for its files.
        models: the bundled model.
        size: of the texture.
        detail: whether it gets strokes of its own.
    """
    folder.mkdir(exist_ok=True)
    with (folder / MESH_FILE).open("wb") as file:
        np.savez(file, **vars(mesh))
    style = Path(shutil.copy(sample_paths()[0], folder))
    job = Job("Torus", "a torus", style.name, preset="draft", texture_size=size, device="cpu")
    settings = replace(job_settings(profile(job.profile, models.model_folder), job), steps=_STEPS, warm_start=None)
    if not detail:
        settings = replace(settings, detail=replace(settings.detail, strength=0.0))
    clock = _Clock()
    seconds = stylize(job, folder, clock, models, settings).report["seconds"]
    after = sum(seconds[name] for name in ("coverage", "detail", "bake") if name in seconds)
    # The first steps allocate what the others use again.
    step = float(np.median(np.diff(clock.steps[:_STEPS])[1:]))
    return {"a step": step, "mesh": seconds["mesh"], "after": after, "whole": sum(seconds.values())}


def scale(models: LoadedModels, folder: Path, rounds: int, largest: int = TRIANGLES[-1]) -> str:
    """Measure everything by turns; the page ``docs/scale.md``.

    Args:
        models: the bundled model.
        folder: for the jobs' files.
        rounds: how often each has its turn.
        largest: triangles at most.
    """
    counts = [count for count in TRIANGLES if count <= largest]
    meshes = {count: torus(count) for count in {*counts, min(_USUAL, largest)}}
    usual = meshes[min(_USUAL, largest)]
    rasterisers = {count: EmbreeRasteriser(meshes[count]) for count in counts}
    job_seconds(usual, folder / "first", models, SIZES[0], detail=False)
    found: dict[str, dict[int, list[Seconds]]] = {name: defaultdict(list) for name in _TABLES}
    for _ in range(rounds):
        for count, rasteriser in rasterisers.items():
            seconds = job_seconds(meshes[count], folder / str(count), models, SIZES[0], detail=False)
            views = min(views_seconds(rasteriser) for _ in range(3))
            found["triangles"][count].append({**seconds, "views": views})
        for size in SIZES:
            found["texels a side"][size].append(job_seconds(usual, folder / "sizes", models, size, detail=True))
        for number in OBJECTS:
            jobs = [job_seconds(usual, folder / f"object {one}", models, SIZES[0], True) for one in range(number)]
            found["objects"][number].append({"an object": sum(job["whole"] for job in jobs) / number})
    tables = [_table(name, found[name], columns) for name, columns in _TABLES.items()]
    return "\n".join([_INTRODUCTION, *tables, f"{processor_name()}, {os.cpu_count()} processor cores.", ""])


def _table(name: str, found: Mapping[int, Sequence[Seconds]], columns: Sequence[str]) -> str:
    """One row for each of ``found``: medians, and ratios to the first row of the same round with their range."""
    reference = next(iter(found.values()))
    heads = [head for column in columns for head in (f"{column}, s", "ratio")]
    lines = [f"| {name} | {' | '.join(heads)} |", f"|---:|{'---:|' * len(heads)}"]
    for number, rounds in found.items():
        cells = [f"{number:,}"]
        for column in columns:
            ratios = [one[column] / first[column] for one, first in zip(rounds, reference, strict=True)]
            cells.append(f"{median(one[column] for one in rounds):.3f}")
            cells.append(f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
