# SPDX-License-Identifier: GPL-3.0-or-later
"""What a style image may show, as a proposal for the content caption: ODCR does nothing for who leaves it empty."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import cosine_similarity
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
)

from ...models.model_files import require_files, require_sound_files
from ...models.profiles import ModelProfile
from ...models.taught_words import TaughtWords
from ..loading.reading import load, load_network, quiet_libraries
from .nouns import NOUNS

_NOTHING_SHOWN = "a flat pattern"
"""Caption of a picture that shows nothing: what is no nearer to the picture than this is not on it."""


@dataclass(frozen=True)
class JointSpace:
    """The encoders of image and caption of one profile, on the processor: the part of it that suggestions need."""

    image_encoder: CLIPVisionModelWithProjection
    feature_extractor: CLIPImageProcessorPil
    caption_encoder: CLIPTextModelWithProjection
    caption_tokenizer: CLIPTokenizer
    taught: TaughtWords | None
    """The words that a small model was taught; ``None`` for one that reads everything."""


@dataclass(frozen=True)
class Suggestion:
    """A word for what the picture shows."""

    word: str
    """A noun."""
    score: float
    """Cosine between the picture and what is particular to the word among all that were compared."""


def load_joint_space(profile: ModelProfile) -> JointSpace:
    """The encoders of ``profile``.

    Raises:
        JobError: ``model_missing``.
    """
    require_files(profile)
    require_sound_files(profile)
    quiet_libraries()
    full = torch.float32
    return JointSpace(
        load_network(CLIPVisionModelWithProjection, profile, profile.image_encoder, full).eval(),
        load(CLIPImageProcessorPil, profile, profile.feature_extractor),
        load_network(CLIPTextModelWithProjection, profile, profile.caption_encoder, full).eval(),
        load(CLIPTokenizer, profile, profile.caption_tokenizer),
        profile.taught_captions,
    )


@torch.no_grad()
def suggest_content(
    space: JointSpace, style_image: Image.Image, words: tuple[str, ...] = NOUNS, count: int = 5
) -> list[Suggestion]:
    """The nouns that name best what the picture shows, the best first.

    Words that a small model was not taught are left out; of another, those that its tokenizer has no token for. So are
    those that are no nearer to the picture than the caption of a flat pattern: of such a picture no word is left.

    Args:
        space: of ``load_joint_space``.
        style_image: RGB.
        words: to choose from.
        count: at most so many.
    """
    known = [word for word in dict.fromkeys(words) if _is_known(space, word)]
    if not known:
        return []
    pixels = space.feature_extractor(style_image, return_tensors="pt").pixel_values
    image = space.image_encoder(pixels).image_embeds[0]
    texts = torch.stack([_embedding(space, f"a {word}") for word in known])
    shown = cosine_similarity(texts, image[None]) > cosine_similarity(_embedding(space, _NOTHING_SHOWN), image, dim=0)
    texts = texts / texts.norm(dim=-1, keepdim=True)
    # What all captions share says nothing of the picture, and some words are near to everything.
    scores = cosine_similarity(texts - texts.mean(dim=0), image[None])
    best = [number for number in scores.argsort(descending=True).tolist() if shown[number]]
    return [Suggestion(known[number], float(scores[number])) for number in best[:count]]


def _embedding(space: JointSpace, text: str) -> Tensor:
    tokenizer = space.caption_tokenizer
    tokens = tokenizer(
        text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    ).input_ids
    return space.caption_encoder(tokens).text_embeds[0]


def _is_known(space: JointSpace, word: str) -> bool:
    if space.taught is not None:
        return word in space.taught.objects
    start_word_end = 3
    return len(space.caption_tokenizer(word).input_ids) == start_word_end
