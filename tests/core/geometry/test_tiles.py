# SPDX-License-Identifier: GPL-3.0-or-later
"""UVs that fill several tiles get an image for each, and only where that is meant."""

import dataclasses
import json

import numpy as np
import pytest
import trimesh
from PIL import Image

from core.geometry.mesh import Mesh
from core.geometry.overlap import find_overlap
from core.geometry.tiles import find_tiles
from core.job import MESH_FILE, Job
from core.models.profiles import profile
from core.optimisation.presets import optimisation_settings
from core.results.glb import write_glb
from core.stylize import LoadedModels, stylize
from core.texture_field.field import HashGridSettings


def joined(*parts):
    """Meshes side by side, each with the tile (column, row) that its UVs go to."""
    starts = np.cumsum([0, *(len(mesh.positions) for mesh, _ in parts)])
    moved = [mesh.positions * 0.3 + (number * 0.8 - 0.4, 0, 0) for number, (mesh, _) in enumerate(parts)]
    return Mesh(
        np.concatenate(moved).astype(np.float32),
        np.concatenate([m.triangles + start for (m, _), start in zip(parts, starts, strict=False)]).astype(np.int32),
        np.concatenate([mesh.corner_uvs + np.float32(tile) for mesh, tile in parts]),
        np.concatenate([mesh.corner_normals for mesh, _ in parts]),
    )


@pytest.fixture(scope="module")
def shapes(make_mesh):
    """A cube and a ball, each unwrapped over the whole unit square."""
    return make_mesh(trimesh.creation.box()), make_mesh(trimesh.creation.icosphere(2))


@pytest.fixture
def udim(shapes):
    cube, ball = shapes
    return joined((cube, (0, 0)), (ball, (1, 0)), (cube, (0, 1)))


def test_different_layouts_in_whole_tiles_are_udim(udim):
    tiles, notice = find_tiles(udim, "auto")
    assert tiles.numbers == (1001, 1002, 1011) and notice is None
    assert tiles.extent == 2
    assert find_tiles(udim, "one") == (None, None)


def test_what_lies_in_one_tile_or_beside_the_others_is_one_image(shapes):
    cube, ball = shapes
    assert find_tiles(cube, "auto") == (None, None)
    half = dataclasses.replace(ball, corner_uvs=(ball.corner_uvs * (0.48, 1)).astype(np.float32))
    other = dataclasses.replace(cube, corner_uvs=(cube.corner_uvs * (0.48, 1) + (0.5, 0)).astype(np.float32))
    assert find_tiles(joined((half, (0, 0)), (other, (1, 0))), "auto") == (None, None)


def test_a_layout_that_is_repeated_in_other_tiles_is_one_image_unless_asked(shapes):
    cube, _ = shapes
    repeated = joined((cube, (0, 0)), (cube, (1, 0)), (cube, (3, 2)))
    assert find_tiles(repeated, "auto") == (None, None)
    tiles, _ = find_tiles(repeated, "udim")
    assert tiles.numbers == (1001, 1002, 1024)


@pytest.mark.parametrize("places", [((0, 0), (-1, 0)), ((0, 0), (10, 0)), ((0, -1), (1, -1)), ((0.5, 0), (1.5, 0))])
def test_tiles_that_udim_does_not_know_are_one_image(shapes, places):
    tiles, _ = find_tiles(joined(*zip(shapes, places, strict=True)), "auto")
    assert tiles is None


def test_a_face_that_crosses_tiles_makes_it_one_image_and_the_user_is_told(udim):
    udim.corner_uvs[0, 0] = (1.5, 0.5)
    for choice in ("auto", "udim"):
        tiles, notice = find_tiles(udim, choice)
        assert tiles is None
        assert notice.startswith(f"1 of {len(udim.triangles)} faces cross a border of the UV tiles")


def test_touching_borders_is_not_crossing_them(shapes):
    cube, ball = shapes
    square = [[(0, 0), (1, 0), (1, 1)], [(0, 0), (1, 1), (0, 1 + 5e-6)]]
    full = dataclasses.replace(
        ball,
        triangles=ball.triangles[:2],
        corner_uvs=np.array(square, np.float32),
        corner_normals=ball.corner_normals[:2],
    )
    tiles, notice = find_tiles(joined((full, (0, 0)), (cube, (1, 0))), "auto")
    assert tiles.numbers == (1001, 1002) and notice is None
    assert find_overlap(tiles.layout(joined((full, (0, 0)), (cube, (1, 0))))) is None


def test_tiles_share_nothing_with_each_other_but_copies_within_one_do(udim, shapes):
    tiles, _ = find_tiles(udim, "auto")
    assert find_overlap(tiles.layout(udim)) is None
    cube, ball = shapes
    doubled = joined((cube, (0, 0)), (ball, (1, 0)), (ball, (1, 0)))
    tiles, _ = find_tiles(doubled, "auto")
    assert 0.3 < find_overlap(tiles.layout(doubled)).shared < 0.9


def test_a_glb_has_a_part_with_a_material_for_each_tile(udim, tmp_path):
    tiles, _ = find_tiles(udim, "auto")
    parts = []
    for index, number in enumerate(tiles.numbers):
        path = tmp_path / f"base_color.{number}.png"
        Image.new("RGB", (8, 8), (80 * index, 0, 0)).save(path)
        parts.append((tiles.part(udim, index), path))
    write_glb(parts, tmp_path / "textured.glb")
    found = trimesh.load_scene(tmp_path / "textured.glb").geometry.values()
    assert sum(len(part.faces) for part in found) == len(udim.triangles)
    assert sorted(part.visual.material.name for part in found) == [f"StyleTex.{number}" for number in tiles.numbers]
    for part in found:
        red = part.visual.material.baseColorTexture.getpixel((0, 0))[0]
        assert part.visual.material.name == f"StyleTex.{tiles.numbers[red // 80]}"
        uv = np.asarray(part.visual.uv)
        assert uv.min() >= 0 and uv.max() <= 1


@pytest.fixture
def folder(tmp_path, style_picture, udim):
    folder = tmp_path / "job"
    folder.mkdir()
    np.savez(folder / MESH_FILE, **vars(udim))
    style_picture.save(folder / "style.png")
    return folder


@pytest.fixture(scope="module")
def settings():
    """Two quick steps of the style's statistics alone."""
    draft = optimisation_settings(profile("sd15"), "draft", 1.0)
    return dataclasses.replace(
        draft,
        steps=2,
        resolution=64,
        distillation_weight=0.0,
        hash_grid=HashGridSettings(levels=4, log2_entries=12),
        frame_seconds=0.0,
        frame_size=64,
    )


def test_a_job_leaves_an_image_for_each_tile(folder, settings, new_reporter, monkeypatch):
    job = Job("Things", "some things", "style.png", profile="sd15", texture_size=256, device="cpu")
    (folder / "base_color.1009.png").write_bytes(b"of an earlier run")
    shown = []
    reporter = new_reporter()
    monkeypatch.setattr(reporter, "frame", lambda image, extent: shown.append((image.shape, extent)))
    result = stylize(job, folder, reporter, LoadedModels(), settings)
    names = ["base_color.1001.png", "base_color.1002.png", "base_color.1011.png"]
    assert sorted(path.name for path in folder.glob("base_color*")) == names
    assert result.tiles == (1001, 1002, 1011) and result.base_color.name == names[0]
    report = json.loads(result.report_path.read_text())
    assert report["textures"] == names
    assert report["uv"] == {"shared": 0, "mirrored": 0, "tiles": 3, "pinched": 0}
    assert report["coverage"]["untouched"] == 0 and report["coverage"]["seen"] > 0.9
    for name in names:
        texture = np.asarray(Image.open(folder / name))
        assert texture.shape == (256, 256, 3)
        assert texture.min() > 0  # No texel is left untouched.
    side = round(64 * 2 / 3**0.5)
    assert shown and set(shown) == {((side, side, 3), 2)}
    assert not reporter.warnings


def test_one_image_can_be_asked_for(folder, settings, new_reporter):
    job = Job("Things", "some things", "style.png", profile="sd15", texture_size=256, device="cpu", tiles="one")
    reporter = new_reporter()
    result = stylize(job, folder, reporter, LoadedModels(), settings)
    assert [path.name for path in folder.glob("base_color*")] == ["base_color.png"] and result.tiles == ()
    assert result.report["uv"]["shared"] > 0.5
    assert [code for code, _ in reporter.warnings] == ["shared_texels"]
