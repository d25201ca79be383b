# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a glTF file is read, all of it."""

import base64
import json

import numpy as np
import pytest

from core.geometry.mesh import flat_normals
from core.mesh_files.import_file import import_file
from tests.core.mesh_files.gltf_file import CUBE, SQUARE, SQUARE_UVS, TWO_TRIANGLES, GltfFile, square

BOTTOM_LEFT = SQUARE_UVS * (1, -1) + (0, 1)
CORNERS = TWO_TRIANGLES.reshape(2, 3)


def world(imported):
    """The corners in glTF's own axes [T, 3, 3]."""
    corners = (imported.mesh.positions + imported.origin)[imported.mesh.triangles]
    return np.stack([corners[..., 0], corners[..., 2], -corners[..., 1]], axis=-1)


def read(file, tmp_path, name="mesh.glb"):
    return import_file(file.write(tmp_path / name))


@pytest.mark.parametrize("name", ["mesh.glb", "mesh.gltf", "my crate.gltf", "kiste ä%20.gltf"])
def test_uvs_stay_without_a_material_whatever_the_file_is_called(tmp_path, name):
    imported = read(square(), tmp_path, name)
    np.testing.assert_array_equal(world(imported), SQUARE[CORNERS])
    np.testing.assert_array_equal(imported.mesh.corner_uvs, BOTTOM_LEFT[CORNERS])
    assert (imported.unwrapped_triangles, imported.notices) == (0, ())


def test_blenders_default_cube_has_its_own_uvs(bpy_cube, tmp_path):
    for suffix in ("glb", "gltf"):
        path = bpy_cube(tmp_path / f"my crate.{suffix}")
        mesh = import_file(path, unwrap=False).mesh
        assert len(mesh.triangles) == 12
        different = np.unique(mesh.corner_uvs.reshape(-1, 2).round(5), axis=0)
        assert len(different) == 14
        assert (different[:, 0].min(), different[:, 0].max()) == (0.125, 0.875)


@pytest.fixture
def bpy_cube():
    bpy = pytest.importorskip("bpy")

    def export(path):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.mesh.primitive_cube_add()
        kind = "GLB" if path.suffix == ".glb" else "GLTF_SEPARATE"
        bpy.ops.export_scene.gltf(filepath=str(path), export_format=kind)
        return path

    return export


@pytest.mark.parametrize(("type_", "most"), [("u1", 255), ("u2", 65535)])
def test_normalised_uvs(tmp_path, type_, most):
    file = GltfFile()
    uvs = file.accessor(np.round(SQUARE_UVS * most).astype(type_), normalized=True)
    imported = read(file.scene(file.mesh({"POSITION": SQUARE, "TEXCOORD_0": uvs})), tmp_path)
    np.testing.assert_allclose(imported.mesh.corner_uvs, BOTTOM_LEFT[CORNERS], atol=1 / most)


def test_quantised_meshes(tmp_path):
    # As gltfpack writes them: positions as integers that the node scales, UVs that the material does.
    file = GltfFile()
    positions = file.accessor(np.pad((SQUARE * 1000).astype(np.int16), ((0, 0), (0, 1))), type="VEC3", count=4)
    file.json["bufferViews"][-1]["byteStride"] = 8
    uvs = file.accessor(np.round(SQUARE_UVS * 4095).astype(np.uint16), normalized=True)
    primitive = file.mesh({"POSITION": positions, "TEXCOORD_0": uvs}, material=0)
    file.scene(primitive, nodes=[{"mesh": 0, "scale": [0.001] * 3}])
    moved = {"KHR_texture_transform": {"scale": [65535 / 4095] * 2}}
    file.json["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, "extensions": moved}}}]
    file.json["extensionsRequired"] = ["KHR_mesh_quantization", "KHR_texture_transform"]
    imported = read(file, tmp_path)
    np.testing.assert_allclose(world(imported), SQUARE[CORNERS], atol=1e-6)
    np.testing.assert_allclose(imported.mesh.corner_uvs, BOTTOM_LEFT[CORNERS], atol=1 / 4095)


def test_the_uv_set_and_the_transform_of_the_base_colour_count(tmp_path):
    file = GltfFile()
    attributes = {"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS * 0.5, "TEXCOORD_1": SQUARE_UVS}
    file.scene(file.mesh(attributes, material=0))
    turned = {"KHR_texture_transform": {"rotation": np.pi / 2, "offset": [0.25, 1], "scale": [0.5, 1]}}
    texture = {"index": 0, "texCoord": 1, "extensions": turned}
    file.json["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": texture}}]
    u, v = SQUARE_UVS.T
    # Scaled, turned counter-clockwise, then moved; as Blender's importer and Khronos' viewer do.
    expected = np.stack([v + 0.25, 1 - (-0.5 * u + 1)], axis=-1)
    np.testing.assert_allclose(read(file, tmp_path).mesh.corner_uvs, expected[CORNERS], atol=1e-6)


def test_sparse_accessors(tmp_path):
    for base in ("bufferView", None):
        file = GltfFile()
        number = file.accessor(np.zeros((4, 3), np.float32))
        accessor = file.json["accessors"][number]
        if base is None:
            del accessor["bufferView"]
        places = file.view(np.array([1, 2, 3], np.uint8).tobytes())
        values = file.view(SQUARE[1:].tobytes())
        accessor["sparse"] = {
            "count": 3,
            "indices": {"bufferView": places, "componentType": 5121},
            "values": {"bufferView": values},
        }
        file.scene(file.mesh({"POSITION": number, "TEXCOORD_0": SQUARE_UVS}))
        np.testing.assert_array_equal(world(read(file, tmp_path)), SQUARE[CORNERS])


@pytest.mark.parametrize("at_node", [False, True])
def test_default_morph_weights(tmp_path, at_node):
    file = GltfFile()
    up, aside = (file.accessor(np.tile(np.float32(way), (4, 1))) for way in ((0, 4, 0), (2, 0, 0)))
    primitive = file.mesh(
        {"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS}, targets=[{"POSITION": up}, {"POSITION": aside}]
    )
    file.scene(primitive, weights=[1.0, 1.0] if at_node else [0.5, 0.25])
    if at_node:
        file.json["nodes"][0]["weights"] = [0.5, 0.25]
    np.testing.assert_allclose(world(read(file, tmp_path)), np.add(SQUARE, (0.5, 2, 0))[CORNERS], atol=1e-6)


def test_skins_are_read_as_they_are_posed(tmp_path):
    file = GltfFile()
    joints = np.array([[0, 1, 0, 0]] * 4, np.uint8)
    weights = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0.5, 0, 0]], np.float32)
    primitive = file.mesh({"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS, "JOINTS_0": joints, "WEIGHTS_0": weights})
    bind = np.stack([np.eye(4), np.eye(4)]).astype(np.float32)
    bind[1, 3, :3] = (0, -1, 0)  # The second joint was at y = 1; matrices stand column by column.
    nodes = [
        {"mesh": 0, "skin": 0, "translation": [100, 0, 0]},
        {"translation": [5, 0, 0], "children": [2]},
        {"translation": [0, 3, 0]},
    ]
    file.scene(primitive, nodes=nodes)
    file.json["skins"] = [{"joints": [1, 2], "inverseBindMatrices": file.accessor(bind)}]
    expected = [[5, 0, 0], [6, 0, 0], [6, 3, 0], [5, 2, 0]]
    np.testing.assert_allclose(world(read(file, tmp_path)), np.float32(expected)[CORNERS], atol=1e-6)


def test_instances_are_read(tmp_path):
    file = square()
    places = file.accessor(np.array([[0, 0, 0], [10, 0, 0], [0, 20, 0]], np.float32))
    sizes = file.accessor(np.array([[1, 1, 1], [2, 2, 2], [-1, 1, 1]], np.float32))
    attributes = {"TRANSLATION": places, "SCALE": sizes}
    file.json["nodes"][0] |= {
        "translation": [0, 0, 7],
        "extensions": {"EXT_mesh_gpu_instancing": {"attributes": attributes}},
    }
    file.json["extensionsRequired"] = ["EXT_mesh_gpu_instancing"]
    found = world(read(file, tmp_path))
    mirrored = (SQUARE * (-1, 1, 1) + (0, 20, 7))[CORNERS][:, ::-1]
    expected = [np.add(SQUARE, (0, 0, 7))[CORNERS], (SQUARE * 2 + (10, 0, 7))[CORNERS], mirrored]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-6)


def test_nodes_are_nested_turned_and_used_twice(tmp_path):
    file = square()
    half_turn = [0, 0, np.sqrt(0.5), np.sqrt(0.5)]
    file.json["nodes"] = [
        {"children": [1, 2], "translation": [1, 0, 0], "rotation": half_turn},
        {"mesh": 0, "scale": [2, 1, 1]},
        {"mesh": 0, "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 5, 1]},
    ]
    x, y, z = SQUARE.T
    first = np.stack([1 - y, 2 * x, z], -1)
    second = np.stack([1 - y, x, 5 - z], -1)[CORNERS][:, ::-1]
    imported = read(file, tmp_path)
    np.testing.assert_allclose(world(imported), np.concatenate([first[CORNERS], second]), atol=1e-6)
    # The mirrored one faces the other way; front is -Y here.
    np.testing.assert_allclose(flat_normals(imported.mesh)[:, 1], [-1, -1, 1, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "order", "indexed"),
    [(4, [0, 1, 2, 0, 2, 3], True), (4, [0, 1, 2, 0, 2, 3], False), (5, [0, 1, 3, 2], True), (5, [0, 1, 3, 2], False),
     (6, [0, 1, 2, 3], True), (6, [0, 1, 2, 3], False)],
)  # fmt: skip
def test_strips_fans_and_triangles_without_indices_face_the_same_way(tmp_path, mode, order, indexed):
    file = GltfFile()
    if indexed:
        primitive = file.mesh({"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS}, np.array(order, np.uint32), mode=mode)
    else:
        primitive = file.mesh({"POSITION": SQUARE[order], "TEXCOORD_0": SQUARE_UVS[order]}, None, mode=mode)
    imported = read(file.scene(primitive), tmp_path)
    np.testing.assert_allclose(flat_normals(imported.mesh), [[0, -1, 0]] * 2, atol=1e-6)
    assert {tuple(corner) for corner in world(imported).reshape(-1, 3)} == {tuple(corner) for corner in SQUARE}


def test_normals_of_the_file_are_kept_and_turned(tmp_path):
    slanted = np.tile(np.float32([0.6, 0, 0.8]), (4, 1))
    file = square(NORMAL=slanted)
    file.json["nodes"][0]["scale"] = [2, 1, 1]
    normal = np.array([0.3, -0.8, 0]) / np.hypot(0.3, 0.8)
    np.testing.assert_allclose(read(file, tmp_path).mesh.corner_normals, np.broadcast_to(normal, (2, 3, 3)), atol=1e-6)


@pytest.mark.parametrize("shift", [(0, 0, 0), (500000.5, 120, -4649776.25)])
def test_far_from_the_origin_is_as_at_it(tmp_path, shift):
    file = GltfFile()
    file.scene(file.mesh({"POSITION": CUBE}, np.array([0, 1, 3, 0, 3, 2], np.uint8)))
    file.json["nodes"] = [{"translation": list(shift), "children": [1]}, {"mesh": 0, "scale": [0.1] * 3}]
    file.json["scenes"] = [{"nodes": [0]}]
    imported = read(file, tmp_path)
    np.testing.assert_allclose(imported.origin, (shift[0] - 0.1, -shift[2], shift[1]), atol=1e-9)
    np.testing.assert_allclose(imported.mesh.positions.max(axis=0), (0, 0.1, 0.1), atol=1e-7)


def test_buffers_inside_the_file(tmp_path):
    for head, body in (
        ("data:application/octet-stream;base64,", lambda data: base64.b64encode(data).decode()),
        ("data:,", lambda data: "".join(f"%{byte:02x}" for byte in data)),
    ):
        file = square()
        file.json["buffers"] = [{"byteLength": len(file.data), "uri": head + body(file.data)}]
        path = tmp_path / "mesh.gltf"
        path.write_text("\ufeff" + json.dumps(file.json), encoding="utf-8")
        assert len(import_file(path).mesh.triangles) == 2


def test_names_in_another_encoding_do_not_matter(tmp_path):
    file = square()
    file.json["nodes"][0]["name"] = "CHE"
    path = file.write(tmp_path / "mesh.gltf")
    path.write_bytes(path.read_bytes().replace(b"CHE", b"ch\xe9"))
    assert len(import_file(path).mesh.triangles) == 2


def test_what_is_not_shown_is_said(tmp_path):
    file = square()
    file.json["meshes"].append(file.json["meshes"][0])
    file.json["nodes"].append({"mesh": 1})
    lines = file.mesh({"POSITION": SQUARE}, mode=1)
    file.json["meshes"][0]["primitives"].append(lines)
    imported = read(file, tmp_path)
    assert len(imported.mesh.triangles) == 2
    assert len(imported.notices) == 2
    assert "mesh.glb: 1 of its 2 meshes are not shown in its scene" in imported.notices[0]
    assert "Its lines are left out" in imported.notices[1]


def test_bounds_that_do_not_fit_are_said(tmp_path):
    file = square()
    file.json["accessors"][0]["max"] = [1, 1, 50]
    assert "bounds are not those that it says" in read(file, tmp_path).notices[0]
