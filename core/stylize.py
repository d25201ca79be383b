# SPDX-License-Identifier: GPL-3.0-or-later
"""One job from its folder to its texture: mesh → models → conditioning → optimise → coverage → bake → report."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from . import mesh as meshes
from .bake import PreviewBaker, bake
from .cameras import turntable
from .checkpoint import Checkpoint
from .coverage import Coverage, measure_coverage
from .devices import choose_device
from .diffusion.conditioning import condition
from .diffusion.networks import Networks, load_networks
from .embree import EmbreeRasteriser
from .job import MESH_FILE, PREVIEW_FILE, REPORT_FILE, TEXTURE_FILE, Job
from .objective import Distillation, Objective
from .optimise import Outcome, new_field, optimise
from .overlap import find_overlap, uv_report
from .present_color import PresentColor, read_base_color
from .presets import OptimisationSettings, optimisation_settings
from .preview import contact_sheet, render_views, texture_paint
from .profiles import profile
from .report import Stages, describe_run, write_report
from .reporting import Cancelled, Reporter
from .restyle import Layout, fit_field, restyled
from .statistics import StyleStatistics
from .style_image import as_tensor, read_style_image
from .texels import texel_bands, texel_map

PREVIEW_SIZE = 384
"""Side of each of the four views in ``preview.png``, in pixels."""
PREVIEW_ELEVATION = 15.0
"""Elevation of its cameras, in degrees."""
BAKE_SECONDS = 4e-6
"""Seconds to bake one texel, roughly, for the time left."""


class LoadedModels:
    """Keeps the model of the last job, since loading it is the slow part; one at a time, to spare memory."""

    def __init__(self, model_folder: Path | None = None) -> None:
        """``model_folder``: take models from here; see ``core.profiles.profile``."""
        self.model_folder = model_folder
        self._networks: Networks | None = None

    def get(self, name: str, device: torch.device) -> Networks:
        """The networks of the profile called ``name`` on ``device``.

        Raises:
            JobError: ``model_missing``.
        """
        kept = self._networks
        if kept is None or kept.profile.name != name or kept.device != device:
            self._networks = None
            self._networks = load_networks(profile(name, self.model_folder), device)
            return self._networks
        return kept


@dataclass(frozen=True)
class Result:
    """What a job leaves in its folder."""

    base_color: Path
    """The texture, PNG, sRGB."""
    preview: Path
    """The style image and four views, PNG."""
    report_path: Path
    """``report`` as JSON."""
    report: dict[str, Any]
    """See ``core.report``."""


def stylize(
    job: Job,
    folder: Path,
    reporter: Reporter,
    models: LoadedModels,
    settings: OptimisationSettings | None = None,
) -> Result:
    """Texture the mesh of a job folder in the style of its picture.

    The folder holds ``mesh.npz``, the style image and, if the job names one, the present base colour. An interrupted
    job with the same mesh, pictures and settings goes on from its checkpoint. A cancelled one leaves nothing of its
    own; one that failed leaves its checkpoint.

    Args:
        job: what to do.
        folder: the job folder.
        reporter: told of everything that happens.
        models: the networks of earlier jobs.
        settings: in place of those of the job's preset.

    Raises:
        JobError: something a person can act on.
        Cancelled: ``reporter`` said so.
    """
    device = choose_device(job.device)
    if settings is None:
        model = profile(job.profile, models.model_folder)
        settings = optimisation_settings(model, job.preset, job.tone, job.shading)
    if job.base_color is not None:
        settings = restyled(settings, job.restyle_strength)
    checkpoint = Checkpoint(folder, _fingerprint(job, folder, settings, device))
    outputs = [folder / name for name in (TEXTURE_FILE, PREVIEW_FILE, REPORT_FILE)]
    for path in outputs:
        path.unlink(missing_ok=True)
    try:
        result = _run(job, folder, reporter, models, settings, device, checkpoint)
    except Cancelled:
        for path in outputs:
            path.unlink(missing_ok=True)
        checkpoint.remove()
        raise
    checkpoint.remove()
    return result


def _run(
    job: Job,
    folder: Path,
    reporter: Reporter,
    models: LoadedModels,
    settings: OptimisationSettings,
    device: torch.device,
    checkpoint: Checkpoint,
) -> Result:
    stages = Stages(reporter)
    with stages.stage("mesh", "Reading the mesh"):
        original = meshes.load_npz(folder / MESH_FILE)
        meshes.check(original)
        mesh = meshes.normalise(original)
        rasteriser = EmbreeRasteriser(mesh)
        overlap = find_overlap(mesh)
        if overlap is not None and (message := overlap.message()):
            reporter.warning("shared_texels", message)
        preview_baker = PreviewBaker(texel_map(mesh, settings.frame_size))
        style_image = read_style_image(folder / job.style_image)
        present = None
        if job.base_color is not None and job.restyle_strength < 1.0:
            present = PresentColor(mesh, read_base_color(folder / job.base_color))
    distillation = None
    if settings.distillation_weight > 0.0 and settings.steps > 0:
        with stages.stage("models", "Loading the model"):
            networks = models.get(job.profile, device)
        with stages.stage("style", "Reading the style"):
            distillation = Distillation(networks, condition(networks, job, style_image))
    statistics = None
    if settings.statistics_weight > 0.0:
        statistics = StyleStatistics(settings.statistics, as_tensor(style_image).to(device))
    field = new_field(settings, job.seed, device)
    layout = None
    if present is not None:
        layout = Layout(field, present, job.restyle_strength)
        # What a checkpoint holds has gone on from the fitted field, and replaces it.
        if not checkpoint.usable:
            with stages.stage("present", "Reading the present colour"):
                fit_field(field, present, job.seed, reporter)
    with stages.stage("optimise", "Optimising"):
        outcome = optimise(
            field,
            rasteriser,
            Objective(settings, distillation, statistics, layout),
            job.seed,
            reporter,
            checkpoint,
            draw_frame=lambda: preview_baker.bake(field),
            seconds_after=BAKE_SECONDS * job.texture_size**2,
            overlap=overlap,
        )
    with stages.stage("bake", "Baking the texture"):
        coverage = measure_coverage(mesh, rasteriser, min(settings.views.distance), job.texture_size, overlap)
        # Without a step there is no new colour to fill with what no camera sees; it keeps the present one.
        texture = bake(field, texel_bands(mesh, job.texture_size), coverage if settings.steps > 0 else None)
    with stages.stage("preview", "Drawing the preview"):
        views = render_views(
            rasteriser,
            texture_paint(mesh, texture),
            turntable(4, PREVIEW_ELEVATION, meshes.bounding_radius(mesh)),
            PREVIEW_SIZE,
        )
    content_cosine = None if distillation is None else distillation.conditioning.content_cosine
    report = _report(job, settings, device, outcome, stages, coverage, uv_report(overlap, tiles=1), content_cosine)
    return _write(folder, texture, contact_sheet(style_image, views), report)


def _report(
    job: Job,
    settings: OptimisationSettings,
    device: torch.device,
    outcome: Outcome,
    stages: Stages,
    coverage: Coverage,
    uv: dict[str, float],
    content_cosine: float | None,
) -> dict[str, Any]:
    return describe_run(
        job=job,
        settings=settings,
        device=device,
        records=outcome.records,
        finished_early=outcome.finished_early,
        resumed_at=outcome.resumed_at,
        seconds=stages.seconds,
        coverage=coverage.shares(),
        uv=uv,
        content_cosine=content_cosine,
    )


def _write(folder: Path, texture: NDArray[np.uint8], preview: Image.Image, report: dict[str, Any]) -> Result:
    """Write the results; the report comes last, so that its presence says that all is there."""
    result = Result(folder / TEXTURE_FILE, folder / PREVIEW_FILE, folder / REPORT_FILE, report)
    Image.fromarray(texture).save(result.base_color)
    preview.save(result.preview)
    write_report(report, result.report_path)
    return result


def _fingerprint(job: Job, folder: Path, settings: OptimisationSettings, device: torch.device) -> str:
    """Identifies everything that decides the optimised field."""
    digest = hashlib.sha256()
    decisive = {
        "job": {**asdict(job), "object_name": "", "texture_size": 0},
        "settings": {**asdict(settings), "timesteps": repr(settings.timesteps)},
        "device": device.type,
    }
    digest.update(json.dumps(decisive, sort_keys=True).encode())
    names = [MESH_FILE, job.style_image, *([job.base_color] if job.base_color else [])]
    for path in (folder / name for name in names):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()
