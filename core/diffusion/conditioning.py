# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's words and style image become: computed once, used at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPTokenizer

from ..job import Job
from .networks import Networks
from .odcr import remove_content
from .resting import awake
from .texts import Texts

DIRECTION_WORDS = ("front view", "side view", "back view", "overhead view", "view from below")
"""Every word of ``core.views.cameras.direction_word``."""


StyleImages: TypeAlias = Image.Image | Sequence[tuple[Image.Image, float]]
"""One picture, or several with shares that add up to 1."""


@dataclass(frozen=True)
class Embeddings:
    """The conditions of the predictions of one step, one row for each view."""

    prompt: Texts
    """The prompt, with the view's direction."""
    negative: Texts
    """The negative prompt."""
    content: Texts
    """The content caption of the style image; the null text when there is none."""
    null: Texts
    """The null text."""
    style_tokens: Tensor
    """[B, N, D] image tokens of the style embedding."""
    zero_tokens: Tensor
    """[B, N, D] image tokens of the zero embedding; not zero, since the projection's bias and LayerNorm survive."""


@dataclass(frozen=True)
class Conditioning:
    """Everything the guidance asks of a job's words and style image."""

    prompts: dict[str, Texts]
    """One row by the direction that was added to the prompt ("" for none)."""
    negative: Texts
    """One row."""
    content: Texts
    """One row."""
    null: Texts
    """One row."""
    style_tokens: Tensor
    """[1, N, D] image tokens of the style image after content removal."""
    zero_tokens: Tensor
    """[1, N, D] image tokens of the zero embedding."""
    content_cosine: float | None
    """Cosine between image and caption embedding before content removal, the greatest of several images; ``None``
    without a caption."""

    def full_precision(self) -> Conditioning:
        """The same in float32."""
        return Conditioning(
            prompts={word: text.float() for word, text in self.prompts.items()},
            negative=self.negative.float(),
            content=self.content.float(),
            null=self.null.float(),
            style_tokens=self.style_tokens.float(),
            zero_tokens=self.zero_tokens.float(),
            content_cosine=self.content_cosine,
        )

    def rows(self, directions: Sequence[str]) -> Embeddings:
        """The conditions for views that look from ``directions`` (words of ``core.views.cameras.direction_word``)."""
        count = len(directions)
        words = directions if len(self.prompts) > 1 else [""] * count
        return Embeddings(
            prompt=Texts.cat([self.prompts[word] for word in words]),
            negative=self.negative.repeated(count),
            content=self.content.repeated(count),
            null=self.null.repeated(count),
            style_tokens=self.style_tokens.expand(count, -1, -1),
            zero_tokens=self.zero_tokens.expand(count, -1, -1),
        )


@torch.no_grad()
def condition(networks: Networks, job: Job, style_image: StyleImages) -> Conditioning:
    """Encode a job's words and its style image.

    Args:
        networks: the loaded profile.
        job: prompt, content caption and strength of content removal.
        style_image: RGB; the feature extractor resizes it and takes its centre. Of several, what is left of each after
            content removal is blended by its share.
    """
    prompt, content = job.prompt.strip(), job.content.strip()
    if networks.profile.taught_prompts is not None:
        prompt = networks.profile.taught_prompts.understood(prompt)
    if networks.profile.taught_captions is not None:
        content = networks.profile.taught_captions.understood(content)
    readers = [networks.text_encoder, *([] if networks.second is None else [networks.second.encoder])]
    with awake(networks.device, *readers):
        prompts = {"": _encode_text(networks, prompt)}
        if networks.profile.view_words:
            prompts |= {word: _encode_text(networks, f"{prompt}, {word}") for word in DIRECTION_WORDS}
        negative, caption, null = (
            _encode_text(networks, text) for text in (networks.profile.negative_prompt, content, "")
        )
    images = [(style_image, 1.0)] if isinstance(style_image, Image.Image) else style_image
    with awake(networks.device, networks.image_encoder, networks.caption_encoder):
        parts = [style_embedding(networks, image, content, job.content_removal) for image, _ in images]
    style = torch.stack([share * part for (part, _), (_, share) in zip(parts, images, strict=True)]).sum(0)
    cosines = [cosine for _, cosine in parts if cosine is not None]
    return Conditioning(
        prompts=prompts,
        negative=negative,
        content=caption,
        null=null,
        style_tokens=networks.image_projection(style),
        zero_tokens=networks.image_projection(torch.zeros_like(style)),
        content_cosine=max(cosines) if cosines else None,
    )


def style_embedding(
    networks: Networks, style_image: Image.Image, content: str, strength: float
) -> tuple[Tensor, float | None]:
    """The embedding [1, D] of the style image without its content, and the cosine between the two before; its encoders
    must be awake.
    """
    pixels = networks.feature_extractor(style_image, return_tensors="pt").pixel_values
    image_embed = networks.image_encoder(pixels.to(networks.device, networks.dtype)).image_embeds
    if not content:
        return image_embed, None
    tokens = _tokens(networks.caption_tokenizer, content, networks.device)
    content_embed = networks.caption_encoder(tokens).text_embeds
    # The projection is a small difference of large sums: half precision would leave content behind.
    image, caption = image_embed.float(), content_embed.float()
    cosine = float(torch.nn.functional.cosine_similarity(image, caption))
    return remove_content(image, caption, strength).to(networks.dtype), cosine


def _encode_text(networks: Networks, text: str) -> Texts:
    tokens = _tokens(networks.tokenizer, text, networks.device)
    if networks.second is None:
        return Texts(networks.text_encoder(tokens).last_hidden_state)
    first = networks.text_encoder(tokens, output_hidden_states=True)
    tokens = _tokens(networks.second.tokenizer, text, networks.device)
    second = networks.second.encoder(tokens, output_hidden_states=True)
    encoded = Texts(torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1), second.text_embeds)
    if text:
        return encoded
    # What SDXL saw for no text in its training is zero, not an empty text.
    return Texts(torch.zeros_like(encoded.hidden), torch.zeros_like(second.text_embeds))


def _tokens(tokenizer: CLIPTokenizer, text: str, device: torch.device) -> Tensor:
    """[1, L] token numbers, padded or cut to the tokenizer's own length as in Stable Diffusion."""
    return tokenizer(
        text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    ).input_ids.to(device)
