# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled model is asked for what it was taught, whatever is typed."""

import pytest
import torch

from core.diffusion.conditioning import condition
from core.job import Job
from core.models.families.bundled_words import TAUGHT
from core.models.profiles import profile
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
    assert TAUGHT.understood(typed) == understood


def test_what_was_taught_is_left_as_it_is():
    texts = PromptNumbers().texts()[1::97]
    assert len(texts) > len(COLOUR_WORDS) * len(MATERIAL_WORDS)
    assert all(TAUGHT.understood(text) == text for text in texts)
    assert (TAUGHT.objects | TAUGHT.others) <= set(VOCABULARY)


def test_two_unknown_things_are_one_to_the_networks(networks, style_picture):
    torus, gizmo, chair = (
        condition(networks, Job("Ring", prompt, "style.png"), style_picture).prompts[""].hidden
        for prompt in ("a torus", "a gizmo", "a chair")
    )
    assert torch.equal(torus, gizmo)
    assert not torch.equal(torus, chair)


def test_models_that_read_everything_get_what_was_typed():
    assert profile("sd15").taught is None and profile("sdxl").taught is None
