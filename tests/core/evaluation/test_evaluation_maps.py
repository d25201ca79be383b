# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps of coverage and seams show where on the UV layout a measure comes from."""

import numpy as np
import pytest
import trimesh

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.evaluation.maps import _HIDDEN, _RAMP, coverage_map, seam_map
from core.evaluation.seams import measure_seams
from core.results.coverage import measure_coverage
from core.views.cameras import Camera
from core.views.embree import EmbreeRasteriser

FRONT = Camera(0.0, 0.0, 3.5, 40.0)


@pytest.fixture(scope="module")
def box(make_mesh):
    """A box and what can be seen of it."""
    mesh = make_mesh(trimesh.creation.box())
    return mesh, measure_coverage(mesh, EmbreeRasteriser(mesh), 3.5, 256)


def test_only_what_a_camera_looked_at_is_not_pink(box):
    mesh, coverage = box
    picture = coverage_map(mesh, coverage, [FRONT])
    surface = (picture != 255).any(-1)
    hidden = (picture == _HIDDEN).all(-1)
    assert 0.8 < hidden.sum() / surface.sum() < 0.87, "five of six faces"
    front = np.zeros_like(surface)
    front[coverage.texels.row, coverage.texels.column] = coverage.texels.normal[:, 1] < -0.9
    assert (front == (surface & ~hidden)).mean() > 0.99


def test_what_is_seen_more_often_is_brighter(box):
    mesh, coverage = box
    picture = coverage_map(mesh, coverage, [FRONT, FRONT, FRONT, Camera(180.0, 0.0, 3.5, 40.0)])
    texels = coverage.texels

    def brightness(part):
        return picture[texels.row[part], texels.column[part]].astype(float).sum(-1).mean()

    often, seldom = brightness(texels.normal[:, 1] < -0.9), brightness(texels.normal[:, 1] > 0.9)
    assert often > seldom + 100


def test_a_seam_that_shows_is_yellow_and_one_that_does_not_is_dark(box):
    mesh, coverage = box
    plain = np.full((256, 256, 3), 128, np.uint8)
    assert not colours_of(seam_map(coverage, measure_seams(mesh, plain, coverage)), _RAMP[-1])
    assert colours_of(seam_map(coverage, measure_seams(mesh, plain, coverage)), _RAMP[0])
    torn = plain.copy()
    top = coverage.texels.normal[:, 2] > 0.9
    torn[coverage.texels.row[top], coverage.texels.column[top]] = (250, 40, 20)
    assert colours_of(seam_map(coverage, measure_seams(mesh, torn, coverage)), _RAMP[-1])


def colours_of(picture, colour):
    """Whether a picture has pixels of a colour."""
    return bool((picture == colour.astype(np.uint8)).all(-1).any())
