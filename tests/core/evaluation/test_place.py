# SPDX-License-Identifier: GPL-3.0-or-later
"""The place between floor and ceiling of textures of which it is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import trimesh
from PIL import Image, ImageFilter

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")
pytest.importorskip("efficientnet_lite_pytorch", reason="the judge is for development only")

from core.evaluation import place
from core.evaluation.extremes import box_projected, shuffled
from core.evaluation.judge import Judge
from core.evaluation.place import PlaceMeasure
from core.evaluation.recolour import in_colours_of
from core.evaluation.style_distance import StyleSignature
from core.evaluation.styles import sample_paths, style
from core.evaluation.views import View, picture_view
from core.geometry.crease import crease_normals
from core.geometry.mesh import Mesh
from core.views.cameras import turntable

SIZE, EXTENT = 256, 1.4
PICTURES = {path.stem: style(path).picture for path in sample_paths()}


@pytest.fixture(scope="module")
def box() -> Mesh:
    """A cube each of whose sides shows the whole texture, upright."""
    shape = trimesh.creation.box((1.4, 1.4, 1.4))
    positions = np.asarray(shape.vertices, np.float32)
    triangles = np.asarray(shape.faces, np.int32)
    corners, axis = positions[triangles], np.abs(shape.face_normals).argmax(axis=1)
    across = np.where((axis == 0)[:, None], corners[..., 1], corners[..., 0])
    upward = np.where((axis == 2)[:, None], corners[..., 1], corners[..., 2])
    uvs = np.stack([across, upward], axis=-1) / 1.4 + 0.5
    return Mesh(positions, triangles, uvs.astype(np.float32), crease_normals(positions, triangles))


@pytest.fixture(scope="module")
def measure() -> Iterator[PlaceMeasure]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, "_SIDES", (192, 256))
        yield PlaceMeasure(Judge(), PICTURES)


def texture_of(picture: Image.Image) -> Image.Image:
    """The middle of a picture, as a texture."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.convert("RGB").crop((left, top, left + side, top + side)).resize((SIZE, SIZE))


@pytest.mark.slow
def test_the_picture_itself_is_at_the_ceiling_blur_lowers_it_and_shuffled_pixels_are_at_the_floor(box, measure):
    name = "village_street"
    picture = texture_of(PICTURES[name])
    own = measure.measure(box, np.asarray(picture), name, EXTENT)
    blurred = measure.measure(box, np.asarray(picture.filter(ImageFilter.GaussianBlur(3))), name, EXTENT)
    pixels = np.asarray(picture).reshape(-1, 3)
    order = np.random.default_rng(0).permutation(len(pixels))
    mixed = measure.measure(box, pixels[order].reshape(SIZE, SIZE, 3), name, EXTENT)
    assert own.value == pytest.approx(1.0, abs=0.2)
    assert min(own.distances, key=own.distances.__getitem__) == name
    assert blurred.value < own.value - 0.2
    assert mixed.value == pytest.approx(0.0, abs=0.15)


def test_a_picture_in_the_colours_of_another_keeps_its_structure():
    wave, poppies = (picture_view(PICTURES[name], 128) for name in ("great_wave", "poppies"))
    moved = View(in_colours_of(wave.image, poppies.image), wave.mask)
    before = StyleSignature([wave]).distance(StyleSignature([poppies]))
    after = StyleSignature([moved]).distance(StyleSignature([poppies]))
    assert after.colour < 0.15 * before.colour
    edges = [np.abs(np.diff(view.image.astype(float).mean(axis=2), axis=0)).ravel() for view in (wave, moved)]
    assert np.corrcoef(edges)[0, 1] > 0.6


def test_floor_has_the_colours_of_the_picture_and_the_ceiling_its_strokes_too(box):
    picture, cameras = PICTURES["poppies"], turntable(4, 10.0)
    own = StyleSignature([picture_view(picture)])
    worst = StyleSignature([shuffled(picture, 192)]).distance(own)
    best = StyleSignature(box_projected(box, picture, cameras, 192, EXTENT)).distance(own)
    assert max(worst.colour, best.colour) < 6.0
    assert best.structure < worst.structure / 1.5
