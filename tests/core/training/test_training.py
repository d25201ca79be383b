# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled model's training: exact ground truth, and a loop that goes on as if it had never stopped."""

import json
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from core.training import rasters
from core.training.captions import OBJECT_WORDS, PATTERN_WORDS, VOCABULARY
from core.training.dataset import make_pairs
from core.training.loop import LOSSES_FILE, Samples, train
from core.training.patterns import FAMILIES
from core.training.pictures import pixel_grid, scene, swatch
from core.training.shapes import MAKERS, make_shape
from core.training.styles import sample_style
from core.training.vocabulary import write_tokenizer


@pytest.mark.parametrize("family", PATTERN_WORDS)
def test_a_pattern_gives_every_point_weights_that_sum_to_one_and_uses_two_colours(family):
    u, v = pixel_grid(64)
    weights = FAMILIES[family](u * 6 + 11, v * 6 - 5, seed=3)
    assert weights.shape == (64, 64, 3)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert weights.min() >= 0
    assert (weights.mean((0, 1)) > 0.03).sum() >= 2


def test_every_class_word_and_family_has_its_maker():
    assert set(MAKERS) == set(OBJECT_WORDS)
    assert set(FAMILIES) == set(PATTERN_WORDS)


@pytest.mark.parametrize("word", OBJECT_WORDS)
def test_a_shape_fills_the_unit_cube_and_knows_the_part_of_every_triangle(word):
    shape = make_shape(word, np.random.default_rng(0))
    assert np.abs(shape.mesh.positions).max() == pytest.approx(0.9, abs=1e-3)
    assert len(shape.part) == len(shape.mesh.triangles)
    assert (shape.part == 0).any()


def test_a_style_is_the_same_for_the_same_seed_and_its_colours_differ():
    first, again = (sample_style(np.random.default_rng(5)) for _ in range(2))
    u, v = pixel_grid(32)
    np.testing.assert_array_equal(first.colour(u, v), again.colour(u, v))
    assert np.abs(first.colours[0] - first.colours[1]).max() > 0.1


def test_pictures_have_the_style_and_scenes_say_what_they_show():
    rng = np.random.default_rng(2)
    style = sample_style(rng)
    assert swatch(style, 32, rng).shape == (32, 32, 3)
    captions = [scene(style, 32, rng)[1] for _ in range(20)]
    assert any("sun" in caption for caption in captions)
    assert all(word in VOCABULARY for caption in captions for word in caption.split())


def test_pairs_show_an_object_and_its_style_with_their_ground_truth():
    views = rasters.cast(1, 2, seed=0)
    pairs = make_pairs(views, 6, seed=0)
    assert pairs.target.shape == pairs.style_image.shape == (6, 64, 64, 3)
    assert all(views.word[view] == OBJECT_WORDS[word] for view, word in zip(pairs.raster, pairs.word, strict=True))
    again = make_pairs(views, 6, seed=0)
    np.testing.assert_array_equal(pairs.target, again.target)


def test_known_words_are_single_tokens_and_unknown_ones_are_spelt(tmp_path):
    tokenizer = write_tokenizer(VOCABULARY, tmp_path)
    assert len(tokenizer("a house").input_ids) == 4  # start, a, house, end
    assert len(tokenizer("zyzzyva").input_ids) > 4


def test_an_interrupted_training_ends_like_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr("core.training.loop.CHECKPOINT_SECONDS", 0.0)
    data = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))

    def run(folder, interrupted_at=None):
        torch.manual_seed(1)
        model, samples = nn.Linear(3, 1), Samples(40, 8, seed=0)

        def losses(numbers, rng):
            if interrupted_at is not None and np.array_equal(numbers, samples.batch(interrupted_at)):
                raise KeyboardInterrupt
            return {"square": (model(data[numbers]) - rng.random() - torch.rand(())).square().mean()}

        train(model, losses, samples, 20, 1e-2, folder)
        return load_file(folder / "average.safetensors")

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", interrupted_at=7)
    parts = run(tmp_path / "parts")
    for name in whole:
        torch.testing.assert_close(whole[name], parts[name], rtol=0, atol=0)


def test_losses_of_the_stages_that_have_begun_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is for development only")
    from core.training.curves import draw_losses

    for stage, falling in (("vae", (0.5, 0.2)), ("denoiser", (0.3, 0.1))):
        (tmp_path / stage).mkdir()
        lines = [json.dumps({"step": 50 * (n + 1), "seconds": 9.0, "loss": loss}) for n, loss in enumerate(falling)]
        (tmp_path / stage / LOSSES_FILE).write_text("\n".join(lines))
    draw_losses(tmp_path, tmp_path / "two.png")
    (tmp_path / "denoiser" / LOSSES_FILE).unlink()
    draw_losses(tmp_path, tmp_path / "one.png")
    two, one = (Image.open(tmp_path / name) for name in ("two.png", "one.png"))
    assert two.width == pytest.approx(2 * one.width, rel=0.02)
    assert len(np.unique(np.asarray(one))) > 10


def test_one_command_trains_all_stages_in_order_and_stops_where_one_fails(monkeypatch):
    from core.training import __main__ as command

    begun = []

    def run(arguments, check):
        stage = next(name for name in command.STAGES if name in arguments)
        begun.append((stage, "torch.distributed.run" in arguments))
        if stage == "denoiser":
            raise subprocess.CalledProcessError(1, arguments)

    monkeypatch.setattr(command.subprocess, "run", run)
    monkeypatch.setattr(command.sys, "argv", ["core.training", "all"])
    with pytest.raises(subprocess.CalledProcessError):
        command.main()
    assert begun == [("data", False), ("vae", False), ("clip", True), ("denoiser", True)]
