# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences of an add-on that is enabled, and offline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.styletex_blender.ui.install_preferences.drawn_preferences import Preferences


@pytest.fixture
def preferences(bpy, styletex, monkeypatch, tmp_path) -> Iterator[Preferences]:
    made = Preferences(bpy, styletex, monkeypatch, tmp_path)
    made.online(False)
    yield made
    made.installer.abandon()
    made.online(False)
    addons = bpy.context.preferences.addons
    addons.remove(addons["styletex"])
