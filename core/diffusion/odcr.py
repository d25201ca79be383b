# SPDX-License-Identifier: GPL-3.0-or-later
"""Orthogonal decomposition for content removal (ODCR): the style embedding without what the picture shows."""

from __future__ import annotations

from torch import Tensor

from ..job import JobError


def remove_content(image_embed: Tensor, content_embed: Tensor, strength: float = 1.0) -> Tensor:
    """Orthogonal decomposition for content removal (StyleTex, eq. 9).

    Args:
        image_embed: [B, D] embedding of the style image in the joint text-image space.
        content_embed: [B, D] embedding of its content caption in the same space; need not be normalised.
        strength: 1 removes the whole projection, 0 none of it.

    Returns:
        [B, D]; at strength 1 orthogonal to ``content_embed``.

    Raises:
        JobError: ``non_finite`` when a content embedding has no length, and so no direction to remove.
    """
    squared_length = content_embed.square().sum(-1, keepdim=True)
    if not bool((squared_length > 0).all()):
        raise JobError(
            "non_finite",
            "The caption encoder gave an embedding without a direction for what the style image shows",
            "Describe the style image in other words, or leave the description empty.",
        )
    along = (image_embed * content_embed).sum(-1, keepdim=True) / squared_length
    return image_embed - strength * along * content_embed
