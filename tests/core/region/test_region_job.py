# SPDX-License-Identifier: GPL-3.0-or-later
"""A job for a part of an object: inside it changes, outside not one bit does."""

import dataclasses

import numpy as np
import pytest
import trimesh
from PIL import Image

from core import stylize as module
from core.detail.settings import DetailSettings
from core.geometry.texels import texel_map
from core.job import CHECKPOINT_FILE, MESH_FILE, REGION_FILE, Job, JobError
from core.models.profiles import profile
from core.optimisation import restyle
from core.optimisation.presets import WarmStartSettings, optimisation_settings
from core.stylize import LoadedModels, stylize
from core.texture_field.field import HashGridSettings

SIDE = 200
JOB = Job(
    "Ball",
    "a ball",
    "style.png",
    preset="draft",
    base_color="present.png",
    region=REGION_FILE,
    restyle_strength=1.0,
    region_border=0.05,
    seed=3,
)


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restyle, "FIT_STEPS", 20)
        patch.setattr(restyle, "FIT_POINTS", 1 << 12)
        patch.setattr(module, "PREVIEW_SIZE", 32)
        yield


@pytest.fixture(scope="module")
def models(model_folder):
    return LoadedModels(model_folder)


@pytest.fixture(scope="module")
def settings(model_folder):
    draft = optimisation_settings(profile("bundled", model_folder), "draft")
    return dataclasses.replace(
        draft,
        steps=4,
        views=dataclasses.replace(draft.views, views_per_step=2),
        supersampling=1,
        hash_grid=HashGridSettings(levels=4, log2_entries=12),
        frame_size=32,
        detail=DetailSettings(most_points=1000),
        warm_start=WarmStartSettings(views=2, steps=2, updates=2, points=500),
    )


@pytest.fixture(scope="module")
def quicker(settings):
    """Without the diffusion model."""
    return dataclasses.replace(settings, distillation_weight=0.0)


@pytest.fixture(scope="module")
def mesh(make_mesh):
    return make_mesh(trimesh.creation.icosphere(3))


@pytest.fixture(scope="module")
def upper(mesh):
    """[T] the faces of the upper half."""
    return mesh.positions[mesh.triangles][..., 2].mean(axis=1) > 0.2


@pytest.fixture(scope="module")
def present():
    """Noise: a texel that was read and written anew by any other way than bit for bit shows."""
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path, mesh, upper, present, style_picture):
    np.savez(tmp_path / MESH_FILE, **vars(mesh))
    np.savez(tmp_path / REGION_FILE, corner_weights=np.repeat(upper[:, None], 3, axis=1).astype(np.float32))
    style_picture.save(tmp_path / "style.png")
    Image.fromarray(present).save(tmp_path / "present.png")
    return tmp_path


def owners(mesh, faces, side=SIDE, rows=0):
    texels = texel_map(
        dataclasses.replace(
            mesh,
            triangles=mesh.triangles[faces],
            corner_uvs=mesh.corner_uvs[faces],
            corner_normals=mesh.corner_normals[faces],
        ),
        side,
        rows,
    )
    found = np.zeros((rows or side, side), dtype=bool)
    found[texels.row, texels.column] = True
    return found


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_outside_stays_bit_for_bit_and_inside_changes(
    folder, mesh, upper, present, models, settings, new_reporter, strength
):
    job = dataclasses.replace(JOB, restyle_strength=strength)
    result = stylize(job, folder, new_reporter(), models, settings)
    texture = np.asarray(Image.open(result.base_color))
    assert texture.shape == present.shape
    outside = owners(mesh, ~upper)
    np.testing.assert_array_equal(texture[outside], present[outside])
    np.testing.assert_array_equal(texture[..., 3], present[..., 3])
    inside = owners(mesh, upper) & ~outside
    assert (texture[inside, :3] != present[inside, :3]).any(axis=-1).mean() > 0.8
    assert 0.2 < result.report["region"]["surface"] < 0.5


def test_an_interrupted_job_goes_on_to_the_same_texture_and_another_region_begins_anew(
    folder, upper, models, quicker, new_reporter
):
    often = dataclasses.replace(quicker, checkpoint_seconds=0.0)
    expected = np.asarray(Image.open(stylize(JOB, folder, new_reporter(), models, often).base_color))
    with pytest.raises(ConnectionError):
        stylize(JOB, folder, new_reporter(die_at=4), models, often)
    kept = (folder / CHECKPOINT_FILE).read_bytes()
    result = stylize(JOB, folder, new_reporter(), models, often)
    assert result.report["resumed_at"] == 3
    np.testing.assert_array_equal(np.asarray(Image.open(result.base_color)), expected)
    (folder / CHECKPOINT_FILE).write_bytes(kept)
    np.savez(folder / REGION_FILE, corner_weights=np.repeat(~upper[:, None], 3, axis=1).astype(np.float32))
    reporter = new_reporter()
    assert stylize(JOB, folder, reporter, models, often).report["resumed_at"] == 0
    assert "other_checkpoint" in dict(reporter.warnings)


@pytest.mark.parametrize("transparent", [False, True])
def test_texture_that_is_no_square_keeps_its_sides_and_a_mask_says_where(
    folder, mesh, present, models, quicker, new_reporter, transparent
):
    wide = np.ascontiguousarray(present[:100, :, :3])
    Image.fromarray(wide).save(folder / "present.png")
    mask = np.zeros((50, 100), dtype=np.uint8)
    mask[:, :50] = 255
    painted = np.dstack([*3 * [np.full_like(mask, 255)], mask]) if transparent else mask
    Image.fromarray(painted).save(folder / "only.png")
    job = dataclasses.replace(JOB, region="only.png", region_border=0.0)
    texture = np.asarray(Image.open(stylize(job, folder, new_reporter(), models, quicker).base_color))
    assert texture.shape == wide.shape
    faces = (mesh.corner_uvs[..., 0] > 0.52).all(axis=1)
    outside = owners(mesh, faces, SIDE, 100)
    np.testing.assert_array_equal(texture[outside], wide[outside])
    assert (texture[:, :90] != wide[:, :90]).any()


@pytest.mark.parametrize(
    ("weights", "words"), [(0.0, "No face is in the region"), (None, "The region is of 3 triangles")]
)
def test_region_of_nothing_or_of_another_mesh_is_refused(folder, upper, models, quicker, new_reporter, weights, words):
    count = 3 if weights is None else len(upper)
    np.savez(folder / REGION_FILE, corner_weights=np.full((count, 3), weights or 0.0, dtype=np.float32))
    with pytest.raises(JobError, match=words):
        stylize(JOB, folder, new_reporter(), models, quicker)
