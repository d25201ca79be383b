# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

pytest.importorskip("skimage", reason="the measures need scikit-image, which is for development only")

from core.command_line import main
from core.evaluation import cases
from core.evaluation.ablation import VARIANTS, variant_cases
from core.evaluation.cases import RunSettings
from core.evaluation.evaluate import undersides
from core.evaluation.meshes import chair, evaluation_mesh
from core.evaluation.shapes import SHAPES
from core.evaluation.style_distance import StyleSignature
from core.evaluation.styles import SAMPLES, style
from core.evaluation.views import evaluation_cameras, picture_view, textured_views
from core.geometry.mesh import Mesh, check
from core.geometry.texels import texel_map
from core.job import JobError
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings
from core.stylize import LoadedModels

STYLES = ["great_wave", "stained_glass", "village_street"]


@pytest.fixture
def painted(monkeypatch):
    """Lays the style image itself over the UV layout in place of optimising; remembers which cases it was asked for."""
    asked = []

    def stylize(job, folder, reporter, models, settings):
        asked.append(folder.name)
        with Image.open(folder / job.style_image) as picture:
            picture.convert("RGB").resize((256, 256)).save(folder / "base_color.png")
        report = {
            "coverage": {"seen": 0.9, "filled": 0.1, "untouched": 0.0},
            "seconds": {"optimise": 2.0},
            "steps_done": 3,
            "settings": {"statistics": {"style_extent": 1.4}},
        }
        (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")

    monkeypatch.setattr(cases, "stylize", stylize)
    return asked


@pytest.fixture
def command(tmp_path):
    mesh = tmp_path / "ball.ply"
    trimesh.creation.icosphere(subdivisions=2).export(mesh)
    paths = [str(SAMPLES / f"{name}.jpg") for name in STYLES]
    output = tmp_path / "output"
    return [
        "evaluate",
        "--styles",
        *paths,
        "--meshes",
        str(mesh),
        "--no-judge",
        "--size",
        "256",
        "--output",
        str(output),
    ]


def test_evaluation_writes_figures_table_and_picture(painted, command, tmp_path, capsys):
    assert main(command) == 0
    output = tmp_path / "output"
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))
    assert [case["style"] for case in results["cases"]] == STYLES
    assert results["first"] == {"cases": 3, "by_style_distance": 3, "by_judge": None}
    for case in results["cases"]:
        assert set(case["style_distance"]) == set(STYLES)
        assert case["style_rank"]["place"] == 1
        assert case["seams"]["ratio"] > 1.5, "a picture laid over the UV layout has seams"
        assert -1.0 <= case["baked_light"]["top"] <= 1.0
        assert 0.0 <= case["baked_light"]["best"] <= 1.0
        assert case["coverage"]["untouched"] == 0.0
    table = (output / "results.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == table
    assert "Own style nearest: 3 of 3 by style distance" in table
    with Image.open(output / "contact_sheet.png") as sheet:
        assert sheet.height > 3 * 256
        assert sheet.width > 7 * 256


def test_finished_cases_are_kept_and_changed_ones_made_again(painted, tmp_path):
    settings = cases.RunSettings("draft", "bundled", 256, 0, 1.0, None, "cpu")
    styles = [style(SAMPLES / f"{name}.jpg") for name in STYLES]
    ball = tmp_path / "ball.ply"
    trimesh.creation.icosphere(subdivisions=1).export(ball)
    meshes = [evaluation_mesh(str(ball))]

    def finish(settings):
        for case in cases.make_cases(styles, meshes, settings, tmp_path / "output"):
            cases.finish_case(case, None, LoadedModels())
        return len(painted)

    assert finish(settings) == 3
    assert finish(settings) == 3
    assert finish(replace(settings, seed=1)) == 6
    (tmp_path / "output" / "great_wave--ball" / "report.json").unlink()
    assert finish(replace(settings, seed=1)) == 7
    meshes = [replace(meshes[0], prompt="a planet")]
    assert finish(replace(settings, seed=1)) == 10


def test_ablation_leaves_out_one_part_at_a_time_and_compares(painted, command, tmp_path, capsys):
    assert main([*command, "--ablate", "whole method", "no ODCR", "SDS"]) == 0
    output = tmp_path / "output"
    assert len(painted) == 9
    jobs = {
        name: json.loads((output / name / "great_wave--ball" / "job.json").read_text())
        for name in ("whole-method", "no-odcr")
    }
    assert jobs["whole-method"]["content_removal"] == 1.0
    assert jobs["no-odcr"]["content_removal"] == 0.0
    assert "interval_matching=False" in (output / "sds" / "great_wave--ball" / "inputs.json").read_text()
    table = (output / "ablation.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == table
    assert "| no ODCR | 3 of 3 |" in table
    assert set(json.loads((output / "ablation.json").read_text())) == {"whole method", "no ODCR", "SDS"}
    assert main([*command, "--ablate", "no paint"]) == 2
    assert "There is no variant 'no paint'" in capsys.readouterr().err


def test_every_variant_differs_from_the_whole_method_in_one_part():
    whole = optimisation_settings(profile("bundled"), "draft")
    for name, variant in VARIANTS.items():
        changed = variant.change(whole) != whole or variant.content_removal != 1.0 or variant.tone is not None
        assert changed == (name != "whole method")


def test_without_statistics_the_preset_is_the_one_for_that(tmp_path):
    run = RunSettings("draft", "bundled", 1024, 0, 1.0, tone=None, device="cpu")
    styles, meshes = [style(SAMPLES / "great_wave.jpg")], [evaluation_mesh("tiny")]
    (case,) = variant_cases(VARIANTS["no statistics"], styles, meshes, run, tmp_path, LoadedModels())
    assert case.settings == optimisation_settings(profile("bundled"), "draft", 0.0) and case.job.tone == 0.0


def test_one_style_alone_cannot_be_ranked(painted, command, capsys):
    assert main([part for part in command if not part.endswith(("great_wave.jpg", "stained_glass.jpg"))]) == 2
    assert "two or more" in capsys.readouterr().err


def test_styles_of_one_name_are_refused(painted, command, tmp_path, capsys):
    twin = tmp_path / "great_wave.png"
    Image.new("RGB", (32, 32), "red").save(twin)
    assert main([*command[:2], str(twin), *command[2:]]) == 2
    assert "have one name" in capsys.readouterr().err


def test_captions_must_be_as_many_as_styles(painted, command, capsys):
    assert main([*command, "--contents", "a wave"]) == 2
    assert "1 --contents for 3 styles" in capsys.readouterr().err


def test_chair_can_be_textured_and_has_thin_parts():
    mesh = chair()
    check(mesh)
    corners = mesh.positions[mesh.triangles]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1)
    assert edges.min() < 0.05
    assert edges.max() > 1.5


def test_views_show_all_sides_with_the_colours_of_the_texture():
    mesh = chair()
    views = textured_views(mesh, np.full((64, 64, 3), (200, 30, 90), np.uint8), size=48)
    heights = [camera.position[2] for camera in evaluation_cameras(1.0)]
    assert len(views) == 8
    assert min(heights) < -1.0
    assert max(heights) > 1.0
    for view in views:
        assert view.mask.sum() > 50
        assert (view.image[view.mask] == (200, 30, 90)).all()


@pytest.mark.parametrize("name", SHAPES)
def test_hard_meshes_can_be_textured(name):
    check(evaluation_mesh(name).mesh)


def test_worse_undersides_are_told():
    ball = trimesh.creation.icosphere(3)
    uv = np.stack([np.arctan2(*ball.vertices[:, :2].T) / 7 + 0.5, ball.vertices[:, 2] / 2.1 + 0.5], axis=-1)
    faces = np.asarray(ball.faces)
    normals = ball.vertices[faces].astype(np.float32)
    mesh = Mesh(ball.vertices.astype(np.float32) * 0.9, faces.astype(np.int32), uv[faces].astype(np.float32), normals)
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    grey = noise.copy()
    grey[32:] = 128
    style_signature = StyleSignature([picture_view(Image.fromarray(noise).resize((256, 256)))])
    assert undersides(mesh, noise, style_signature) == pytest.approx(1.0, abs=0.2)
    assert undersides(mesh, grey, style_signature) > 1.5


def test_the_halves_of_a_pole_are_not_its_top_and_underside():
    pole = evaluation_mesh("pole").mesh
    texels = texel_map(pole, 256)
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 255, (256, 256, 3), dtype=np.uint8)
    style_signature = StyleSignature([picture_view(Image.fromarray(noise))])
    half_grey = noise.copy()
    upper = texels.position[:, 2] > 0
    half_grey[texels.row[upper], texels.column[upper]] = 128
    assert undersides(pole, half_grey, style_signature) == pytest.approx(1.0, abs=0.1)


def test_missing_mesh_is_named():
    with pytest.raises(JobError) as caught:
        evaluation_mesh("sofa.glb")
    assert "sofa.glb" in caught.value.message


@pytest.mark.slow
def test_suzanne_comes_from_blenders_module():
    pytest.importorskip("bpy", reason="Suzanne is made by Blender's Python module")
    suzanne = evaluation_mesh("suzanne")
    assert suzanne.prompt == "a monkey"
    assert len(suzanne.mesh.triangles) > 10_000
