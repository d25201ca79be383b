# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the joint text-image space: captions near their pictures, and style readable from the image embedding.

The caption's pull is kept weak (``CAPTION_WEIGHT``), so that image and caption embeddings meet at a cosine nearer to
real CLIP's 0.2-0.3 than to 1, and the decomposition of ODCR has something left to keep.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from skimage.color import rgb2lab
from torch import Tensor, nn
from transformers import CLIPTokenizer, CLIPVisionModelWithProjection

from .architecture import JOINT_DIMENSION, build_image_encoder, build_text_encoder
from .captions import OBJECT_WORDS, PATTERN_WORDS, object_caption
from .dataset import KINDS, Pairs
from .loop import Samples, train, training_device
from .train_vae import to_tensor

STEPS = 3000
BATCH = 128
"""Pairs a step: twice as many pictures."""
CAPTION_WEIGHT = 0.25
STYLE_DIMENSION = 64
HISTOGRAM_BINS = 64


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
        self.temperature = nn.Parameter(torch.tensor(2.5))


def palette_histogram(images: np.ndarray) -> np.ndarray:
    """float32 [N, 64]: share of pixels in each of 4 x 4 x 4 boxes of CIELAB, softly assigned along each axis."""
    lab = rgb2lab(images[:, ::3, ::3].astype(np.float32) / 255).reshape(len(images), -1, 3)
    position = np.clip((lab - (10, -50, -50)) / (80, 100, 100), 0, 1) * 3
    soft = np.maximum(0, 1 - np.abs(position[..., None] - np.arange(4)))  # [N, pixels, 3, 4]
    joint = np.einsum("npi,npj,npk->nijk", soft[:, :, 0], soft[:, :, 1], soft[:, :, 2])
    return (joint.reshape(len(images), -1) / lab.shape[1]).astype(np.float32)


def style_palettes(pairs: Pairs) -> np.ndarray:
    """float32 [N, 64]: ``palette_histogram`` of each pair's style, read from a plain swatch of its colours."""
    swatches = np.round(pairs.colours * 255).astype(np.uint8)
    return palette_histogram(np.repeat(np.repeat(swatches[:, :, None], 3, 1), 3, 2))


def captions(pairs: Pairs, numbers: np.ndarray, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Captions of targets and of style images: mostly the content alone, sometimes with the style's words."""
    targets, images = [], []
    for number in numbers:
        family, (first, second) = PATTERN_WORDS[pairs.family[number]], pairs.colour_words[number]
        style = f" in {first} and {second}" if rng.random() < 0.15 else ""
        word = OBJECT_WORDS[pairs.word[number]]
        lead = f"{family} {word}" if rng.random() < 0.15 else word
        targets.append(object_caption(rng, lead, None) + style)
        images.append(str(pairs.content[number]) + (f", {family}" if rng.random() < 0.15 else "") + style)
    return targets, images


def contrast(left: Tensor, right: Tensor, same: Tensor, scale: Tensor) -> Tensor:
    """Symmetric cross-entropy in which all partners marked in ``same`` [B, B] share the target evenly."""
    logits = scale * F.normalize(left, dim=-1) @ F.normalize(right, dim=-1).T
    aim = same / same.sum(1, keepdim=True)
    return 0.5 * (F.cross_entropy(logits, aim) + F.cross_entropy(logits.T, (same.T / same.T.sum(1, keepdim=True))))


def train_clip(pairs: Pairs, tokenizer: CLIPTokenizer, folder: Path, seed: int) -> None:
    """Train both encoders."""
    torch.manual_seed(seed)
    device = training_device()
    model = Joint(tokenizer).to(device)
    histograms = style_palettes(pairs)

    def losses(numbers: np.ndarray, rng: np.random.Generator) -> dict[str, Tensor]:
        images = np.concatenate([pairs.target[numbers], pairs.style_image[numbers]])
        embedding = model.vision(pixel_values=to_tensor(images, device)).image_embeds
        targets, references = captions(pairs, numbers, rng)
        words = targets + references
        tokens = tokenizer(words, padding="max_length", truncation=True, return_tensors="pt").input_ids
        text = model.text(input_ids=tokens.to(device)).text_embeds
        same = torch.from_numpy(np.array(words)[:, None] == np.array(words)[None]).to(device, torch.float32)
        family = torch.from_numpy(np.tile(pairs.family[numbers], 2)).to(device, torch.int64)
        palette = torch.from_numpy(np.tile(histograms[numbers], (2, 1))).to(device)
        cells = torch.from_numpy(np.tile(np.log(pairs.cells[numbers]), 2)).to(device)
        style = model.style(embedding)
        half = len(numbers)
        return {
            "caption": CAPTION_WEIGHT * contrast(embedding, text, same, model.temperature.exp().clamp(max=60)),
            "family": F.cross_entropy(model.family(embedding), family),
            "palette": 0.7 * F.cross_entropy(model.palette(embedding), palette),
            "cells": F.l1_loss(model.cells(embedding)[:, 0], cells),
            "style": 0.5 * contrast(style[:half], style[half:], torch.eye(half, device=device), torch.tensor(12.0)),
        }

    train(model, losses, Samples(len(pairs.target), BATCH, seed), STEPS, 1e-3, folder, decay=0.998)


@torch.no_grad()
def image_embeddings(vision: CLIPVisionModelWithProjection, images: np.ndarray) -> Tensor:
    """float32 [N, 256] on the CPU: embeddings of uint8 pictures."""
    batches = (to_tensor(images[i : i + 256], vision.device) for i in range(0, len(images), 256))
    return torch.cat([vision(pixel_values=batch).image_embeds.cpu() for batch in batches])


@torch.no_grad()
def joint_measures(model_folder: Path, tokenizer: CLIPTokenizer, pairs: Pairs) -> dict[str, float]:
    """Family accuracy of the style images and the mean cosine between pictures and their captions, on ``pairs``."""
    model = Joint(tokenizer).eval()
    model.load_state_dict(load_file(model_folder / "average.safetensors"))
    embedding = image_embeddings(model.vision, pairs.style_image)
    tokens = tokenizer(list(pairs.content), padding="max_length", truncation=True, return_tensors="pt").input_ids
    cosine = F.cosine_similarity(embedding, model.text(input_ids=tokens).text_embeds).numpy()
    right = (model.family(embedding).argmax(1).numpy() == pairs.family).astype(float)
    measures = {"family_accuracy": float(right.mean())}
    for number, kind in enumerate(KINDS):
        chosen = pairs.kind == number
        measures[f"family_accuracy_{kind}"] = float(right[chosen].mean())
        measures[f"caption_cosine_{kind}"] = float(cosine[chosen].mean())
    return measures
