# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast by octave is 1 for the picture itself, less where it is blurred and more where noise is added."""

import numpy as np
import pytest
import trimesh
from PIL import Image, ImageFilter

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.evaluation.contrast import measure_contrast
from core.evaluation.extremes import box_projected
from core.evaluation.leakage import measure_leakage
from core.evaluation.styles import sample_paths, style
from core.evaluation.views import evaluation_cameras, picture_view
from core.geometry.crease import crease_normals
from core.geometry.mesh import Mesh, bounding_radius

PICTURE = next(style(path).picture for path in sample_paths() if path.stem == "village_street")
SIZE, EXTENT = 512, 1.4


@pytest.fixture(scope="module")
def box() -> Mesh:
    """A cube each of whose sides shows the whole texture, upright."""
    shape = trimesh.creation.box((1.4, 1.4, 1.4))
    positions, triangles = np.asarray(shape.vertices, np.float32), np.asarray(shape.faces, np.int32)
    corners, axis = positions[triangles], np.abs(shape.face_normals).argmax(axis=1)
    across = np.where((axis == 0)[:, None], corners[..., 1], corners[..., 0])
    upward = np.where((axis == 2)[:, None], corners[..., 1], corners[..., 2])
    uvs = np.stack([across, upward], axis=-1) / 1.4 + 0.5
    return Mesh(positions, triangles, uvs.astype(np.float32), crease_normals(positions, triangles))


@pytest.fixture(scope="module")
def texture() -> Image.Image:
    """The middle of the picture."""
    side = min(PICTURE.size)
    left, top = (PICTURE.width - side) // 2, (PICTURE.height - side) // 2
    return (
        PICTURE.convert("RGB").crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    )


def contrast(box, texture):
    return np.array(measure_contrast(box, np.asarray(texture), PICTURE, EXTENT))


def test_the_picture_itself_has_its_own_contrast(box, texture):
    np.testing.assert_allclose(contrast(box, texture), 1.0, atol=0.2)


def test_blur_takes_the_finest_octaves_and_noise_adds_to_the_finest_alone(box, texture):
    own = contrast(box, texture)
    blurred = contrast(box, texture.filter(ImageFilter.GaussianBlur(2)))
    assert blurred[0] < 0.4 * own[0] and blurred[1] < 0.6 * own[1] and blurred[2] > 0.6 * own[2]
    noise = np.random.default_rng(0).normal(0.0, 25.0, (SIZE, SIZE, 3))
    noisy = contrast(box, np.clip(np.asarray(texture) + noise, 0, 255).astype(np.uint8))
    assert noisy[0] > 1.25 * own[0] and noisy[2] < 1.15 * own[2]


def test_a_plain_picture_has_no_contrast_to_compare_with(box, texture):
    assert measure_contrast(box, np.asarray(texture), Image.new("RGB", (64, 64), "red"), EXTENT) is None


def test_the_picture_laid_on_whole_leaks_wherever_the_motif_is_found(box):
    cameras = evaluation_cameras(bounding_radius(box))
    views, motif = box_projected(box, PICTURE, cameras, 256, EXTENT), picture_view(PICTURE)
    middle = EXTENT / (2.0 * bounding_radius(box))
    assert measure_leakage(motif, views, (middle, 1.15 * middle)).excess > 0.15
