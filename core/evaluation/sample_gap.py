# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of what the diffusion model can paint arrives in a texture.

The reference are DDIM samples of the same networks with the same words, style, guidance and ControlNet images, seen by
cameras as the model was trained with: what it paints when it need not agree with itself from view to view. Renders of
the texture from the same cameras, at the samples' resolution, are measured beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab
from torch import Tensor

from ..diffusion.conditioning import Embeddings, condition
from ..diffusion.guidance import ddim_step, guided_noise
from ..diffusion.networks import Networks
from ..inputs.pictures import open_as_it_is
from ..optimisation.presets import OptimisationSettings
from ..views.cameras import Camera, ViewSampling
from ..views.embree import EmbreeRasteriser
from ..views.step_views import Views, average_down, step_views
from .cases import Case
from .judge import Judge
from .style_distance import StyleSignature
from .views import VIEW_SIZE, View, enlarged, evaluation_cameras, picture_view, textured_views

DDIM_STEPS = 25
_BLOCKS = 8
"""Blocks along a side of a view whose mean colours tell parts of the object apart."""


@dataclass(frozen=True)
class Likeness:
    """One set of views compared with the style image; smaller is nearer."""

    judge: float
    """Of ``judge``."""
    pattern: float
    """Of ``judge``, centred: without the mean of its features, which mush can come near to."""
    palette: float
    """Colour part of the style distance."""
    structure: float
    """Structure part of the style distance."""


@dataclass(frozen=True)
class SampleGap:
    """A texture beside the samples."""

    samples: Likeness
    """Of the DDIM samples."""
    texture: Likeness
    """Of the texture."""
    parts: float
    """Mean CIELAB difference between the colours of the same places in samples and texture, an eighth of a view wide:
    whether the legs that the model paints brown are brown."""


def measure_gap(sampled: Sequence[View], painted: Sequence[View], picture: Image.Image, judge: Judge) -> SampleGap:
    """Measure what ``gap_views`` gave of a case with the style image ``picture``."""
    style = picture_view(picture)
    return SampleGap(_likeness(sampled, style, judge), _likeness(painted, style, judge), _parts(sampled, painted))


def gap_views(case: Case, settings: OptimisationSettings, networks: Networks) -> tuple[list[View], list[View]]:
    """Views of the samples and of the texture of a finished ``case`` that was made with ``settings``: the same cameras,
    masks and resolution.
    """
    mesh, cameras = case.mesh.mesh, reference_cameras(settings)
    views = next(step_views(EmbreeRasteriser(mesh), [cameras], [0], settings.resolution, settings.supersampling))
    conditioning = condition(networks, case.job, case.style.picture)
    count, height, width = views.shape
    covered = views.weights.new_zeros(count * height * width).index_add_(0, views.pixels, views.weights)
    masks = average_down(covered.reshape(count, 1, height, width), settings.supersampling)[:, 0] > 0.999
    images = ddim_samples(networks, conditioning.rows(views.directions), views, settings, case.job.seed)
    with open_as_it_is(case.texture) as file:
        texture = np.asarray(file.convert("RGB"))
    side = settings.resolution
    renders = [
        Image.fromarray(view.image).resize((side, side), Image.Resampling.BOX)
        for view in textured_views(mesh, texture, cameras=cameras)
    ]
    samples = (images.clamp(0.0, 1.0) * 255.0).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return (
        [enlarged(Image.fromarray(image), mask.numpy()) for image, mask in zip(samples, masks, strict=True)],
        [enlarged(image, mask.numpy()) for image, mask in zip(renders, masks, strict=True)],
    )


def reference_cameras(settings: OptimisationSettings) -> list[Camera]:
    """The directions of ``evaluation.views``, from where the run's views of the whole object are taken on average."""
    views = settings.views if isinstance(settings.views, ViewSampling) else ViewSampling()
    distance, fov = fmean(views.distance), fmean(views.fov_degrees)
    return [Camera(camera.azimuth, camera.elevation, distance, fov) for camera in evaluation_cameras(1.0)]


@torch.no_grad()
def ddim_samples(
    networks: Networks, embeddings: Embeddings, views: Views, settings: OptimisationSettings, seed: int
) -> Tensor:
    """Images [B, 3, h, w] of B views, each sampled by itself from noise of its own."""
    side = settings.resolution // networks.latent_factor
    generator = torch.Generator().manual_seed(seed)
    channels = networks.vae.config.latent_channels
    z = torch.randn(views.shape[0], channels, side, side, generator=generator).to(networks.device)
    abar = networks.alphas_cumprod
    levels = torch.linspace(len(abar) - 1, 0, DDIM_STEPS + 1).round().int().tolist()
    for here, there in pairwise(levels):
        e = guided_noise(
            networks, z, here, embeddings, views.control_images, settings.controls.scales, settings.guidance
        )
        # The last step takes away all noise: at timestep 0 a little is left, which no texture has.
        z = ddim_step(z, e, abar[here], abar[there] if there else torch.ones_like(abar[0]))
    return networks.decode(z)


def summary(gaps: Sequence[SampleGap]) -> dict[str, Any]:
    """Means over the cases, and the judge's ratio of texture to samples; fit for JSON."""
    samples, textures = [asdict(gap.samples) for gap in gaps], [asdict(gap.texture) for gap in gaps]
    means = {
        name: {"samples": fmean(one[name] for one in samples), "texture": fmean(one[name] for one in textures)}
        for name in samples[0]
    }
    ratios = {f"{name}_ratio": mean["texture"] / mean["samples"] for name, mean in means.items()}
    return {**means, **ratios, "parts": fmean(gap.parts for gap in gaps)}


def _likeness(views: Sequence[View], style: View, judge: Judge) -> Likeness:
    plain, centred = (judge.distance(judge.signature(views, by), judge.signature([style], by)) for by in (False, True))
    distance = StyleSignature(views).distance(StyleSignature([style]))
    return Likeness(plain, centred, distance.colour, distance.structure)


def _parts(sampled: Sequence[View], painted: Sequence[View]) -> float:
    differences = [
        np.linalg.norm(_block_colours(one) - _block_colours(two), axis=-1)
        for one, two in zip(sampled, painted, strict=True)
    ]
    return float(np.nanmean(np.stack(differences)))


def _block_colours(view: View) -> NDArray[np.float64]:
    """[blocks, blocks, 3] mean CIELAB of the covered pixels; NaN where a block has too few."""
    size = VIEW_SIZE // _BLOCKS
    lab = rgb2lab(view.image) * view.mask[..., None]
    sums = lab.reshape(_BLOCKS, size, _BLOCKS, size, 3).sum((1, 3))
    counts = view.mask.reshape(_BLOCKS, size, _BLOCKS, size).sum((1, 3))[..., None]
    return np.where(counts > 0.1 * size * size, sums / np.maximum(counts, 1), np.nan)
