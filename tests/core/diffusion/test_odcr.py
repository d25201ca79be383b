# SPDX-License-Identifier: GPL-3.0-or-later
"""ODCR removes exactly the content direction (StyleTex, eq. 9)."""

import pytest
import torch
from hypothesis import given, settings, strategies

from core.diffusion.odcr import remove_content
from core.job import JobError


@strategies.composite
def embeddings(draw):
    """An image and a content embedding of the size of the joint space, at very different lengths."""
    generator = torch.Generator().manual_seed(draw(strategies.integers(0, 2**31)))
    length = draw(strategies.floats(1e-3, 1e3))
    size = draw(strategies.sampled_from([4, 256, 1024]))
    return torch.randn(2, size, generator=generator), length * torch.randn(2, size, generator=generator)


@given(embeddings())
@settings(max_examples=50, deadline=None)
def test_result_is_orthogonal_to_the_content(pair):
    image, content = pair
    cosine = torch.nn.functional.cosine_similarity(remove_content(image, content), content)
    assert cosine.abs().max() < 1e-3


@given(embeddings(), strategies.floats(0.01, 100.0))
@settings(max_examples=50, deadline=None)
def test_length_of_the_caption_embedding_does_not_matter(pair, factor):
    image, content = pair
    torch.testing.assert_close(remove_content(image, factor * content), remove_content(image, content))


@given(embeddings())
@settings(max_examples=50, deadline=None)
def test_strength_zero_keeps_the_image_embedding_and_half_removes_half(pair):
    image, content = pair
    torch.testing.assert_close(remove_content(image, content, 0.0), image)
    half = (image + remove_content(image, content)) / 2
    torch.testing.assert_close(remove_content(image, content, 0.5), half)


@given(embeddings())
@settings(max_examples=20, deadline=None)
def test_removing_twice_removes_nothing_more(pair):
    image, content = pair
    once = remove_content(image, content)
    torch.testing.assert_close(remove_content(once, content), once, atol=1e-4, rtol=1e-4)


def test_a_content_without_direction_is_an_error_not_a_nan():
    with pytest.raises(JobError, match="without a direction"):
        remove_content(torch.ones(1, 4), torch.zeros(1, 4))
