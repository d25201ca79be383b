# SPDX-License-Identifier: GPL-3.0-or-later
"""An output folder that is not there yet."""

import pytest


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"
