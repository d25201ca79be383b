# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not read of glTF, or cannot be, is named."""

import json

import numpy as np
import pytest

from core.job import JobError
from core.mesh_files.import_file import import_file
from tests.core.mesh_files.gltf_file import SQUARE, SQUARE_UVS, GltfFile, square


def refused(file, tmp_path, words, name="mesh.glb"):
    path = file.write(tmp_path / name) if isinstance(file, GltfFile) else file
    with pytest.raises(JobError, match=words) as raised:
        import_file(path)
    assert raised.value.code == "bad_mesh"
    assert path.name in raised.value.message
    return raised.value


def test_draco(tmp_path):
    file = square()
    del file.json["accessors"][0]["bufferView"]
    file.json["meshes"][0]["primitives"][0]["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": 0}}
    assert "without compression" in refused(file, tmp_path, "is compressed with Draco").hint
    file.json["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    refused(file, tmp_path, "is compressed with Draco")


def test_draco_with_plain_triangles_beside_it_is_read(tmp_path):
    file = square()
    file.json["meshes"][0]["primitives"][0]["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": 0}}
    assert len(import_file(file.write(tmp_path / "mesh.glb")).mesh.triangles) == 2


@pytest.mark.parametrize("name", ["EXT_meshopt_compression", "KHR_meshopt_compression"])
def test_meshopt(tmp_path, name):
    file = square()
    file.json["buffers"] = [{}, {"byteLength": 999, "extensions": {name: {"fallback": True}}}]
    file.json["bufferViews"][0] |= {"buffer": 1, "extensions": {name: {"buffer": 0}}}
    refused(file, tmp_path, "is compressed with meshopt")
    file.json["extensionsRequired"] = [name]
    refused(file, tmp_path, "is compressed with meshopt")


def test_an_unknown_extension_that_is_required(tmp_path):
    file = square()
    file.json["extensionsRequired"] = ["KHR_materials_unlit", "ACME_voxels"]
    refused(file, tmp_path, "requires ACME_voxels, which is not read")
    file.json["extensionsRequired"] = ["KHR_materials_unlit"]
    import_file(file.write(tmp_path / "mesh.glb"))


def only(**primitive):
    file = GltfFile()
    return file.scene(file.mesh({"POSITION": SQUARE}, **primitive))


def edited(path, value):
    """A square with one value of its JSON replaced, or taken away if the value is ``None``."""
    file = square()
    *way, last = path
    place = file.json
    for key in way:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return file


def looped():
    file = square()
    file.json["nodes"] = [{"mesh": 0, "children": [1]}, {"children": [0]}]
    return file


def shared():
    file = square()
    file.json["nodes"] = [{"children": [2]}, {"children": [2]}, {"mesh": 0}]
    file.json["scenes"] = [{"nodes": [0, 1]}]
    return file


def instanced(count):
    """``count`` times 200,000 triangles."""
    file = GltfFile()
    index = np.tile(np.array([0, 1, 2], np.uint8), 200_000)
    primitive = file.mesh({"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS}, index)
    return file.scene(primitive, nodes=[{"mesh": 0} for _ in range(count)])


def zeros(count):
    file = square()
    del file.json["accessors"][0]["bufferView"]
    file.json["accessors"][0]["count"] = count
    return file


def camera_only():
    file = GltfFile()
    file.json |= {"nodes": [{"camera": 0}], "scenes": [{"nodes": [0]}], "cameras": [{"type": "perspective"}]}
    return file


def skin(joints, **more):
    file = square(JOINTS_0=np.full((4, 4), 3, np.uint8), WEIGHTS_0=np.ones((4, 4), np.float32))
    file.json["nodes"] = [{"mesh": 0, "skin": 0}, {}]
    file.json["scenes"] = [{"nodes": [0, 1]}]
    file.json["skins"] = [{"joints": joints}]
    return file


VIEW, ACCESSOR = ("bufferViews", 0), ("accessors", 0)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (lambda: only(mode=0), "has no faces .*Its points are left out"),
        (lambda: only(mode=3), "has no faces .*Its line strips are left out"),
        (lambda: only(mode=7), "primitive of mode 7"),
        (camera_only, "has no faces"),
        (looped, "node 0 in two places|has no faces"),
        (shared, "node 2 in two places"),
        (lambda: instanced(101), "has 20,200,000 triangles; at most 20,000,000 are read"),
        (lambda: zeros(10**15), "1,000,000,000,000,000 values, without data"),
        (lambda: edited((*ACCESSOR, "count"), 10**15), "array of 1000000000000000 values that reaches beyond its data"),
        (lambda: edited((*ACCESSOR, "count"), -1), "array of -1 values"),
        (lambda: edited((*ACCESSOR, "count"), True), "array of True values"),
        (lambda: edited((*ACCESSOR, "byteOffset"), 4), "reaches beyond its data"),
        (lambda: edited((*ACCESSOR, "byteOffset"), -4), "reaches beyond its data"),
        (lambda: edited((*ACCESSOR, "type"), "VEC2"), "type VEC2 of 5126 where VEC3 is expected"),
        (lambda: edited((*ACCESSOR, "componentType"), 5130), "of 5130"),
        (lambda: edited((*VIEW, "byteLength"), 40), "reaches beyond its data"),
        (lambda: edited((*VIEW, "byteOffset"), 10**9), "reaches beyond its data"),
        (lambda: edited((*VIEW, "byteStride"), 4), "reaches beyond its data"),
        (lambda: edited((*VIEW, "buffer"), -1), "number -1 of its 1 buffers"),
        (lambda: edited(("nodes", 0, "mesh"), -1), "number -1 of its 1 meshes"),
        (lambda: edited(("scene",), 4), "number 4 of its 1 scenes"),
        (lambda: edited(("nodes", 0, "rotation"), [0, 0, 0, 0]), "node 0 at a place that is not finite"),
        (lambda: edited(("nodes", 0, "translation"), [1e400, 0, 0]), "node 0 at a place that is not finite"),
        (lambda: edited(("asset", "version"), "1.0"), "is glTF 1.0; glTF 2.0 is read"),
        (lambda: edited(("meshes", 0, "primitives", 0, "indices"), 0), "where SCALAR is expected"),
        (lambda: edited(("meshes",), 5), "cannot be read"),
        (lambda: square(TEXCOORD_0=SQUARE_UVS[:3]), "3 UVs for 4 vertices"),
        (lambda: square(POSITION=SQUARE[:3]), "a face that refers to vertex 3 of 3"),
        (lambda: square(POSITION=np.full((4, 3), np.nan, np.float32)), "6 face corners with a position that is not"),
        (lambda: square(TEXCOORD_0=np.full((4, 2), np.inf, np.float32)), "6 face corners with a UV that is not finite"),
        (lambda: square(POSITION=SQUARE * 0), "no area"),
        (lambda: skin([1]), "follows joint 3 of 1"),
        (lambda: skin([1, 1, 1, 7]), "joint 7 is not in its scene"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_damaged_files(tmp_path, file, words):
    path = file().write(tmp_path / "mesh.glb")
    with pytest.raises(JobError, match=words) as raised:
        import_file(path)
    assert raised.value.code == "bad_mesh"


def test_missing_far_and_short_buffers(tmp_path):
    file = square()
    path = file.write(tmp_path / "my crate.gltf")
    (tmp_path / "my crate.bin").write_bytes(b"short")
    refused(path, tmp_path, r"is cut off: 5 of \d+ bytes")
    (tmp_path / "my crate.bin").unlink()
    assert refused(path, tmp_path, r"needs the file my crate\.bin").hint == "Keep the two together."
    file.json["buffers"] = [{"byteLength": 8, "uri": "https://example.org/a.bin"}]
    path.write_text(json.dumps(file.json))
    refused(path, tmp_path, "keeps its data at https://example.org/a.bin")
    file.json["buffers"] = [{"byteLength": 8}]
    path.write_text(json.dumps(file.json))
    refused(path, tmp_path, "has no data for its buffer 0")


def test_every_cut_of_a_glb_is_a_job_error(tmp_path):
    data = square().write(tmp_path / "mesh.glb").read_bytes()
    path = tmp_path / "cut.glb"
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        refused(path, tmp_path, "cut.glb")


def test_deep_json_is_a_job_error(tmp_path):
    path = tmp_path / "deep.gltf"
    path.write_text("[" * 100_000)
    refused(path, tmp_path, "is no glTF, or is damaged")
