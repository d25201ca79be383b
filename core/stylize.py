# SPDX-License-Identifier: GPL-3.0-or-later
"""One job from its folder to its texture: mesh → models → conditioning → optimise → coverage → bake → report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from .detail.detail import find_detail
from .detail.settings import style_extent
from .devices.device_choice import DeviceChoice
from .devices.devices import begin_to_measure_memory, choose_device, most_memory
from .devices.memory_need import memory_need
from .diffusion.conditioning import condition
from .diffusion.loaded_models import LoadedModels as LoadedModels
from .diffusion.networks import inject_style
from .diffusion.surface_noise import SurfaceNoise
from .geometry import mesh as meshes
from .geometry.overlap import find_overlap, uv_report
from .geometry.pinched import find_pinched
from .geometry.surface_patches import SurfacePatches
from .geometry.texels import texel_map, texel_side
from .geometry.tiles import find_tiles
from .job import MESH_FILE, PREVIEW_FILE, REPORT_FILE, TEXTURE_FILE, THUMBNAIL_FILE, Job, JobError, tile_file
from .models.own_weights import OwnWeights
from .models.profiles import profile
from .optimisation.checkpoint import Checkpoint
from .optimisation.layout import Layout
from .optimisation.objective import Distillation, Objective
from .optimisation.optimise import Outcome, new_field, optimise
from .optimisation.present_color import PresentColor, job_base_color
from .optimisation.presets import OptimisationSettings, job_settings
from .optimisation.restyle import fit_field, restyled
from .optimisation.warm_start import warm_start, whole_views
from .region.field import RegionField
from .region.part import read_part
from .reporting import Cancelled, RememberedWarnings, Reporter
from .results.bake import PreviewBaker, SurfaceColours
from .results.coverage import LARGEST_MAP, Coverage, coverage_of
from .results.job_fingerprint import job_fingerprint
from .results.preview import contact_sheet, one_below_another, render_views
from .results.report import Stages, describe_run
from .results.textures import bake_textures, write_picture
from .storage.json_file import write_json
from .storage.optional import optional
from .style.statistics import StyleStatistics
from .style.style_image import as_tensor, read_style_images
from .views.camera_plan import CameraPlan
from .views.cameras import six_sides
from .views.embree import EmbreeRasteriser
from .views.nvdiffrast_rasteriser import rasteriser_for

PREVIEW_SIZE = 384
"""Side of each of the views in ``preview.png``, in pixels."""
THUMBNAIL_SIZE = 128
"""Side of the view from the front in ``thumbnail.png``, in pixels."""
PREVIEW_COLUMNS = 3
"""Of them in a row."""
DTYPES = {"float16": torch.float16, "float32": torch.float32}
"""What networks compute in, by the precision that was chosen."""
BAKE_SECONDS = 4e-6
"""Seconds to bake one texel, roughly, for the time left."""
DETAIL_SECONDS, DETAIL_TEXEL_SECONDS = 8.0, 6e-6
"""Seconds to find the strokes, and to add them to one texel, likewise."""


@dataclass(frozen=True)
class Result:
    """What a job leaves in its folder."""

    textures: list[Path]
    """The texture, PNG, sRGB; with UDIM one for each tile."""
    tiles: tuple[int, ...]
    """UDIM numbers of ``textures``; none for one texture."""
    preview: Path
    """The style images and views from six sides, PNG."""
    report_path: Path
    """``report`` as JSON."""
    report: dict[str, Any]
    """See ``core.results.report``."""

    @property
    def base_color(self) -> Path:
        """The texture, or that of the first tile."""
        return self.textures[0]


def stylize(
    job: Job,
    folder: Path,
    reporter: Reporter,
    models: LoadedModels,
    settings: OptimisationSettings | None = None,
    keep_checkpoint: bool = False,
) -> Result:
    """Texture the mesh of a job folder in the style of its picture.

    The folder holds ``mesh.npz``, the style image and, if the job names one, the present base colour. An interrupted
    job with the same mesh, pictures, settings, program and model goes on from its checkpoint. A cancelled one leaves
    nothing of its own; one that failed leaves its checkpoint. The textures are safe before anything is tried that a job
    can do without (preview and report): where that fails, it is a warning.

    Args:
        job: what to do.
        folder: the job folder.
        reporter: told of everything that happens.
        models: the networks of earlier jobs.
        settings: in place of those of the job's preset.
        keep_checkpoint: leave it to the caller to remove the checkpoint, once the results are where they belong.

    Raises:
        JobError: something a person can act on.
        Cancelled: ``reporter`` said so.
    """
    for name, text in (("object prompt", job.prompt), ("content", job.content)):
        if not _is_unicode(text):
            raise JobError("bad_setting", f"The {name} is no Unicode text: {text!a}", "Write it anew.")
    model = profile(job.profile, models.model_folder, OwnWeights.of(job))
    if settings is None:
        settings = job_settings(model, job)
    if job.base_color is not None:
        settings = restyled(settings, job.restyle_strength)
    need = None
    if settings.uses_networks:
        need = memory_need(model, settings.views.views_per_step)
    choice = choose_device(job.device, need)
    if choice.plan is not None and choice.plan.view_side is not None:
        settings = replace(settings, resolution=choice.plan.view_side)
    reporter = RememberedWarnings(reporter)
    if choice.warning:
        reporter.warning("device", choice.warning)
    checkpoint = Checkpoint(folder, job_fingerprint(job, folder, model, settings, choice))
    _remove_outputs(folder)
    try:
        result = _run(job, folder, reporter, models, settings, choice, checkpoint)
    except Cancelled:
        _remove_outputs(folder)
        checkpoint.remove()
        raise
    if not keep_checkpoint:
        checkpoint.remove()
    return result


def _run(
    job: Job,
    folder: Path,
    reporter: RememberedWarnings,
    models: LoadedModels,
    settings: OptimisationSettings,
    choice: DeviceChoice,
    checkpoint: Checkpoint,
) -> Result:
    device = torch.device(choice.device.kind)
    begin_to_measure_memory(device)
    stages = Stages(reporter)
    with stages.stage("mesh", "Reading the mesh"):
        original = meshes.load_npz(folder / MESH_FILE)
        meshes.check(original)
        mesh = meshes.normalise(original)
        embree = EmbreeRasteriser(mesh)
        rasteriser = rasteriser_for(mesh, device, embree)
        tiles, notice = find_tiles(mesh, job.tiles)
        if notice:
            reporter.warning("uv_tiles", notice)
        part = read_part(job, folder, mesh, tiles, reporter.warning)
        # What is optimised and baked; views show the whole all the same.
        surface = mesh if part is None else part.mesh
        size, rows = (job.texture_size, 0) if part is None else (part.texture.columns, part.texture.rows)
        plan = CameraPlan(
            mesh, embree, settings.views, settings.resolution, job.seed, None if part is None else surface
        )
        uv_layout = tiles.layout(mesh) if tiles else mesh
        overlap = find_overlap(uv_layout)
        own_overlap = overlap if part is None else part.overlap
        if overlap is not None and (message := overlap.message()):
            reporter.warning("shared_texels", message)
        pinched = find_pinched(mesh)
        if message := pinched.message():
            reporter.warning("pinched_uvs", message)
        frame_size = tiles.map_side(settings.frame_size) if tiles else settings.frame_size
        preview_baker = PreviewBaker(texel_map(uv_layout, frame_size))
        styles = read_style_images(job, folder, partial(reporter.warning, "style_image"))
        # The size of strokes goes by the picture with the greatest share.
        largest, _ = max(styles, key=lambda one: one[1])
        colours = job_base_color(job, folder, tiles, partial(reporter.warning, "base_color"))
        present = None if colours is None or job.restyle_strength == 1.0 else PresentColor(surface, colours)
        texel = texel_side(mesh, round((size * (rows or size)) ** 0.5))
        extent = style_extent(job.stroke_size, largest.size, texel)
        settings = replace(settings, statistics=replace(settings.statistics, style_extent=extent))
    distillation = None
    if settings.uses_networks:
        with stages.stage("models", "Loading the model"):
            networks = models.get(job.profile, device, DTYPES[choice.precision], OwnWeights.of(job))
            # Networks are kept from job to job, and with them the last job's choice.
            chosen = settings.style_layers
            inject_style(networks.unet, networks.profile.style_layers if chosen is None else chosen)
        with stages.stage("style", "Reading the style"):
            noise = SurfaceNoise(job.seed, networks.vae.config.latent_channels, settings.guidance.noise_cells)
            at_once = None if choice.plan is None else choice.plan.views_at_once
            conditioning = condition(networks, job, styles)
            distillation = Distillation(networks, conditioning, noise, at_once)
        taught = networks.profile.taught_captions
        if job.content.strip() and taught is not None and conditioning.content_cosine is None:
            reporter.warning("content", taught.not_understood(job.content.strip()))
    statistics = None
    if settings.statistics_weight > 0.0:
        statistics = StyleStatistics(
            settings.statistics,
            [(as_tensor(image).to(device), share) for image, share in styles],
            SurfacePatches(surface, own_overlap),
        )
    own_field = new_field(settings, job.seed, device)
    field = own_field
    if part is not None and colours is not None:
        field = part.field(own_field, colours, settings.resolution)
    saved = checkpoint.read(field)
    if saved is None and checkpoint.path.exists():
        reporter.warning(
            "other_checkpoint",
            f"The job begins anew: the checkpoint in {folder} is damaged, or of another job, version or model",
        )
    layout = None
    if present is not None:
        layout = Layout(field, present, job.restyle_strength)
        # What a checkpoint holds has gone on from the fitted field, and replaces it.
        if saved is None:
            with stages.stage("present", "Reading the present color"):
                fit_field(own_field, present, job.seed, reporter)
    elif distillation is not None and settings.warm_start is not None and saved is None:
        with stages.stage("start", "Sketching"):
            whole = CameraPlan(mesh, embree, whole_views(settings), settings.resolution, job.seed)
            first, where = (plan, field.weight) if isinstance(field, RegionField) else (whole, None)
            warm_start(field, rasteriser, first, distillation, settings, job.seed, reporter, overlap, where)
    texels = size * (rows or size) * (len(tiles.numbers) if tiles else 1)
    seconds_to_bake = texels * (BAKE_SECONDS + (DETAIL_TEXEL_SECONDS if _adds_detail(settings) else 0.0))
    with stages.stage("optimise", "Optimizing"):
        outcome = optimise(
            field,
            rasteriser,
            plan,
            Objective(settings, distillation, statistics, layout),
            job.seed,
            reporter,
            checkpoint,
            draw_frame=lambda: preview_baker.bake(field),
            seconds_after=seconds_to_bake + (DETAIL_SECONDS if _adds_detail(settings) else 0.0),
            overlap=overlap,
            frame_extent=tiles.extent if tiles else 1,
            saved=saved,
        )
    if outcome.nothing_done and present is None and settings.warm_start is None:
        checkpoint.remove()
        if not outcome.records:
            raise Cancelled
        raise JobError(
            "non_finite",
            f"There is no texture: the gradients of all {outcome.left_out} steps were not finite",
            "Try another seed, a smaller tone weight, or the CPU as device.",
        )
    with stages.stage("coverage", "Checking what is seen"):
        cameras = [camera for step in range(len(outcome.records)) for camera in plan[step]]
        coverage = coverage_of(
            uv_layout if part is None else surface,
            embree,
            cameras,
            size * (tiles.extent if tiles else 1),
            own_overlap,
            tiles.map_side(LARGEST_MAP) if tiles else LARGEST_MAP,
        )
        # Without a step there is no new colour to fill with what no camera sees; it keeps the present one.
        fill = coverage if settings.steps > 0 else None
    detail = None
    if _adds_detail(settings):
        with stages.stage("detail", "Adding the style's own strokes"):
            detail = find_detail(
                surface,
                texel,
                styles,
                extent,
                SurfaceColours(field, fill).around,
                # What is there already says what goes where, whatever the picture.
                settings.detail if present is None else replace(settings.detail, lays_out=False),
                job.seed,
                own_overlap,
                lambda done, of: _tell(reporter, done, of, seconds_to_bake),
            )
    with stages.stage("bake", "Baking the texture"):
        textures, paint = bake_textures(
            own_field, surface, tiles, size, fill, detail, folder, reporter, None if part is None else part.onto
        )
    preview = folder / PREVIEW_FILE
    with (
        stages.stage("preview", "Drawing the preview"),
        optional(reporter, "preview", f"There is no {PREVIEW_FILE}, since it could not be made"),
    ):
        views = render_views(rasteriser, paint, six_sides(meshes.bounding_radius(mesh)), PREVIEW_SIZE)
        pictures = one_below_another([image for image, _ in styles])
        write_picture(contact_sheet(pictures, views, columns=PREVIEW_COLUMNS), preview)
        front = Image.fromarray(views[0])
        write_picture(front.resize((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS), folder / THUMBNAIL_FILE)
    content_cosine = None if distillation is None else distillation.conditioning.content_cosine
    uv = {**uv_report(overlap, len(textures)), "pinched": round(pinched.surface, 4)}
    report = _report(job, settings, choice, outcome, stages, coverage, uv, textures, content_cosine, reporter.told)
    report["memory"] = {"planned": choice.memory_bytes, "most": most_memory(device)}
    if part is not None:
        report["region"] = part.report()
    # The report comes last, so that its presence says that all is there.
    with optional(reporter, "report", f"There is no {REPORT_FILE}, since it could not be written"):
        write_json(report, folder / REPORT_FILE)
    return Result(textures, tiles.numbers if tiles else (), preview, folder / REPORT_FILE, report)


def _report(
    job: Job,
    settings: OptimisationSettings,
    choice: DeviceChoice,
    outcome: Outcome,
    stages: Stages,
    coverage: Coverage,
    uv: dict[str, float],
    textures: list[Path],
    content_cosine: float | None,
    warnings: list[tuple[str, str]],
) -> dict[str, Any]:
    return describe_run(
        job=job,
        settings=settings,
        choice=choice,
        records=outcome.records,
        finished_early=outcome.finished_early,
        left_out=outcome.left_out,
        resumed_at=outcome.resumed_at,
        seconds=stages.seconds,
        coverage=coverage.shares(),
        uv=uv,
        textures=[path.name for path in textures],
        content_cosine=content_cosine,
        warnings=warnings,
    )


def _adds_detail(settings: OptimisationSettings) -> bool:
    """Whether the style image's strokes go over what was optimised; without a step, nothing was."""
    return settings.detail.strength > 0.0 and settings.steps > 0


def _tell(reporter: Reporter, done: int, of: int, seconds_after: float) -> None:
    """Report rounds of the search for strokes.

    Raises:
        Cancelled: ``reporter`` said so.
    """
    if reporter.should_cancel():
        raise Cancelled
    reporter.progress(done, of, DETAIL_SECONDS * (1.0 - done / of) + seconds_after)


def _is_unicode(text: str) -> bool:
    """Not a lone surrogate, which stands in Python for what could not be read."""
    return all(not 0xD800 <= ord(character) < 0xE000 for character in text)


def _remove_outputs(folder: Path) -> None:
    """Also what stands in their way."""
    for name in (TEXTURE_FILE, tile_file("[0-9][0-9][0-9][0-9]"), PREVIEW_FILE, THUMBNAIL_FILE, REPORT_FILE):
        for path in folder.glob(name):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
