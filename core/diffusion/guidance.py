# SPDX-License-Identifier: GPL-3.0-or-later
"""Interval score matching with StyleTex's four predictions: the gradient on the latents of a batch of views."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from .conditioning import Embeddings
from .guidance_settings import GuidanceSettings
from .networks import Networks
from .texts import Texts
from .timesteps import Interval

_TOKENS_HIDDEN_FROM_CONTROL = 4
"""Last tokens of the text that the ControlNets of the reference code do not see."""


@torch.no_grad()
def interval_score_gradient(
    networks: Networks,
    latents: Tensor,
    noise: Tensor,
    interval: Interval,
    embeddings: Embeddings,
    control_images: Mapping[str, Tensor],
    control_scales: Sequence[float],
    settings: GuidanceSettings,
) -> Tensor:
    """Gradient of the distillation on the latents (StyleTex, eq. 12, on LucidDreamer's interval score matching).

    ``g = 0.1 * w(t) * [e_uncond + c_text (e_text - e_content) - e_s + c_style (e_style - e_uncond)]`` with
    ``w(t) = sqrt((1 - abar_t) / abar_t)``. Nothing here is random: the same arguments give the same gradient.

    A timestep index ``i`` is the timestep that the networks are told and the row of ``networks.alphas_cumprod``, and
    the latent at index 0 is ``z0`` with that timestep's share of ``noise``, or without ``settings.noised_start`` ``z0``
    itself. With ``settings.reference_quirks`` index ``i`` is timestep and row ``i + 1`` instead, so it must be at most
    T - 2, and the start is always noised.

    Args:
        networks: the loaded profile.
        latents: [B, 4, h, w] ``z0`` of the views, float32.
        noise: [B, 4, h, w], float32: the step's one Gaussian draw. Plays no part where ``interval_matching`` starts
            without noise.
        interval: the index ``t``, and ``delta``; ``s = max(t - delta, 0)``, an index too.
        embeddings: conditions of the B views.
        control_images: [B, 3, H, W] in [0, 1] by kind of ControlNet.
        control_scales: weight of each ControlNet in the order of the profile.
        settings: scales, inversion and whether to follow the paper or the reference code.

    Returns:
        [B, 4, h, w], float32, for each view as if it were alone.
    """
    quirks = settings.reference_quirks
    abar = networks.alphas_cumprod
    first = 1 if quirks else 0  # The timestep of index 0.
    t = first + interval.timestep
    if settings.interval_matching:
        null_tokens = embeddings.zero_tokens if quirks else torch.zeros_like(embeddings.style_tokens)
        z_t, e_s = _invert(networks, latents, noise, interval, embeddings.null, null_tokens, settings)
    else:
        z_t, e_s = noised(latents, noise, abar[t]), noise

    w = ((1.0 - abar[t]) / abar[t]).sqrt()
    e = guided_noise(networks, z_t, t, embeddings, control_images, control_scales, settings)
    return settings.gradient_scale * w * (e - e_s)


@torch.no_grad()
def guided_noise(
    networks: Networks,
    z_t: Tensor,
    t: int,
    embeddings: Embeddings,
    control_images: Mapping[str, Tensor],
    control_scales: Sequence[float],
    settings: GuidanceSettings,
) -> Tensor:
    """The four predictions of a step, weighed: ``e_uncond + c_text (e_text - e_content) + c_style (e_style -
    e_uncond)``, float32 [B, 4, h, w].

    Args:
        networks: the loaded profile.
        z_t: [B, 4, h, w] latents at noise level ``t``, float32.
        t: the timestep that the networks are told.
        embeddings: conditions of the B views.
        control_images: [B, 3, H, W] in [0, 1] by kind of ControlNet.
        control_scales: weight of each ControlNet in the order of the profile.
        settings: scales, and whether to follow the paper or the reference code.
    """
    quirks = settings.reference_quirks
    off = torch.zeros_like(embeddings.style_tokens)
    texts = Texts.cat([embeddings.negative, embeddings.prompt, embeddings.content])
    control_texts = texts.without_last(_TOKENS_HIDDEN_FROM_CONTROL) if quirks else texts
    down, middle = _control_residuals(networks, z_t, t, control_texts, control_images, control_scales)
    e_uncond, e_text, e_content, e_style = predict_noise(
        networks,
        z_t.repeat(4, 1, 1, 1),
        t,
        Texts.cat([texts, embeddings.prompt]),
        torch.cat([off, off, embeddings.zero_tokens if quirks else off, embeddings.style_tokens]),
        down,
        middle,
    ).chunk(4)
    e_away = e_content if settings.content_negative else e_uncond
    return e_uncond + settings.text_scale * (e_text - e_away) + settings.style_scale * (e_style - e_uncond)


def predict_noise(
    networks: Networks,
    latents: Tensor,
    timestep: int,
    text: Texts,
    image_tokens: Tensor,
    down_residuals: Sequence[Tensor] | None = None,
    middle_residual: Tensor | None = None,
) -> Tensor:
    """The noise in ``latents``, whatever the network predicts.

    Args:
        networks: the loaded profile.
        latents: [R, 4, h, w], float32.
        timestep: of all rows.
        text: of the R rows.
        image_tokens: [R, N, D]; a row of zeros has its image prompt off.
        down_residuals: the ControlNets' residuals for the R rows, or ``None`` for no ControlNet.
        middle_residual: the same for the middle block.

    Returns:
        [R, 4, h, w], float32.
    """
    output = networks.unet(
        latents.to(networks.dtype),
        _on_device(timestep, latents),
        encoder_hidden_states=(text.hidden, [image_tokens]),
        added_cond_kwargs=networks.added_conditions(text),
        down_block_additional_residuals=down_residuals,
        mid_block_additional_residual=middle_residual,
        return_dict=False,
    )[0].float()
    if networks.prediction_type == "epsilon":
        return output
    abar = networks.alphas_cumprod[timestep]
    return abar.sqrt() * output + (1.0 - abar).sqrt() * latents


def _on_device(timestep: int, latents: Tensor) -> Tensor:
    """A timestep as the networks take it without waiting for the device."""
    return torch.full((), timestep, dtype=torch.int64, device=latents.device)


def _invert(
    networks: Networks,
    latents: Tensor,
    noise: Tensor,
    interval: Interval,
    null_text: Texts,
    null_tokens: Tensor,
    settings: GuidanceSettings,
) -> tuple[Tensor, Tensor]:
    """``z_t`` by DDIM inversion of ``z0`` under the null text, and ``e_s``, both [B, 4, h, w]."""
    quirks, abar = settings.reference_quirks, networks.alphas_cumprod
    first = 1 if quirks else 0
    s = max(interval.timestep - interval.delta, 0)
    z = noised(latents, noise, abar[first]) if settings.noised_start or quirks else latents
    predictions: list[Tensor] = []
    for here, there in pairwise(first + index for index in (*inversion_indexes(s, settings), interval.timestep)):
        predictions.append(predict_noise(networks, z, here, null_text, null_tokens))
        z = ddim_step(z, predictions[-1], abar[here], abar[there])
    # The reference code steps to s = 0 too, by no length: there the prediction before s is the one at s.
    return z, predictions[-2] if quirks and s > 0 else predictions[-1]


def noised(latents: Tensor, noise: Tensor, abar: Tensor) -> Tensor:
    """``latents`` at the noise level of ``abar``."""
    return abar.sqrt() * latents + (1.0 - abar).sqrt() * noise


def ddim_step(z: Tensor, e: Tensor, abar: Tensor, abar_next: Tensor) -> Tensor:
    """Deterministic DDIM step from the noise level of ``abar`` to that of ``abar_next``, in either direction."""
    return abar_next.sqrt() * (z - (1.0 - abar).sqrt() * e) / abar.sqrt() + (1.0 - abar_next).sqrt() * e


def inversion_indexes(s: int, settings: GuidanceSettings) -> tuple[int, ...]:
    """The timestep indexes at which the inversion predicts noise under the null text: 0, every stride below ``s``, and
    ``s``, from where it steps to ``t``.
    """
    stride = max(settings.inversion_stride, math.ceil(s / settings.inversion_steps))
    return (*range(0, s, stride), s)


def _control_residuals(
    networks: Networks,
    z_t: Tensor,
    t: int,
    texts: Texts,
    images: Mapping[str, Tensor],
    scales: Sequence[float],
) -> tuple[list[Tensor], Tensor]:
    """The sum of the ControlNets' residuals for the rows [uncond, text, content, style] of the B views.

    ``texts`` are 3B rows of [uncond, text, content]. The two prompt rows share their residuals, so three rows are
    computed; one, by a ControlNet that does not read text.
    """
    sums: list[Tensor] = []
    for control, scale in zip(networks.control_nets, scales, strict=True):
        repeats = 3 if control.reads_text else 1
        seen = texts if control.reads_text else texts[: z_t.shape[0]]
        down, middle = control.residuals(
            z_t.to(networks.dtype).repeat(repeats, 1, 1, 1),
            _on_device(t, z_t),
            seen,
            [images[kind].to(networks.dtype).repeat(repeats, 1, 1, 1) for kind in control.profile.kinds],
            scale,
            networks.added_conditions(seen),
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
