# SPDX-License-Identifier: GPL-3.0-or-later
"""StyleTex from mesh to texture, in the order of the rooms in ``core/``, by calling their own functions.

Run it in the checkout, with the environment that the README's commands make; it takes about a minute (on a busy machine
longer, unless OMP_WAIT_POLICY=PASSIVE keeps threads that wait from spinning):

    .venv/bin/python -m docs.walkthrough [OUTPUT.png]

It leaves a picture of a chair in the style of Hokusai's wave. ``core.stylize`` does the same for a job, and besides
looks after devices, checkpoints, UDIM tiles, shared texels, restyling and the report. Equations are those of
Xie et al., "StyleTex", ACM TOG 43(6), 2024 (arXiv 2411.00399).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from PIL import Image
from rich.progress import Progress

from core.commands.stylize import ConsoleReporter
from core.detail.detail import find_detail
from core.diffusion.conditioning import condition
from core.diffusion.guidance import interval_score_gradient
from core.diffusion.networks import inject_style, load_networks
from core.diffusion.surface_noise import SurfaceNoise
from core.evaluation.meshes import chair
from core.geometry.mesh import bounding_radius
from core.geometry.surface_patches import SurfacePatches
from core.geometry.texels import texel_map, texel_side
from core.job import Job
from core.models.profiles import profile
from core.optimisation.objective import Distillation
from core.optimisation.optimise import new_field
from core.optimisation.presets import optimisation_settings
from core.optimisation.step_generator import step_generator
from core.optimisation.warm_start import warm_start, whole_views
from core.results.bake import SurfaceColours, bake
from core.results.coverage import coverage_of
from core.results.preview import contact_sheet, render_views, texture_paint
from core.style.statistics import StyleStatistics
from core.style.style_image import as_tensor, read_style_image
from core.views.camera_plan import CameraPlan
from core.views.cameras import turntable
from core.views.embree import EmbreeRasteriser
from core.views.shading import shade
from core.views.step_views import average_down, step_views

SAMPLES = Path(__file__).resolve().parents[1] / "core" / "samples"
STYLE = "great_wave.jpg"
SEED = 0


def walk(output: Path, preset: str = "draft", steps: int | None = None, texture_size: int = 512) -> None:
    """Texture a chair and leave a picture of it in ``output``; fewer ``steps`` only show that all goes together."""
    # What is asked for. The caption says what the style image shows: that is to stay out of the texture.
    content = json.loads((SAMPLES / STYLE).with_name("samples.json").read_text(encoding="utf-8"))[STYLE]["content"]
    job = Job("Chair", "a chair", STYLE, content=content, preset=preset, seed=SEED)
    model = profile("bundled")
    settings = optimisation_settings(model, job.preset)
    steps = settings.steps if steps is None else steps

    # geometry: a normalised mesh with UVs. views: who looks at it when; geometry does not change, so that is known now.
    mesh = chair()
    embree = EmbreeRasteriser(mesh)
    plan = CameraPlan(mesh, embree, settings.views, settings.resolution, SEED)

    # models, diffusion: the networks, with style injected into the style layers of the cross-attention alone (§4.2).
    networks = load_networks(model, torch.device("cpu"))
    inject_style(networks.unet, model.style_layers)

    # diffusion: what words and style image become, once. Inside, ODCR (eq. 9) takes the content out of the style:
    #     e_style = e_img - (e_img · e_c) / (e_c · e_c) * e_c
    style_image = read_style_image(SAMPLES / STYLE)
    conditioning = condition(networks, job, style_image)

    # style: beside the paper, statistics of the style image's small patches; they know nothing of where things were.
    statistics = StyleStatistics(settings.statistics, as_tensor(style_image), SurfacePatches(mesh))

    # optimisation: colours are a function of the place on the surface, so there are no seams.
    field = new_field(settings, SEED, torch.device("cpu"))
    noise = SurfaceNoise(SEED, networks.vae.config.latent_channels)
    # To begin with, one DDIM sample in several views at once, each step of which is painted into the field.
    whole = CameraPlan(mesh, embree, whole_views(settings), settings.resolution, SEED)
    with Progress() as progress:
        reporter = ConsoleReporter(progress, progress.console)
        judge = Distillation(networks, conditioning, noise)
        warm_start(field, embree, whole, judge, settings, SEED, reporter)
    optimiser = torch.optim.Adam(field.parameters(), lr=settings.learning_rate, betas=settings.betas, eps=1e-15)
    coming = step_views(embree, plan, range(steps), settings.resolution, settings.supersampling)
    for step, views in enumerate(coming):
        generator = step_generator(SEED, step)

        # What the cameras see, lit from somewhere else each time so that no shadow can be painted in.
        background = torch.rand(views.shape[0], 1, generator=generator).expand(-1, 3)
        images = views.render(field(views.positions), background)
        images = shade(images, views, settings.shading, generator) if settings.shading else images
        z0 = networks.encode(average_down(images, settings.supersampling))

        # Score distillation with four predictions at z_t (eq. 12):
        #     g = 0.1 w(t) [ e_uncond + c_text (e_text - e_content) - e_s + c_style (e_style - e_uncond) ]
        # e_content is what the caption predicts: content as the negative prompt (§4.3). In the paper z_t and e_s come
        # from z_0 by DDIM inversion; here e_s is the noise that lies on the surface, and z_t is z_0 with it.
        interval = settings.timesteps.interval(step, settings.steps, generator)
        gradient = interval_score_gradient(
            networks,
            z0.detach(),
            noise.of(views, z0.shape[-1], generator),
            interval,
            conditioning.rows(views.directions),
            views.control_images,
            settings.controls.at(step),
            settings.guidance,
        )

        pull = (gradient * z0).sum() / z0.shape[0]
        brushwork = statistics.loss(field, step / settings.steps, generator)
        optimiser.zero_grad()
        (settings.distillation_weight * pull + settings.statistics_weight * brushwork).backward()
        optimiser.step()
        # The statistics look at no renders, so they get updates of their own (in the product while the model looks).
        for _ in range(settings.statistics.updates_alone):
            optimiser.zero_grad()
            (settings.statistics_weight * statistics.loss(field, step / settings.steps, generator)).backward()
            optimiser.step()
        if step % 10 == 0:
            print(f"step {step} of {steps}, t = {interval.timestep}", flush=True)

    # results: each texel asks the field at its place on the surface; what no camera saw takes the nearest seen colour.
    seen_by = [camera for step in range(max(steps, 1)) for camera in plan[step]]
    coverage = coverage_of(mesh, embree, seen_by, texture_size)

    # detail: the field is as fine as the statistics; finer strokes are the style image's own pixels, from places whose
    # surroundings look like those on the surface and go on from each other.
    colours = SurfaceColours(field, coverage).around
    texel, extent = texel_side(mesh, texture_size), settings.statistics.style_extent
    detail = find_detail(mesh, texel, [(style_image, 1.0)], extent, colours, settings.detail, SEED)
    texture = bake(field, texel_map(mesh, texture_size), coverage, detail=detail)
    Image.fromarray(texture).save(output.with_name(f"{output.stem}_base_color.png"))
    cameras = turntable(4, 15.0, bounding_radius(mesh))
    views_of_it = render_views(embree, texture_paint(mesh, texture), cameras, 384)
    contact_sheet(style_image, views_of_it).save(output)
    print(f"{coverage.shares()['seen']:.0%} of the surface was seen; see {output}")


if __name__ == "__main__":
    walk(Path(sys.argv[1] if len(sys.argv) > 1 else "walkthrough.png"))
