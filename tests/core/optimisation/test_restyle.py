# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that starts from a present colour: how much of it stays is up to the strength."""

import copy
import dataclasses
import hashlib

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from core import stylize as module
from core.commands.stylize import ConsoleReporter
from core.detail.settings import DetailSettings
from core.diffusion.timesteps import AnnealedTimesteps, UniformTimesteps
from core.geometry.surface_patches import SurfacePatches
from core.geometry.texels import texel_map
from core.job import MESH_FILE, PRESETS, PROFILES, Job, JobError
from core.mesh_files.import_file import import_file
from core.models.profiles import profile
from core.optimisation import restyle
from core.optimisation.checkpoint import CHECKPOINT_FILE, Checkpoint
from core.optimisation.layout import Layout
from core.optimisation.objective import Objective
from core.optimisation.optimise import new_field, optimise
from core.optimisation.present_color import PresentColor, read_base_color
from core.optimisation.presets import optimisation_settings
from core.reporting import Cancelled
from core.results.bake import bake
from core.style.statistics import StatisticsSettings, StyleStatistics
from core.style.style_image import as_tensor
from core.stylize import LoadedModels, stylize
from core.texture_field.field import HashGridField, HashGridSettings
from core.views.camera_plan import CameraPlan
from core.views.embree import EmbreeRasteriser

SIZE = 256
STEPS = 24
FIT_STEPS = 60
JOB = Job("Ball", "a ball", "style.png", texture_size=SIZE, base_color="present.png", restyle_strength=0.5, seed=1)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


@pytest.fixture(scope="module", autouse=True)
def short_fit():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restyle, "FIT_STEPS", FIT_STEPS)
        patch.setattr(restyle, "FIT_POINTS", 1 << 13)
        patch.setattr(module, "PREVIEW_SIZE", 32)
        yield


@pytest.fixture(scope="module")
def mesh(make_mesh):
    return make_mesh(trimesh.creation.icosphere(3))


@pytest.fixture(scope="module")
def present(mesh):
    """Light and dark patches, reddish above and bluish below: uint8 [SIZE, SIZE, 3]."""

    class Patches(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(0.3))

        def forward(self, positions):
            light = 0.5 + self.scale * torch.sin(4 * positions).sum(1, keepdim=True).tanh()
            return light + 0.15 * positions[:, 2:] * torch.tensor([1.0, 0.0, -1.0])

    return bake(Patches(), texel_map(mesh, SIZE))


@pytest.fixture(scope="module")
def new_folder(tmp_path_factory, mesh, present, style_picture):
    """Makes job folders."""

    def make():
        folder = tmp_path_factory.mktemp("job")
        np.savez(folder / MESH_FILE, **vars(mesh))
        style_picture.save(folder / "style.png")
        Image.fromarray(present).save(folder / "present.png")
        return folder

    return make


@pytest.fixture(scope="module")
def settings():
    """The style's statistics alone, a few small steps."""
    draft = optimisation_settings(profile("bundled"), "draft")
    return dataclasses.replace(
        draft,
        steps=STEPS,
        resolution=64,
        supersampling=1,
        views=dataclasses.replace(draft.views, views_per_step=2),
        hash_grid=HashGridSettings(levels=6, log2_entries=13),
        distillation_weight=0.0,
        statistics=StatisticsSettings(
            style_resolution=48, step_shares=(0.6, 0.4), surface_patches=(400, 200), samples=(1, 2), style_patches=400
        ),
        frame_size=32,
    )


@pytest.fixture(scope="module")
def results(mesh, present, style_picture, settings, new_reporter, tmp_path_factory):
    """Texture and records by strength, from the core of the job: one fit, then the steps that are left."""
    colour, rasteriser, texels = PresentColor(mesh, present), EmbreeRasteriser(mesh), texel_map(mesh, SIZE)
    statistics = StyleStatistics(settings.statistics, as_tensor(style_picture), SurfacePatches(mesh))
    fitted = new_field(settings, JOB.seed, torch.device("cpu"))
    restyle.fit_field(fitted, colour, JOB.seed, new_reporter())
    made = {}
    for strength in STRENGTHS:
        field = copy.deepcopy(fitted)
        layout = Layout(field, colour, strength)
        shorter = restyle.restyled(settings, strength)
        plan = CameraPlan(mesh, rasteriser, shorter.views, shorter.resolution, JOB.seed)
        objective = Objective(shorter, None, statistics, layout)
        checkpoint = Checkpoint(tmp_path_factory.mktemp("checkpoint"), "")
        outcome = optimise(field, rasteriser, plan, objective, JOB.seed, Silent(), checkpoint, lambda: None, 0.0)
        made[strength] = (bake(field, texels), outcome.records)
    return made


class Silent(ConsoleReporter):
    """Tells nothing."""

    def __init__(self):
        self.interrupted = False

    def progress(self, *told):
        pass


def run(job, folder, settings, reporter):
    result = stylize(job, folder, reporter, LoadedModels(folder), settings)
    return result.report, np.asarray(Image.open(result.base_color))


def luma(texture):
    return texture @ np.array([0.2126, 0.7152, 0.0722])


def test_strength_0_returns_the_present_colour(new_folder, settings, present, mesh, new_reporter):
    report, texture = run(dataclasses.replace(JOB, restyle_strength=0.0), new_folder(), settings, new_reporter())
    texels = texel_map(mesh, SIZE)
    error = np.abs(texture.astype(int) - present)[texels.row, texels.column]
    assert error.mean() < 3.5
    assert np.quantile(error, 0.99) < 12.0
    assert report["steps_done"] == 0


def test_the_higher_the_strength_the_less_of_the_layout_is_left(results, present):
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is for development only")
    likeness = [
        metrics.structural_similarity(luma(texture), luma(present), data_range=255.0) for texture, _ in results.values()
    ]
    assert likeness == sorted(likeness, reverse=True)
    assert likeness[0] > 0.9
    assert likeness[0] - likeness[-1] > 0.3


def test_layout_stays_while_the_style_comes(results, present):
    losses = [record["statistics"] for record in results[0.5][1]]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    kept, lost = (np.corrcoef(luma(results[s][0]).ravel(), luma(present).ravel())[0, 1] for s in (0.5, 1.0))
    assert kept > 0.5
    assert kept > lost + 0.1


def test_strength_1_is_a_run_without_a_present_colour(new_folder, settings, new_reporter):
    short = dataclasses.replace(settings, steps=2)
    _, with_one = run(dataclasses.replace(JOB, restyle_strength=1.0), new_folder(), short, new_reporter())
    _, without = run(dataclasses.replace(JOB, base_color=None), new_folder(), short, new_reporter())
    np.testing.assert_array_equal(with_one, without)


@pytest.mark.parametrize(("strength", "lays_out"), [(0.5, False), (1.0, True)])
def test_a_pattern_is_not_laid_over_a_layout_that_stays(
    strength, lays_out, new_folder, settings, new_reporter, monkeypatch
):
    asked, find = [], module.find_detail
    monkeypatch.setattr(module, "find_detail", lambda *given: asked.append(given[5]) or find(*given))
    short = dataclasses.replace(settings, steps=2, detail=DetailSettings())
    run(dataclasses.replace(JOB, restyle_strength=strength), new_folder(), short, new_reporter())
    assert [one.lays_out for one in asked] == [lays_out]


def test_an_interrupted_run_goes_on_to_the_same_texture(new_folder, settings, new_reporter):
    every_step = dataclasses.replace(settings, steps=8, checkpoint_seconds=0.0)
    whole, expected = run(JOB, new_folder(), every_step, new_reporter())
    assert whole["steps_done"] == 4
    assert set(whole["measures"]) == {"statistics", "layout"}
    folder = new_folder()
    for die_at in (FIT_STEPS // 2, FIT_STEPS + 3):
        with pytest.raises(ConnectionError):
            run(JOB, folder, every_step, new_reporter(die_at=die_at))
    kept = (folder / CHECKPOINT_FILE).read_bytes()
    reporter = new_reporter()
    report, texture = run(JOB, folder, every_step, reporter)
    assert report["resumed_at"] == 2
    assert "present" not in reporter.stages, "the checkpoint has it"
    np.testing.assert_array_equal(texture, expected)
    (folder / CHECKPOINT_FILE).write_bytes(kept)
    Image.new("RGB", (4, 4), "green").save(folder / "present.png")
    reporter = new_reporter(cancel_in="present")
    with pytest.raises(Cancelled):
        run(JOB, folder, every_step, reporter)
    assert "present" in reporter.stages, "another picture is read anew"
    assert not (folder / CHECKPOINT_FILE).exists()


def test_parts_that_share_a_place_of_the_texture_all_start_from_it(mesh, present):
    aside = np.array([1.0, 0.0, 0.0])
    twice = dataclasses.replace(
        mesh,
        positions=np.concatenate([mesh.positions - aside, mesh.positions + aside]).astype(np.float32),
        triangles=np.concatenate([mesh.triangles, mesh.triangles + len(mesh.positions)]),
        corner_uvs=np.concatenate([mesh.corner_uvs, mesh.corner_uvs + 3.0]),
        corner_normals=np.concatenate([mesh.corner_normals] * 2),
    )
    points = PresentColor(twice, present).sample(4000, torch.Generator().manual_seed(0))
    local = points.positions - torch.sign(points.positions[:, :1]) * torch.tensor([1.0, 0.0, 0.0])
    light = 0.5 + 0.3 * torch.sin(4 * local).sum(1).tanh()
    for side in (points.positions[:, 0] < 0, points.positions[:, 0] > 0):
        assert abs(float(side.float().mean()) - 0.5) < 0.03
        assert float((points.colours[side, 1] - light[side]).abs().mean()) < 0.02


def test_holding_the_layout_ignores_how_light_the_whole_is_and_sees_what_moved(mesh, present):
    class Painted(torch.nn.Module):
        def __init__(self, colours):
            super().__init__()
            self.shift = torch.nn.Parameter(torch.zeros(()))
            self.colours = colours

        def forward(self, positions):
            return self.colours(positions) + self.shift

    colour = PresentColor(mesh, present)

    def loss(colours):
        return float(Layout(Painted(colours), colour, 0.5).loss(torch.Generator().manual_seed(0)).detach())

    def same(positions):
        light = 0.5 + 0.3 * torch.sin(4 * positions).sum(1, keepdim=True).tanh()
        return light + 0.15 * positions[:, 2:] * torch.tensor([1.0, 0.0, -1.0])

    nothing = loss(same)
    assert nothing < 1e-4
    assert loss(lambda positions: same(positions) - 0.2) == pytest.approx(nothing, abs=1e-4)
    assert loss(lambda positions: same(positions.flip(0))) > 20 * nothing
    assert loss(lambda positions: same(-positions)) > 100 * nothing


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("preset", PRESETS)
def test_strength_takes_that_share_of_the_steps_and_noise(name, preset):
    whole = optimisation_settings(profile(name), preset)
    assert restyle.restyled(whole, 1.0) == whole
    half = restyle.restyled(whole, 0.5)
    assert half.steps == whole.steps / 2
    assert half.learning_rate == pytest.approx((whole.learning_rate * whole.final_learning_rate) ** 0.5)
    assert restyle.restyled(whole, 0.0).steps == 0


@pytest.mark.parametrize(("schedule", "highest"), [(AnnealedTimesteps(), 0.9), (UniformTimesteps(), 0.98)])
@pytest.mark.parametrize("strength", [0.1, 0.4, 0.8])
def test_no_step_looks_at_more_noise_than_the_strength_allows(schedule, highest, strength):
    lowered = schedule.lowered(strength)
    generator = torch.Generator().manual_seed(0)
    seen = [lowered.interval(step, 50, generator).timestep for step in range(50) for _ in range(20)]
    assert min(seen) >= 1
    assert max(seen) <= 1000 * (0.1 + strength * (highest - 0.02)) + 25


def test_a_present_colour_that_cannot_be_read_is_named(new_folder, settings, new_reporter):
    folder = new_folder()
    (folder / "present.png").write_bytes(b"not a picture")
    with pytest.raises(JobError, match=r"present\.png") as caught:
        run(JOB, folder, settings, new_reporter())
    assert caught.value.code == "bad_image"


def test_transparent_places_are_white(tmp_path):
    Image.new("RGBA", (4, 2), (200, 100, 50, 0)).save(tmp_path / "clear.png")
    assert (read_base_color(tmp_path / "clear.png") == 255).all()


def test_a_mesh_without_uvs_is_refused_when_its_colour_should_stay(tmp_path):
    path = tmp_path / "bare.ply"
    trimesh.creation.box().export(path)
    import_file(path)
    with pytest.raises(JobError, match=r"bare\.ply has no UVs"):
        import_file(path, unwrap=False)


def test_the_fit_is_the_same_for_the_same_seed(mesh, present, new_reporter, monkeypatch):
    monkeypatch.setattr(restyle, "FIT_STEPS", 3)

    def fitted(seed):
        field = HashGridField(HashGridSettings(levels=2, log2_entries=10), torch.Generator().manual_seed(0))
        restyle.fit_field(field, PresentColor(mesh, present), seed, new_reporter())
        return hashlib.sha256(field.table.detach().numpy().tobytes()).hexdigest()

    assert fitted(0) == fitted(0) != fitted(1)
