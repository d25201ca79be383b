# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects are sent to a farm by one Blender, and get their textures in another.

Each Blender is a process of its own: the one that the environment variable BLENDER names, else the bpy module. The farm
is the real batch command, with a stand-in for the work on each texture.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from core.job import CHECKPOINT_FILE
from core.protocol import BATCH_TURN
from tests.processes import is_running, wait_until_gone

ROOT = Path(__file__).resolve().parents[3]
HEADLESS = ROOT / "styletex_blender" / "headless.py"
AS_BLENDER = ROOT / "tests" / "styletex_blender" / "as_blender.py"
STAND_IN = [sys.executable, str(ROOT / "tests" / "core" / "batch" / "stand_in.py")]
NOT_YET = 10
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="stops and ends processes by signals"),
]

MAKE = """
import bpy
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
for place, name in enumerate(NAMES):
    bpy.ops.mesh.primitive_cube_add(location=(3.0 * place, 0, 0), size=1.0 + place)
    bpy.context.object.name = name
    bpy.context.object.data.materials.append(bpy.data.materials.new(f"Old {name}"))
bpy.context.object.data.uv_layers.remove(bpy.context.object.data.uv_layers[0])
bpy.ops.wm.save_as_mainfile(filepath=OUT)
"""

LOOK = """
import bpy, json
from pathlib import Path
Path(OUT).write_text(json.dumps({
    found.name: [node.image.name for slot in found.material_slots for node in slot.material.node_tree.nodes
                 if node.type == "TEX_IMAGE" and node.image.packed_file and found.data.uv_layers]
    if any(slot.material.use_nodes for slot in found.material_slots) else []
    for found in bpy.data.objects if found.type == "MESH"}))
"""


CHANGE = """
import bpy
bpy.data.objects["Chest"].name = "Coffer"
bpy.data.objects.remove(bpy.data.objects["Lamp"])
# A new object of the old name is another one.
bpy.ops.mesh.primitive_ico_sphere_add()
bpy.context.object.name = "Chest"
bpy.context.object.data.materials.append(bpy.data.materials.new("New"))
bpy.ops.wm.save_as_mainfile(filepath=OUT)
"""


class Studio:
    """Blenders, one after the other, that share a person's own folders; and a farm."""

    def __init__(self, folder: Path, style: Path) -> None:
        self.folder, self.style = folder, style
        self.scene = folder / "scene.blend"
        self.step_seconds = 0.02

    def blender(self, scene: Path, script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        if program := os.environ.get("BLENDER"):
            start = [program, "-b", "--factory-startup", str(scene), "--python-exit-code", "1"]
        else:
            start = [sys.executable, str(AS_BLENDER), str(scene)]
        worker = json.dumps([*STAND_IN, "10", str(self.step_seconds), "worker"])
        return subprocess.run(
            [*start, "-P", str(script), "--", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "STYLETEX_WORKER": worker, "BLENDER_USER_RESOURCES": str(self.folder / "user")},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def script(self, text: str, scene: Path, **values: object) -> None:
        path = self.folder / "script.py"
        path.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()) + text)
        done = self.blender(scene, path)
        assert done.returncode == 0, done.stdout + done.stderr

    def make(self, *names: str) -> None:
        empty = self.folder / "empty.blend"
        if os.environ.get("BLENDER"):
            self.script(MAKE, Path("--offline-mode"), NAMES=names, OUT=str(self.scene))
            return
        import bpy

        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(empty))
        self.script(MAKE, empty, NAMES=names, OUT=str(self.scene))

    def send(self, address: object = "local", *more: object) -> subprocess.CompletedProcess[str]:
        which = () if "--objects" in more else ("--all",)
        what = ("--style", self.style, *which, "--size", 256, "--farm", address, *more)
        return self.blender(self.scene, HEADLESS, *what)

    def collect(self, scene: Path | None = None) -> subprocess.CompletedProcess[str]:
        scene = scene or self.scene
        return self.blender(scene, HEADLESS, "--collect", "--output", scene)

    def textures(self) -> dict[str, list[str]]:
        self.script(LOOK, self.scene, OUT=str(self.folder / "seen.json"))
        return json.loads((self.folder / "seen.json").read_text())

    def commands(self) -> list[int]:
        """The farm's commands that run."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.folder).encode() in (said := path.read_bytes()) and b"--in-turn" in said:
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return [pid for pid in found if is_running(pid)]

    def until_at_work(self, seconds: float = 60.0) -> None:
        """Wait until the command is past its start and has the farm to itself."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for turn in self.folder.rglob(Path(BATCH_TURN).name):
                try:
                    with FileLock(turn, timeout=0):
                        pass
                except Timeout:
                    return
            time.sleep(0.05)
        raise AssertionError("the farm's command did not begin")

    def wait(self, seconds: float = 120.0) -> None:
        for pid in self.commands():
            wait_until_gone(pid, seconds)

    def results(self) -> list[str]:
        return sorted(path.parent.name.partition("-")[0] for path in self.folder.rglob("textured/*/base_color.png"))


@pytest.fixture
def studio(tmp_path, style_image):
    studio = Studio(tmp_path, style_image)
    yield studio
    for pid in studio.commands():
        os.kill(pid, signal.SIGKILL)


def test_blender_ends_and_the_farm_does_not_and_the_file_gets_its_textures_when_it_is_opened_again(studio):
    studio.make("Chest", "Lamp")
    studio.step_seconds = 0.2
    sent = studio.send()
    assert sent.returncode == 0 and "Chest: sent to local" in sent.stdout, sent.stdout + sent.stderr
    (pid,) = studio.commands()
    studio.until_at_work()
    os.kill(pid, signal.SIGSTOP)
    early = studio.collect()
    assert early.returncode == NOT_YET and "Lamp: not done yet on local: Waiting" in early.stdout, early.stdout
    os.kill(pid, signal.SIGCONT)
    studio.wait()
    assert studio.results() == ["Chest", "Lamp"]
    collected = studio.collect()
    assert collected.returncode == 0 and "Lamp: textured in" in collected.stdout, collected.stdout + collected.stderr
    assert studio.textures() == {"Chest": ["StyleTex · Chest"], "Lamp": ["StyleTex · Lamp"]}
    again = studio.collect()
    assert again.returncode == 0 and "Nothing of this file is on a farm" in again.stdout
    assert studio.results() == [] and list(studio.folder.rglob("farm/*/jobs/*")) == []
    assert not list(studio.folder.rglob("kept/*/base_color.png"))


def test_a_farm_that_was_killed_goes_on_when_the_same_is_sent_again_and_makes_nothing_twice(studio):
    studio.make("Chest", "Lamp")
    studio.step_seconds = 0.3
    assert studio.send().returncode == 0
    (pid,) = studio.commands()
    end = time.monotonic() + 60
    while not list(studio.folder.rglob(f"items/Lamp*/.styletex/job/{CHECKPOINT_FILE}")):
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid, 10.0)
    stopped = studio.collect()
    assert stopped.returncode == NOT_YET and "Lamp: not done yet on local: Stopped" in stopped.stdout, stopped.stdout
    assert "Chest: textured in" in stopped.stdout
    assert studio.send("local", "--objects", "Lamp").returncode == 0
    studio.wait()
    assert studio.results() == ["Lamp"]
    (report,) = studio.folder.rglob("textured/Lamp*/report.json")
    assert json.loads(report.read_text())["resumed_at"] > 0
    assert studio.collect().returncode == 0
    assert studio.textures() == {"Chest": ["StyleTex · Chest"], "Lamp": ["StyleTex · Lamp"]}


def test_an_object_that_fails_on_the_farm_is_named_and_the_others_have_their_textures(studio):
    studio.make("Refused", "Chest")
    assert studio.send().returncode == 0
    studio.wait()
    done = studio.collect()
    assert done.returncode == 2 and "Refused: The object is called Refused. Rename it." in done.stdout, done.stdout
    assert studio.textures() == {"Chest": ["StyleTex · Chest"], "Refused": []}


def test_an_object_that_was_renamed_gets_its_texture_and_that_of_a_deleted_one_is_kept(studio):
    studio.make("Chest", "Lamp", "Stool")
    assert studio.send("local", "--output", studio.scene).returncode == 0
    # The same file in a Blender without the add-on.
    studio.script(CHANGE, studio.scene, OUT=str(studio.scene))
    studio.wait()
    done = studio.collect()
    assert "Coffer: textured in" in done.stdout and "Stool: textured in" in done.stdout, done.stdout + done.stderr
    assert "Lamp: The object is not in the file any more. The texture is kept in" in done.stdout
    assert done.returncode == 2
    found = studio.textures()
    assert found == {"Coffer": ["StyleTex · Coffer"], "Stool": ["StyleTex · Stool"], "Chest": []}
    (kept,) = studio.folder.rglob("kept/*/base_color.png")
    assert kept.parent.name.startswith("Lamp")


def test_a_farm_may_be_a_folder_that_somebody_elses_command_works_on(studio):
    studio.make("Chest")
    shared = studio.folder / "shared"
    assert studio.send(shared).returncode == 0
    assert studio.commands() == []
    waiting = studio.collect()
    assert waiting.returncode == NOT_YET and f"Chest: not done yet on {shared}: Waiting" in waiting.stdout
    command = [*STAND_IN, "3", "0.0", "batch", shared / "jobs", "--output", shared / "textured"]
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True, capture_output=True)
    assert studio.collect().returncode == 0
    assert studio.textures() == {"Chest": ["StyleTex · Chest"]}


def test_what_is_wrong_with_a_farm_is_said(studio):
    studio.make("Chest")
    nowhere = studio.send("nowhere")
    assert nowhere.returncode == 2 and "it must be local, the address of a Ray cluster (HOST:PORT), or a folder" in (
        nowhere.stdout
    )
    (studio.folder / "file").touch()
    unusable = studio.send(studio.folder / "file" / "farm")
    assert unusable.returncode == 2 and "cannot be used: Not a directory" in unusable.stdout
    assert list(studio.folder.rglob("jobs/*")) == []


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="needs an environment without Ray")
def test_why_a_farms_command_ended_is_said(studio):
    studio.make("Chest")
    assert studio.send("127.0.0.1:6379").returncode == 0
    studio.wait()
    done = studio.collect()
    assert done.returncode == NOT_YET
    assert "Chest: not done yet on 127.0.0.1:6379: Stopped (Ray is not installed here)" in done.stdout, done.stdout
