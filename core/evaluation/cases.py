# SPDX-License-Identifier: GPL-3.0-or-later
"""Stylizing every style on every mesh, each in a folder of its own; what is finished is not done again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..job import MESH_FILE, REPORT_FILE, TEXTURE_FILE, Job, JobError, write_job
from ..models.profiles import profile
from ..optimisation.presets import OptimisationSettings, job_settings
from ..reporting import Reporter
from ..stylize import LoadedModels, stylize
from ..views.camera_plan import CameraPlan
from ..views.cameras import Camera
from ..views.embree import EmbreeRasteriser
from .meshes import EvaluationMesh
from .styles import Style

INPUTS_FILE = "inputs.json"
"""What a case was made from; a case made from something else is made again."""


@dataclass(frozen=True)
class RunSettings:
    """What all cases have in common; see ``core.job.Job``."""

    preset: str
    profile: str
    texture_size: int
    seed: int
    content_removal: float
    tone: float | None
    device: str
    shading: bool = True
    detail: float | None = None


@dataclass(frozen=True)
class Case:
    """One style on one mesh."""

    style: Style
    mesh: EvaluationMesh
    job: Job
    folder: Path
    """Where its results are, or will be."""
    settings: OptimisationSettings | None = None
    """In place of those of the job's preset."""

    @property
    def texture(self) -> Path:
        """The finished texture, PNG."""
        return self.folder / TEXTURE_FILE

    def cameras(self, steps: int) -> list[Camera]:
        """All that looked in the first ``steps`` steps."""
        settings = self.settings
        if settings is None:
            job = self.job
            settings = job_settings(profile(job.profile), job)
        plan = CameraPlan(
            self.mesh.mesh, EmbreeRasteriser(self.mesh.mesh), settings.views, settings.resolution, self.job.seed
        )
        return [camera for step in range(steps) for camera in plan[step]]

    def report(self) -> dict[str, Any]:
        """The report of ``core.stylize``."""
        return json.loads((self.folder / REPORT_FILE).read_text(encoding="utf-8"))


def make_cases(
    styles: Sequence[Style], meshes: Sequence[EvaluationMesh], settings: RunSettings, output: Path
) -> list[Case]:
    """All pairs of style and mesh.

    Raises:
        JobError: ``bad_request`` when two styles or two meshes have one name.
    """
    for kind, names in (("styles", [style.name for style in styles]), ("meshes", [mesh.name for mesh in meshes])):
        if len(set(names)) < len(names):
            raise JobError("bad_request", f"Two of the {kind} {', '.join(names)} have one name", "Rename one of them.")
    return [
        Case(
            style,
            mesh,
            Job(
                object_name=mesh.name,
                prompt=mesh.prompt,
                style_image=f"style{style.path.suffix.lower()}",
                content=style.content,
                tiles="one",  # The measures look at one texture.
                **vars(settings),
            ),
            output / f"{style.name}--{mesh.name}",
        )
        for style in styles
        for mesh in meshes
    ]


def finish_case(case: Case, reporter: Reporter, models: LoadedModels) -> None:
    """Stylize ``case``, unless its folder holds the result of exactly these inputs already.

    Raises:
        JobError: something a person can act on.
        Cancelled: ``reporter`` said so.
    """
    inputs = _inputs(case, models)
    record = case.folder / INPUTS_FILE
    if record.is_file() and record.read_text(encoding="utf-8") == inputs:
        if (case.folder / REPORT_FILE).is_file():
            return
    elif case.folder.exists():
        shutil.rmtree(case.folder)
    case.folder.mkdir(parents=True, exist_ok=True)
    write_job(case.job, case.folder)
    np.savez(case.folder / MESH_FILE, **vars(case.mesh.mesh))
    shutil.copyfile(case.style.path, case.folder / case.job.style_image)
    record.write_text(inputs, encoding="utf-8")
    stylize(case.job, case.folder, reporter, models, case.settings)


def _inputs(case: Case, models: LoadedModels) -> str:
    """Everything that decides the result, as JSON: the model by its files' sizes and times, as make would."""
    job, mesh = case.job, case.mesh.mesh
    model = profile(job.profile, models.model_folder)
    weights = sorted(model.folder.rglob("*.safetensors")) if model.folder else []
    digest = hashlib.sha256(case.style.path.read_bytes())
    for array in (mesh.positions, mesh.triangles, mesh.corner_uvs, mesh.corner_normals):
        digest.update(np.ascontiguousarray(array).tobytes())
    values = {
        "job": asdict(job),
        "settings": repr(case.settings or job_settings(model, job)),
        "style_and_mesh": digest.hexdigest(),
        "weights": [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in weights],
    }
    return json.dumps(values, indent=2)
