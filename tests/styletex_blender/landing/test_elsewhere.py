# SPDX-License-Identifier: GPL-3.0-or-later
"""A texture that the worker could not write into its job folder, which was removed or is full, is on its object too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from styletex.core.job import JobError


@pytest.fixture
def cube(bpy, scene):
    return bpy.data.objects["Cube"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where the worker makes its temporary folders."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


@pytest.mark.parametrize("tiles", [0, 2])
def test_it_is_put_on(bpy, cube, styletex, temporary, tiles):
    run = styletex.begin([cube, bpy.data.objects["Suzanne"]], "--elsewhere", *(["--tiles", "2"] if tiles else []))
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.end(run)
    assert [outcome.textured for outcome in run.outcomes] == [True, True], run.failures
    image = bpy.data.images[run.outcomes[0].image]
    assert image.packed_file is not None or len(image.packed_files) == max(tiles, 1)
    assert list(temporary.iterdir()) == []
    assert styletex.module("ui.results.kept_textures").kept_textures() == []


def test_where_it_cannot_go_on_it_is_kept_and_applied_later(bpy, cube, styletex, temporary, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.context.scene.styletex.destination = "beside"
    run = styletex.begin([cube], "--elsewhere")
    styletex.until(lambda: run.frames_shown >= 1)
    (tmp_path / "textures").write_text("in the way")
    styletex.end(run)
    (waiting,) = styletex.module("ui.results.kept_textures").kept_textures()
    assert waiting.landing.object_name == "Cube" and waiting.folder == run.outcomes[0].kept
    (tmp_path / "textures").unlink()
    assert bpy.ops.styletex.apply_kept(folder=waiting.folder.name) == {"FINISHED"}
    assert cube.material_slots[0].material.name == "StyleTex · Cube"


def test_where_it_cannot_be_moved_it_is_put_on_from_there(bpy, cube, styletex, temporary, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(styletex.module("folders.kept").shutil, "copytree", full)
    run = styletex.begin([cube], "--elsewhere")
    styletex.until(lambda: run.frames_shown >= 1)
    styletex.end(run)
    assert run.outcomes[0].textured, run.failures


def test_one_that_is_gone_is_no_fault_of_ours(bpy, cube, styletex):
    run = styletex.begin([cube])
    keeping = styletex.module("worker.queue.keeping")
    missing = Path(run.tasks[0].folder.path) / "base_color.png"
    shutil.rmtree(missing.parent)
    with pytest.raises(JobError, match="The finished texture is gone: No such file or directory"):
        keeping.keep_result(run.tasks[0], {"texture": str(missing)})
    styletex.module("worker.runner").cancel()
    styletex.until(lambda: run.finished)
