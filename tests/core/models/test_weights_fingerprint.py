# SPDX-License-Identifier: GPL-3.0-or-later
"""One set of weights is told from another."""

import shutil

import pytest

from core.models import weights_fingerprint as module
from core.models.profiles import profile
from core.models.weights_fingerprint import weights_fingerprint


@pytest.mark.parametrize("whole", [1 << 30, 1 << 16])
def test_other_weights_or_missing_ones_have_another_fingerprint(model_folder, tmp_path, monkeypatch, whole):
    monkeypatch.setattr(module, "_WHOLE", whole)
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    model = profile("bundled", folder)
    before = weights_fingerprint(model)
    assert before == weights_fingerprint(profile("bundled", model_folder)), "the place does not matter"
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1000:] = bytes(1000)
    weights.write_bytes(data)
    other = weights_fingerprint(model)
    weights.unlink()
    assert len({before, other, weights_fingerprint(model)}) == 3
