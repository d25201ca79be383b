# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the joint text-image space: captions near their pictures, and style readable from the image embedding.

The caption's pull is kept weak (``CAPTION_WEIGHT``), so that image and caption embeddings meet at a cosine nearer to
real CLIP's 0.2-0.3 than to 1, and the decomposition of ODCR has something left to keep. What ODCR rests on, that the
content of a picture lies along its caption, CLIP learnt from 400 million pictures; here a loss of its own teaches it:
a picture with a motif and its twin without must agree once the caption's direction is taken out of both.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPTokenizer

from .architecture import JOINT_DIMENSION, build_image_encoder, build_text_encoder
from .batches import Batch, Texts
from .captions import PATTERN_WORDS
from .colours import lab
from .fusion import constant
from .layout import PICTURE_KINDS, Layout

CAPTION_WEIGHT = 0.25
STYLE_DIMENSION = 64
HISTOGRAM_BINS = 64
NAMES_FAMILY = 0.15
"""How often the caption of a style image also names the pattern."""


class Joint(nn.Module):
    """Both encoders, and heads that are dropped after training."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text = build_text_encoder(tokenizer)
        self.vision = build_image_encoder()
        self.family = nn.Linear(JOINT_DIMENSION, len(PATTERN_WORDS))
        self.palette = nn.Linear(JOINT_DIMENSION, HISTOGRAM_BINS)
        self.cells = nn.Linear(JOINT_DIMENSION, 1)
        self.style = nn.Linear(JOINT_DIMENSION, STYLE_DIMENSION)
        self.motif = nn.Sequential(nn.Linear(JOINT_DIMENSION, 128), nn.SiLU(), nn.Linear(128, 4))
        self.temperature = nn.Parameter(torch.tensor(2.5))

    def forward(self, images: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings [.., 256] of pictures in [-1, 1] and of captions."""
        return self.vision(pixel_values=images).image_embeds, self.text(input_ids=tokens).text_embeds


def palette_histogram(colours: Tensor) -> Tensor:
    """[B, 64] from [B, 3, 3] sRGB: shares in 4 x 4 x 4 boxes of CIELAB, softly assigned along each axis."""
    low, span = (constant(each, colours.device) for each in ((10.0, -50.0, -50.0), (80.0, 100.0, 100.0)))
    position = ((lab(colours) - low) / span).clamp(0, 1) * 3
    soft = (1 - (position[..., None] - torch.arange(4, device=colours.device)).abs()).clamp(min=0)  # [B, 3, 3, 4]
    joint = torch.einsum("bci,bcj,bck->bijk", soft[:, :, 0], soft[:, :, 1], soft[:, :, 2])
    return joint.flatten(1) / colours.shape[1]


def contrast(left: Tensor, right: Tensor, same: Tensor, scale: Tensor | float) -> Tensor:
    """Symmetric cross-entropy in which all partners marked in ``same`` [B, B] share the target evenly."""
    logits = scale * F.normalize(left, dim=-1) @ F.normalize(right, dim=-1).T
    aim = same / same.sum(1, keepdim=True)
    return 0.5 * (F.cross_entropy(logits, aim) + F.cross_entropy(logits.T, (same.T / same.T.sum(1, keepdim=True))))


def joint_losses(
    model: Joint, called: Callable[..., tuple[Tensor, Tensor]], texts: Texts, batch: Batch
) -> dict[str, Tensor]:
    """Of targets, style images and their twins.

    Args:
        model: for its heads.
        called: ``model``, or what a compiler made of it.
        texts: what ``batch`` says.
        batch: with twins.
    """
    size, device = len(batch.family), batch.family.device
    count = len(texts.contents) // (1 + len(PATTERN_WORDS))
    named = torch.rand(size, device=device) < NAMES_FAMILY
    content = batch.content + torch.where(named, count * (1 + batch.family), 0)
    captions = torch.cat([batch.prompt, len(texts.prompts) + content])
    tokens = torch.cat(
        [texts.prompts[batch.prompt], texts.contents[content], texts.contents[batch.content[batch.objects]]]
    )
    images = torch.cat([batch.target, batch.style_image, batch.twin])
    with torch.autocast(device.type, torch.bfloat16, enabled=images.is_cuda):
        embedding, text = (each.float() for each in called(images, tokens))
    both, twin = embedding[: 2 * size], embedding[2 * size :]
    images_only = both[size:]
    family, cells = batch.family.repeat(2), batch.cells.log().repeat(2)
    palette = palette_histogram(torch.cat([batch.target_colours, batch.colours]))
    style = model.style(both)
    motif = model.motif(images_only)
    shown = batch.has_motif.float()
    plain = text[2 * size :]
    apart = 1 - F.cosine_similarity(_across(images_only[batch.objects], plain), _across(twin, plain))
    with_mark = shown[batch.objects]
    same = (captions[:, None] == captions[None]).float()
    return {
        "caption": CAPTION_WEIGHT * contrast(both, text[: 2 * size], same, model.temperature.exp().clamp(max=60)),
        "family": F.cross_entropy(model.family(both), family),
        "palette": 0.7 * F.cross_entropy(model.palette(both), palette),
        "cells": F.l1_loss(model.cells(both)[:, 0], cells),
        "style": 0.5 * contrast(style[:size], style[size:], torch.eye(size, device=device), 12.0),
        "motif": 0.3 * F.binary_cross_entropy_with_logits(motif[:, 0], shown)
        + (shown[:, None] * (motif[:, 1:] - batch.motif).abs()).mean(),
        "twin": (with_mark * apart).sum() / with_mark.sum().clamp(min=1),
    }


def _across(image: Tensor, caption: Tensor) -> Tensor:
    """``core.diffusion.odcr.remove_content`` without its check, for which the host would wait."""
    caption = F.normalize(caption, dim=-1)
    return image - (image * caption).sum(-1, keepdim=True) * caption


@torch.no_grad()
def joint_measures(model: Joint, texts: Texts, batch: Batch, layout: Layout) -> dict[str, float]:
    """Family accuracy of the style images and the mean cosine between pictures and their captions, by kind."""
    embedding = model.vision(pixel_values=batch.style_image).image_embeds
    cosine = F.cosine_similarity(embedding, model.text(input_ids=texts.contents[batch.content]).text_embeds)
    right = (model.family(embedding).argmax(1) == batch.family).float()
    measures = {"family_accuracy": float(right.mean())}
    for kind in PICTURE_KINDS:
        measures[f"family_accuracy_{kind}"] = float(right[layout.kinds[kind]].mean())
        measures[f"caption_cosine_{kind}"] = float(cosine[layout.kinds[kind]].mean())
    return measures
