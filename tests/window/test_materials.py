# SPDX-License-Identifier: GPL-3.0-or-later
"""A material with a normal map, and two slots, stay through a run and through undo and redo. In a real window, by real
events, with a worker without models.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FAKE_WORKER = Path(__file__).resolve().parents[1] / "fake_worker.py"
KEPT = ["StyleTex · Suzanne · Scales", "StyleTex · Suzanne · Metal"]

TWO_SLOTS = """
mesh = bpy.data.objects["Suzanne"].data
mesh.materials.clear()
for name in ("Scales", "Metal"):
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    mesh.materials.append(material)
tree = bpy.data.materials["Scales"].node_tree
image, normal_map = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeNormalMap")
image.image = bpy.data.images.new("scales", 8, 8)
normal_map.uv_map = mesh.uv_layers[0].name
tree.links.new(image.outputs["Color"], normal_map.inputs["Color"])
tree.links.new(normal_map.outputs["Normal"], tree.nodes["Principled BSDF"].inputs["Normal"])
bpy.data.materials["Metal"].node_tree.nodes["Principled BSDF"].inputs["Metallic"].default_value = 1.0
for face in mesh.polygons:
    face.material_index = face.index % 2
bpy.context.scene.styletex.use_relief = True
with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
    bpy.ops.ed.undo_push(message="Two slots")
"""
LOOK = """
scales, metal = (slot.material.node_tree.nodes for slot in bpy.data.objects["Suzanne"].material_slots)
relief = scales["Principled BSDF"].inputs["Normal"].links[0].from_node
assert relief.name == "StyleTex Relief", relief
below = relief.inputs["Normal"].links[0].from_node
assert (below.type, below.inputs["Color"].links[0].from_node.image.name) == ("NORMAL_MAP", "scales")
assert metal["Principled BSDF"].inputs["Metallic"].default_value == 1.0
for nodes in (scales, metal):
    colour = nodes["Principled BSDF"].inputs["Base Color"].links[0].from_node
    assert colour.image.name == "StyleTex · Suzanne" and colour.image.has_data or colour.image.packed_file, colour
"""
LOOK_AT_THE_OLD = """
scales, metal = (bpy.data.materials[name].node_tree.nodes for name in ("Scales", "Metal"))
assert scales["Principled BSDF"].inputs["Normal"].links[0].from_node.type == "NORMAL_MAP"
assert not scales["Principled BSDF"].inputs["Base Color"].is_linked
assert not [found for found in bpy.data.materials if found.name.startswith("StyleTex")]
"""


def test_normal_map_and_two_slots_through_a_run_undo_and_redo(open_blender, monkeypatch):
    behaviour = ["--steps", "40", "--step-seconds", "0.25", "--frame-every", "10"]
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", str(FAKE_WORKER), *behaviour]))
    window = open_blender()
    window.until(lambda state: state["can_start"] and state["ticks"] > 3, "the tab")
    window.do(TWO_SLOTS)
    time.sleep(1.0)
    window.click(window.find_button())
    first = window.until(lambda state: state["frames"] >= 1, "the first frame")
    assert first["materials"] == ["StyleTex Preview", "StyleTex Preview"]
    done = window.until(lambda state: not state["running"], "the end of the run")
    assert done["errors"] == [] and done["materials"] == KEPT
    window.do(LOOK)
    for _ in range(2):
        window.press("ctrl+z", over=done["viewport_centre"])
        window.until(lambda state: state["materials"] == ["Scales", "Metal"], "the old materials after one undo")
        window.do(LOOK_AT_THE_OLD)
        window.press("ctrl+shift+z", over=done["viewport_centre"])
        window.until(lambda state: state["materials"] == KEPT, "the copies after redo")
        window.do(LOOK)
    window.photograph("kept_materials")
