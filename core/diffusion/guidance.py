# SPDX-License-Identifier: GPL-3.0-or-later
"""Interval score matching with StyleTex's four predictions: the gradient on the latents of a batch of views."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from .conditioning import Embeddings
from .guidance_settings import GuidanceSettings
from .networks import Networks
from .timesteps import Interval


@torch.no_grad()
def interval_score_gradient(
    networks: Networks,
    latents: Tensor,
    interval: Interval,
    embeddings: Embeddings,
    control_images: Mapping[str, Tensor],
    control_scales: Sequence[float],
    settings: GuidanceSettings,
) -> Tensor:
    """Gradient of the distillation on the latents (StyleTex, eq. 12, on LucidDreamer's interval score matching).

    ``g = 0.1 * w(t) * [e_uncond + c_text (e_text - e_content) - e_s + c_style (e_style - e_uncond)]`` with
    ``w(t) = sqrt((1 - abar_t) / abar_t)``.

    Args:
        networks: the loaded profile.
        latents: [B, 4, h, w] ``z0`` of the views, float32.
        interval: ``t`` and ``delta``; ``s = max(t - delta, 0)``. ``z0`` counts as the latent at timestep 0.
        embeddings: conditions of the B views.
        control_images: [B, 3, H, W] in [0, 1] by kind of ControlNet.
        control_scales: weight of each ControlNet in the order of the profile.
        settings: scales and inversion.

    Returns:
        [B, 4, h, w], float32, for each view as if it were alone.
    """
    t = interval.timestep
    s = max(t - interval.delta, 0)
    z_s = _invert(networks, latents, s, embeddings, settings)
    e_s = _predict_null(networks, z_s, s, embeddings)
    z_t = ddim_step(z_s, e_s, networks.alphas_cumprod[s], networks.alphas_cumprod[t])

    down, middle = _control_residuals(networks, z_t, t, embeddings, control_images, control_scales)
    off = torch.zeros_like(embeddings.style_tokens)
    e_uncond, e_text, e_content, e_style = predict_noise(
        networks,
        z_t.repeat(4, 1, 1, 1),
        t,
        torch.cat([embeddings.negative, embeddings.prompt, embeddings.content, embeddings.prompt]),
        torch.cat([off, off, off, embeddings.style_tokens]),
        down,
        middle,
    ).chunk(4)

    abar = networks.alphas_cumprod[t]
    w = ((1.0 - abar) / abar).sqrt()
    score = e_uncond + settings.text_scale * (e_text - e_content) - e_s + settings.style_scale * (e_style - e_uncond)
    return settings.gradient_scale * w * score


def predict_noise(
    networks: Networks,
    latents: Tensor,
    timestep: int,
    text: Tensor,
    image_tokens: Tensor,
    down_residuals: Sequence[Tensor] | None = None,
    middle_residual: Tensor | None = None,
) -> Tensor:
    """The noise in ``latents``, whatever the network predicts.

    Args:
        networks: the loaded profile.
        latents: [R, 4, h, w], float32.
        timestep: of all rows.
        text: [R, L, D].
        image_tokens: [R, N, D]; a row of zeros has its image prompt off.
        down_residuals: the ControlNets' residuals for the R rows, or ``None`` for no ControlNet.
        middle_residual: the same for the middle block.

    Returns:
        [R, 4, h, w], float32.
    """
    output = networks.unet(
        latents.to(networks.dtype),
        timestep,
        encoder_hidden_states=(text, [image_tokens]),
        down_block_additional_residuals=down_residuals,
        mid_block_additional_residual=middle_residual,
        return_dict=False,
    )[0].float()
    if networks.prediction_type == "epsilon":
        return output
    abar = networks.alphas_cumprod[timestep]
    return abar.sqrt() * output + (1.0 - abar).sqrt() * latents


def ddim_step(z: Tensor, e: Tensor, abar: Tensor, abar_next: Tensor) -> Tensor:
    """Deterministic DDIM step from the noise level of ``abar`` to that of ``abar_next``, in either direction."""
    return abar_next.sqrt() * (z - (1.0 - abar).sqrt() * e) / abar.sqrt() + (1.0 - abar_next).sqrt() * e


def _invert(networks: Networks, latents: Tensor, s: int, embeddings: Embeddings, settings: GuidanceSettings) -> Tensor:
    """``z_s`` from ``z0`` by DDIM inversion under the null text, without image prompt and ControlNets."""
    stride = max(settings.inversion_stride, math.ceil(s / settings.inversion_steps))
    z, here = latents, 0
    while here < s:
        there = min(here + stride, s)
        e = _predict_null(networks, z, here, embeddings)
        z = ddim_step(z, e, networks.alphas_cumprod[here], networks.alphas_cumprod[there])
        here = there
    return z


def _predict_null(networks: Networks, z: Tensor, timestep: int, embeddings: Embeddings) -> Tensor:
    return predict_noise(networks, z, timestep, embeddings.null, torch.zeros_like(embeddings.style_tokens))


def _control_residuals(
    networks: Networks,
    z_t: Tensor,
    t: int,
    embeddings: Embeddings,
    images: Mapping[str, Tensor],
    scales: Sequence[float],
) -> tuple[list[Tensor], Tensor]:
    """The sum of the ControlNets' residuals for the rows [uncond, text, content, style] of the B views.

    The two prompt rows share theirs, so three rows are computed; one, by a ControlNet that does not read text.
    """
    sums: list[Tensor] = []
    texts = torch.cat([embeddings.negative, embeddings.prompt, embeddings.content])
    for control, scale in zip(networks.control_nets, scales, strict=True):
        repeats = 3 if control.reads_text else 1
        down, middle = control.model(
            z_t.to(networks.dtype).repeat(repeats, 1, 1, 1),
            t,
            encoder_hidden_states=texts if control.reads_text else embeddings.prompt,
            controlnet_cond=images[control.profile.kind].to(networks.dtype).repeat(repeats, 1, 1, 1),
            conditioning_scale=scale,
            return_dict=False,
        )
        rows = [_share_rows(residual, repeats) for residual in (*down, middle)]
        sums = rows if not sums else [total + row for total, row in zip(sums, rows, strict=True)]
    return sums[:-1], sums[-1]


def _share_rows(residual: Tensor, computed: int) -> Tensor:
    """[4B, …] residuals in the order [uncond, text, content, style] from the rows that were computed."""
    if computed == 1:
        return residual.repeat(4, 1, 1, 1)
    uncond, text, content = residual.chunk(3)
    return torch.cat([uncond, text, content, text])
