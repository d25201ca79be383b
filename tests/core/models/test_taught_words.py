# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled model is asked for what it was taught, whatever is typed."""

import pytest
import torch

from core.diffusion.conditioning import condition
from core.job import Job
from core.models.families.bundled_words import TAUGHT_CAPTIONS, TAUGHT_PROMPTS
from core.models.profiles import profile
from core.training.batches import content_texts
from core.training.captions import COLOUR_WORDS, MATERIAL_WORDS, VOCABULARY, PromptNumbers


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("a wooden chair, side view", "a wooden chair, side view"),
        ("a torus", "a statue"),
        ("A Red TORUS", "a red statue"),
        ("a torus made of stone", "a statue of stone"),
        ("an ornate treasure chest", "an chest"),
        ("two chairs", "chair"),
        ("a toy, a box", "a, a box"),
        ("an übergroße Kiste", "an statue"),
        ("blue", "blue"),
        ("?!", ""),
    ],
)
def test_other_words_are_left_out_and_unknown_things_are_some_object(typed, understood):
    assert TAUGHT_PROMPTS.understood(typed) == understood


def test_what_was_taught_is_left_as_it_is():
    texts = PromptNumbers().texts()[1::97]
    assert len(texts) > len(COLOUR_WORDS) * len(MATERIAL_WORDS)
    assert all(TAUGHT_PROMPTS.understood(text) == text for text in texts)
    assert (TAUGHT_PROMPTS.objects | TAUGHT_PROMPTS.others) <= set(VOCABULARY)


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("a moon over hills", "a moon over hills"),
        ("a great wave with boats", "a waves with"),
        ("houses", "house"),
        ("a dragon", ""),
        ("red", ""),
        ("", ""),
    ],
)
def test_a_caption_names_what_was_taught_or_nothing(typed, understood):
    assert TAUGHT_CAPTIONS.understood(typed) == understood


def test_every_caption_of_the_training_is_understood():
    texts = content_texts()
    assert all(TAUGHT_CAPTIONS.understood(text) == text for text in texts)
    assert (TAUGHT_CAPTIONS.objects | TAUGHT_CAPTIONS.others) == set(" ".join(texts).replace(",", "").split())


def test_a_caption_of_other_words_removes_nothing(networks, style_picture):
    dragon, nothing, house = (
        condition(networks, Job("Ring", "a statue", "style.png", content=content), style_picture)
        for content in ("a dragon", "", "a house")
    )
    assert torch.equal(dragon.style_tokens, nothing.style_tokens) and dragon.content_cosine is None
    assert not torch.equal(house.style_tokens, nothing.style_tokens) and house.content_cosine is not None


def test_two_unknown_things_are_one_to_the_networks(networks, style_picture):
    torus, gizmo, chair = (
        condition(networks, Job("Ring", prompt, "style.png"), style_picture).prompts[""].hidden
        for prompt in ("a torus", "a gizmo", "a chair")
    )
    assert torch.equal(torus, gizmo)
    assert not torch.equal(torus, chair)


def test_models_that_read_everything_get_what_was_typed():
    for name in ("sd15", "sdxl"):
        assert profile(name).taught_prompts is None and profile(name).taught_captions is None
