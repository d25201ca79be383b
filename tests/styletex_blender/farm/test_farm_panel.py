# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm as the panel shows it, and its buttons; the farm is a folder, and a test is its command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.styletex_blender.ui.test_panel import Layout, WideContext

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = [sys.executable, str(ROOT / "tests" / "core" / "batch" / "stand_in.py"), "2", "0.0"]


class Farm:
    """A folder that textures come from, and what a window's timer would see of it."""

    def __init__(self, bpy, styletex, folder: Path) -> None:
        self.bpy, self.folder = bpy, folder
        self.watching = styletex.module("farm.watching")
        self.box = styletex.module("ui.queue.farm_box")

    def send(self, *names: str) -> None:
        for found in self.bpy.data.objects:
            found.select_set(found.name in names)
        assert self.bpy.ops.styletex.send(address=str(self.folder)) == {"FINISHED"}

    def work(self) -> None:
        """What somebody runs on another machine."""
        given = ["batch", self.folder / "jobs", "--output", self.folder / "textured"]
        subprocess.run([*STAND_IN, *map(str, given)], cwd=ROOT, capture_output=True, check=False)

    def look(self) -> list[str]:
        """What the panel says after the timer's next look."""
        self.watching._look()
        drawn: list[str] = []
        icons = set(self.bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())
        self.box.draw_farm(Layout(drawn, icons), WideContext(self.bpy))
        return drawn


@pytest.fixture
def farm(bpy, scene, styletex, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    farm = Farm(bpy, styletex, tmp_path / "farm")
    yield farm
    farm.watching.end()


def textured(bpy, name):
    return f"StyleTex · {name}" in bpy.data.images


def test_what_is_sent_is_shown_and_comes_back_by_itself(bpy, farm):
    farm.send("Cube", "Suzanne")
    said = farm.look()
    assert "Cube" in said and "#0  Waiting" in said and "On the Farm" in said
    farm.work()
    said = farm.look()
    assert "On the Farm" not in said and farm.watching.told() == []
    assert textured(bpy, "Cube") and textured(bpy, "Suzanne")
    assert bpy.data.objects["Cube"].styletex.sent == ""
    assert list((farm.folder / "jobs").iterdir()) == list((farm.folder / "textured").glob("[CS]*")) == []


def test_the_same_is_not_sent_twice(bpy, farm):
    farm.send("Cube")
    farm.send("Cube")
    assert len(list((farm.folder / "jobs").iterdir())) == 1
    bpy.context.scene.styletex.seed = 7
    farm.send("Cube")
    assert [line for line in farm.look() if "Waiting" in line] == ["#0  Waiting", "#7  Waiting"]


def test_a_texture_is_taken_back(bpy, farm):
    farm.send("Cube", "Suzanne")
    farm.look()
    key = next(found.job.key for found in farm.watching.seen() if found.job.sent.object_name == "Cube")
    assert bpy.ops.styletex.farm_take_back(key=key) == {"FINISHED"}
    farm.work()
    farm.look()
    assert textured(bpy, "Suzanne") and not textured(bpy, "Cube")
    assert bpy.data.objects["Cube"].styletex.sent == "" and list((farm.folder / "jobs").iterdir()) == []


def test_what_failed_is_said_and_tried_again(bpy, farm):
    farm.send("Cube")
    (job,) = (farm.folder / "jobs").iterdir()
    (job / "mesh.npz").rename(farm.folder / "mesh.npz")
    farm.work()
    said = farm.look()
    assert "#0  Failed" in said and "[styletex.farm_resume]" in said
    assert any("lacks its file mesh.npz" in line for line in said)
    (farm.folder / "mesh.npz").rename(job / "mesh.npz")
    assert bpy.ops.styletex.farm_resume() == {"FINISHED"}
    assert "#0  Failed" not in farm.look()
    farm.work()
    farm.look()
    assert textured(bpy, "Cube")


def test_a_file_that_is_saved_under_another_name_takes_its_jobs_along(bpy, farm, tmp_path):
    farm.send("Cube")
    farm.look()
    bpy.data.objects["Cube"].name = "Box"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other.blend"))
    farm.work()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert "On the Farm" not in farm.look()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "other.blend"))
    farm.look()
    assert textured(bpy, "Box")


def test_a_file_that_was_moved_finds_its_jobs_again(bpy, farm, tmp_path):
    farm.send("Cube")
    bpy.ops.wm.save_mainfile()
    (tmp_path / "scene.blend").rename(tmp_path / "moved.blend")
    farm.work()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved.blend"))
    farm.look()
    assert textured(bpy, "Cube")


def test_an_object_with_another_material_by_now_keeps_that_and_the_texture_is_kept(bpy, farm):
    farm.send("Cube")
    bpy.data.objects["Cube"].material_slots[0].material = bpy.data.materials.new("Newer")
    farm.work()
    farm.look()
    assert not textured(bpy, "Cube")
    assert any("it was given another material" in line for line in farm.watching.told())


def test_a_file_that_was_never_saved_says_so(bpy, scene, styletex, tmp_path):
    with pytest.raises(RuntimeError, match="never saved"):
        bpy.ops.styletex.send(address=str(tmp_path / "farm"))


def test_what_nobody_came_for_is_removed_from_the_own_folder_alone(bpy, farm, styletex, monkeypatch):
    farm.send("Cube")
    sending, place = styletex.module("farm.sending"), styletex.module("farm.place")
    monkeypatch.setattr(sending, "count_today", lambda folder: 31)
    farm.send("Suzanne")
    assert len(list((farm.folder / "jobs").iterdir())) == 2
    own = place.Farm("local", farm.folder)
    orphan = farm.folder / "textured" / "Gone-1"
    orphan.mkdir()
    (orphan / "report.json").touch()
    sending._tidy(own)
    assert list((farm.folder / "jobs").iterdir()) == [] and not orphan.exists()
