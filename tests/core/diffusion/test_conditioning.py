# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's words and picture become the right rows."""

import dataclasses

import pytest
import torch
from PIL import Image

from core.diffusion.conditioning import DIRECTION_WORDS, condition
from core.job import Job
from core.views.cameras import Camera, direction_word

JOB = Job("Box", "a box", "style.png", content="a house")


@pytest.fixture(scope="module")
def conditioning(networks, style_picture):
    return condition(networks, JOB, style_picture)


def test_every_direction_has_a_prompt_of_its_own(conditioning):
    words = {
        direction_word(Camera(azimuth, elevation, 3.0, 30.0))
        for azimuth in range(0, 360, 15)
        for elevation in range(-90, 91, 15)
    }
    assert words == set(DIRECTION_WORDS)
    rows = conditioning.rows(("front view", "back view"))
    assert len(rows.prompt) == rows.style_tokens.shape[0] == 2
    assert not torch.equal(rows.prompt.hidden[0], rows.prompt.hidden[1])
    assert torch.equal(rows.null.hidden[0], rows.null.hidden[1])


def test_the_zero_embedding_has_image_tokens_that_no_picture_changes(networks, conditioning):
    white = condition(networks, JOB, Image.new("RGB", (32, 32), "white"))
    assert torch.equal(white.zero_tokens, conditioning.zero_tokens)
    assert not torch.allclose(white.style_tokens, conditioning.style_tokens)
    assert conditioning.rows(("front view", "back view")).zero_tokens.abs().amax(dim=(1, 2)).min() > 0.1


def test_view_words_are_left_out_when_the_profile_says_so(networks, style_picture):
    plain = dataclasses.replace(networks, profile=dataclasses.replace(networks.profile, view_words=False))
    rows = condition(plain, JOB, style_picture).rows(("front view", "back view"))
    assert torch.equal(rows.prompt.hidden[0], rows.prompt.hidden[1])


def test_without_a_caption_the_image_embedding_is_kept_whole(networks, style_picture, conditioning):
    bare = condition(networks, dataclasses.replace(JOB, content="  "), style_picture)
    kept = condition(networks, dataclasses.replace(JOB, content_removal=0.0), style_picture)
    assert bare.content_cosine is None and conditioning.content_cosine is not None
    assert torch.equal(bare.content.hidden, bare.null.hidden)
    torch.testing.assert_close(bare.style_tokens, kept.style_tokens)
    assert not torch.allclose(bare.style_tokens, conditioning.style_tokens)


def test_a_long_prompt_is_cut_to_what_the_encoder_reads(networks, style_picture):
    long = condition(networks, dataclasses.replace(JOB, prompt="a box " * 200), style_picture)
    assert long.prompts[""].hidden.shape == conditioning_shape(networks)


def conditioning_shape(networks):
    return (1, networks.tokenizer.model_max_length, networks.unet.config.cross_attention_dim)
