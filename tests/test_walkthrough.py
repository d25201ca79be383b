# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

from PIL import Image

from docs import walkthrough


def test_walkthrough_ends_in_a_picture_and_fits_on_two_screens(tmp_path, capsys):
    walkthrough.walk(tmp_path / "chair.png", steps=2, texture_size=64)
    assert Image.open(tmp_path / "chair.png").width > 1000
    assert Image.open(tmp_path / "chair_base_color.png").size == (64, 64)
    assert "of the surface was seen" in capsys.readouterr().out
    assert len(Path(walkthrough.__file__).read_text(encoding="utf-8").splitlines()) <= 150
