# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for the content caption come from the joint space alone."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from core.diffusion.suggesting.nouns import NOUNS
from core.diffusion.suggesting.suggestion import load_joint_space, suggest_content
from core.evaluation.styles import SAMPLES
from core.models.profiles import profile
from core.training.benchmark import held_out_styles, swatches


@pytest.fixture(scope="module")
def space(model_folder):
    return load_joint_space(profile("bundled", model_folder))


def embedding_of(space, text):
    tokens = space.caption_tokenizer(
        text, padding="max_length", max_length=space.caption_tokenizer.model_max_length, return_tensors="pt"
    ).input_ids
    with torch.no_grad():
        return space.caption_encoder(tokens).text_embeds


def seeing(space, embedding):
    """``space`` to whose image encoder every picture is ``embedding`` [1, D]."""
    shown = SimpleNamespace(image_embeds=embedding)
    return dataclasses.replace(space, image_encoder=lambda pixels: shown)


def test_the_word_whose_direction_the_picture_has_comes_first(space, style_picture):
    words = ("tree", "moon", "house", "chair")
    each = torch.cat([embedding_of(space, f"a {word}") for word in words])
    each = each / each.norm(dim=-1, keepdim=True)
    for number, word in enumerate(words):
        found = suggest_content(seeing(space, 3.0 * (each[number] - each.mean(0))[None]), style_picture, words)
        assert found[0].word == word and found[0].score == pytest.approx(1.0, abs=1e-3)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_words_that_the_model_never_learnt_are_left_out(space, style_picture):
    tree, moon, plain = (embedding_of(space, text) for text in ("a tree", "a moon", "a flat pattern"))
    both = seeing(space, tree + moon - 2.0 * plain)
    found = suggest_content(both, style_picture, ("tree", "zyzzyva", "dragon", "moon"), count=5)
    assert {one.word for one in found} == {"tree", "moon"}
    assert suggest_content(both, style_picture, ("zyzzyva",)) == []


def test_a_flat_pattern_shows_nothing_and_a_painting_does():
    shipped, patterns = load_joint_space(profile("bundled")), swatches(held_out_styles())
    for name in ("01-striped", "02-dotted", "04-brick"):
        assert suggest_content(shipped, patterns[name]) == []
    wave = Image.open(SAMPLES / "great_wave.jpg").convert("RGB")
    assert {"mountain", "waves"} <= {one.word for one in suggest_content(shipped, wave)}


def test_the_list_has_each_noun_as_one_lower_case_word():
    assert len(NOUNS) > 200
    assert all(word == word.lower() and " " not in word for word in NOUNS)
