# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core bench scale``: its meshes are sound, and real jobs fill its tables."""

import numpy as np
import pytest

from core.bench import scale
from core.diffusion.loaded_models import LoadedModels
from core.geometry.mesh import check, face_vectors
from core.geometry.overlap import find_overlap


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_the_torus_is_the_same_shape_however_finely_it_is_divided(count):
    mesh = scale.torus(count)
    check(mesh)
    assert len(mesh.triangles) == pytest.approx(count, rel=0.05)
    assert find_overlap(mesh) is None
    # It faces outwards, and has about the area of the smooth one: 4 pi^2 R r.
    faces = face_vectors(mesh)
    assert (faces * mesh.corner_normals.mean(axis=1)).sum(-1).min() > 0.0
    wide = np.ptp(mesh.positions[:, 0]) / 2.8
    assert np.linalg.norm(faces, axis=-1).sum() / 2.0 == pytest.approx(4 * np.pi**2 * 0.4 * wide**2, rel=0.02)


@pytest.mark.slow
def test_real_jobs_fill_the_tables(model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "SIZES", (256,))
    monkeypatch.setattr(scale, "OBJECTS", (1,))
    page = scale.scale(LoadedModels(model_folder), tmp_path, rounds=1, largest=1_000)
    rows = [line for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert [row.split("|")[1].strip() for row in rows] == ["1,000", "256", "1"]
    assert rows[0].count("1.00 (1.00 to 1.00)") == 3
    assert all(float(row.split("|")[2]) > 0.0 for row in rows)
