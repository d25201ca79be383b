# SPDX-License-Identifier: GPL-3.0-or-later
"""Only Here in a real window: faces chosen by real clicks, the rest of the texture bit for bit, undo."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from core.geometry.mesh import Mesh
from core.geometry.texels import texel_map

pytestmark = pytest.mark.slow
STYLED = "StyleTex · Suzanne"
SIDE = 128
SET_UP = f"""
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
monkey = bpy.data.objects["Suzanne"]
image = bpy.data.images.new("Present", {SIDE}, {SIDE})
pixels = np.random.default_rng(0).integers(0, 256, ({SIDE} * {SIDE}, 4)) / 255.0
pixels[:, 3] = 1.0
image.pixels.foreach_set(pixels.astype(np.float32).ravel())
image.pack()
old = bpy.data.materials["Old"]
old.use_nodes = True
node = old.node_tree.nodes.new("ShaderNodeTexImage")
node.image = image
shader = next(found for found in old.node_tree.nodes if found.type == "BSDF_PRINCIPLED")
old.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
bpy.ops.object.mode_set(mode="EDIT")
bpy.context.tool_settings.mesh_select_mode = (False, False, True)
bpy.ops.mesh.select_all(action="DESELECT")
bpy.context.scene.styletex.region = "faces"
bpy.ops.ed.undo_push(message="Edit")
"""
FIND_FACE = """
import json
from bpy_extras.view3d_utils import location_3d_to_region_2d
area, _ = view_3d()
region = next(found for found in area.regions if found.type == "WINDOW")
space = area.spaces.active.region_3d
monkey = bpy.data.objects["Suzanne"]
eye = monkey.matrix_world.inverted() @ space.view_matrix.inverted().translation
monkey.update_from_editmode()
faces = [face for face in monkey.data.polygons if face.normal.dot((eye - face.center).normalized()) > 0.95]
face = max(faces, key=lambda face: face.area)
place = location_3d_to_region_2d(region, space, monkey.matrix_world @ face.center)
open({path!r}, "w").write(json.dumps([region.x + place.x, region.y + place.y]))
"""
LOOK = """
import json
import numpy as np
monkey = bpy.data.objects["Suzanne"]
mode = monkey.mode
if mode == "EDIT":
    monkey.update_from_editmode()
mesh = monkey.to_mesh() if mode == "EDIT" else monkey.data
mesh.calc_loop_triangles()
def read(collection, name, width, kind):
    values = np.empty(len(collection) * width, kind)
    collection.foreach_get(name, values)
    return values.reshape(-1, width)
shown = monkey.material_slots[0].material
shader = next(found for found in shown.node_tree.nodes if found.type == "BSDF_PRINCIPLED")
node = shader.inputs["Base Color"].links[0].from_node
pixels = {{}}
for name, image in (("present", bpy.data.images["Present"]), ("shown", node.image)):
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    pixels[name] = np.round(values.reshape(image.size[1], image.size[0], 4)[::-1] * 255.0).astype(np.uint8)
np.savez(
    {path!r},
    positions=read(mesh.vertices, "co", 3, np.float32),
    triangles=read(mesh.loop_triangles, "vertices", 3, np.int32),
    loops=read(mesh.loop_triangles, "loops", 3, np.int32),
    polygon=read(mesh.loop_triangles, "polygon_index", 1, np.int32)[:, 0],
    selected=read(mesh.polygons, "select", 1, bool)[:, 0],
    uvs=read(mesh.uv_layers.active.uv, "vector", 2, np.float32),
    mode=mode,
    material=shown.name,
    image=node.image.name,
    **pixels,
)
if mode == "EDIT":
    monkey.to_mesh_clear()
"""


@pytest.fixture
def look(tmp_path):
    def look(window):
        path = tmp_path / "look.npz"
        window.do(LOOK.format(path=str(path)))
        return dict(np.load(path))

    return look


def texels_of(seen, faces):
    chosen = faces[seen["polygon"]]
    uvs = seen["uvs"][seen["loops"]][chosen]
    mesh = Mesh(seen["positions"], seen["triangles"][chosen], uvs, np.zeros((len(uvs), 3, 3), np.float32))
    texels = texel_map(mesh, SIDE)
    found = np.zeros((SIDE, SIDE), bool)
    found[texels.row, texels.column] = True
    return found


def click_face(window, tmp_path):
    path = tmp_path / "face.json"
    window.do(FIND_FACE.format(path=str(path)))
    place = json.loads(path.read_text())
    window.click(place)
    time.sleep(1.0)
    window.press("ctrl+KP_Add", over=place)
    time.sleep(0.3)
    return place


def test_selected_faces_alone_change_and_undo_and_redo_go_on_from_there(open_blender, look, tmp_path):
    window = open_blender()
    window.until(lambda state: state["can_start"] and state["ticks"] > 3, "the tab")
    window.do(SET_UP)
    time.sleep(1.0)
    place = click_face(window, tmp_path)
    window.photograph("only_here_selected")
    window.click(window.find_button())
    window.until(lambda state: state["frames"] >= 2, "the second frame")
    window.do("module('worker.runner').finish()")
    done = window.until(lambda state: not state["running"], "the end of the run", seconds=600)
    assert done["errors"] == [] and done["has_result"]
    time.sleep(1.0)
    window.photograph("only_here_done")
    seen = look(window)
    assert seen["mode"] == "OBJECT", "the button leaves Edit Mode"
    assert 4 <= seen["selected"].sum() < 300
    outside = texels_of(seen, ~seen["selected"])
    inside = texels_of(seen, seen["selected"]) & ~outside
    np.testing.assert_array_equal(seen["shown"][outside], seen["present"][outside])
    assert (seen["shown"][inside] != seen["present"][inside]).any(-1).mean() > 0.7
    assert seen["image"] != "Present"
    window.press("ctrl+z", over=place)
    window.until(lambda state: state["materials"] == ["Old"], "the old material after one undo")
    undone = look(window)
    assert undone["mode"] == "OBJECT"
    np.testing.assert_array_equal(undone["selected"], seen["selected"])
    window.press("ctrl+shift+z", over=place)
    window.until(lambda state: state["materials"] == done["materials"], "the texture after redo")
    again = look(window)
    np.testing.assert_array_equal(again["shown"], seen["shown"])
