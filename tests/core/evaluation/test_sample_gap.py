# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples and texture are compared from the same places, in the same form."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.evaluation import sample_gap
from core.evaluation.cases import Case
from core.evaluation.judge import Judge
from core.evaluation.meshes import EvaluationMesh
from core.evaluation.sample_gap import gap_views, measure_gap, summary
from core.evaluation.styles import style
from core.job import TEXTURE_FILE, Job
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings

RED, BLUE = (200, 60, 40), (40, 60, 200)


@pytest.fixture
def settings():
    return dataclasses.replace(optimisation_settings(profile("bundled"), "draft", 0.0), supersampling=1)


@pytest.fixture
def case(tmp_path, make_mesh, style_picture):
    """A ball painted red."""
    path = tmp_path / "style.png"
    style_picture.save(path)
    Image.new("RGB", (64, 64), RED).save(tmp_path / TEXTURE_FILE)
    mesh = EvaluationMesh("ball", "a ball", make_mesh(trimesh.creation.icosphere(subdivisions=2)))
    job = Job("ball", "a ball", path.name, content="", preset="draft", texture_size=256, seed=0)
    return Case(style(path), mesh, job, tmp_path)


@pytest.fixture
def painter(monkeypatch, networks):
    """Makes the model see one colour in whatever noise it is shown, and its VAE one that knows colours."""

    def paint(colour):
        def guided(networks, z, t, *rest):
            abar = networks.alphas_cumprod[t]
            wanted = torch.tensor([*colour, 0.0]) / 255.0
            return (z - abar.sqrt() * wanted[:, None, None]) / (1.0 - abar).sqrt()

        monkeypatch.setattr(sample_gap, "guided_noise", guided)
        monkeypatch.setattr(
            type(networks),
            "decode",
            lambda self, z: torch.nn.functional.interpolate(z[:, :3], scale_factor=self.latent_factor),
        )

    return paint


def test_samples_are_what_the_model_paints_and_stand_where_the_texture_does(case, settings, networks, painter):
    painter(BLUE)
    sampled, painted = gap_views(case, settings, networks)
    assert len(sampled) == len(painted) == 8
    for one, two in zip(sampled, painted, strict=True):
        assert one.image.shape == two.image.shape and np.array_equal(one.mask, two.mask) and one.mask.mean() > 0.2
        assert np.abs(one.image[one.mask].mean(axis=0) - BLUE).max() < 3
        assert np.abs(two.image[two.mask].mean(axis=0) - RED).max() < 3


def test_a_texture_like_the_samples_has_no_gap_and_another_has_one(case, settings, networks, painter):
    judge = Judge()
    gaps = []
    for colour in (RED, BLUE):
        painter(colour)
        gaps.append(measure_gap(*gap_views(case, settings, networks), case.style.picture, judge))
    same, other = gaps
    assert same.parts < 2.0 and same.texture.palette == pytest.approx(same.samples.palette, abs=1.0)
    assert same.texture.judge == pytest.approx(same.samples.judge, abs=0.02)
    assert other.parts > 50.0
    told = summary(gaps)
    assert told["parts"] == pytest.approx((same.parts + other.parts) / 2)
    assert told["judge_ratio"] == pytest.approx(told["judge"]["texture"] / told["judge"]["samples"])
    json.dumps(told, allow_nan=False)


def test_samples_are_those_of_the_jobs_seed(case, settings, networks):
    first, again = (gap_views(case, settings, networks)[0] for _ in range(2))
    other = gap_views(dataclasses.replace(case, job=dataclasses.replace(case.job, seed=1)), settings, networks)[0]
    assert np.array_equal(first[0].image, again[0].image) and not np.array_equal(first[0].image, other[0].image)
