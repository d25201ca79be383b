# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of the README shows every object in its style, with the picture beside it."""

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.evaluation import gallery


def test_each_object_is_shown_in_its_texture_with_its_style_image(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "SHOWN", (("poppies", "cup"), ("great_wave", "torus")))
    cases = gallery.gallery_cases(tmp_path)
    for case, colour in zip(cases, ("red", "blue"), strict=True):
        case.folder.mkdir(parents=True)
        Image.new("RGB", (64, 64), colour).save(case.texture)
    row = np.asarray(gallery.gallery(cases)).astype(int)
    cup, torus = row[:, :440], row[:, 440:]
    assert (cup[..., 0] - cup[..., 2] > 100).mean() > 0.05 and (torus[..., 2] - torus[..., 0] > 100).mean() > 0.05
    corner = cup[-20:-10, 10:60]
    assert corner.std() > 5
