# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh files to damage, at random or where their structure is, and what is watched while they are read."""

from __future__ import annotations

import base64
import copy
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.core.mesh_files.gltf_file import CUBE, SQUARE, SQUARE_UVS, TWO_TRIANGLES, GltfFile, square

Case = Callable[[random.Random], None]
Damage = Callable[[bytes, random.Random], bytes]

_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn")
_CONNECTS = ("socket.connect", "socket.getaddrinfo", "urllib.Request")
_CODE = (".py", ".pyc", ".so")

NUMBERS = (
    "nan", "-nan", "inf", "1e400", "-1", "0", "1e-400", "2147483648", "-2147483649", "4294967296",
    "18446744073709551616", "9" * 400, "9" * 5000, "1_0", "0x10", "1e30", "3.4e38", "\ud800", "", "/", "1/", "//1",
    "-1/-1/-1", "1.5",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 5, 255, 5121, 5125, 5126, 2**31, 2**32, 2**63, 2**64, 10**400, -(2**63), 0.5,
    -0.0, 1e308, 1e30, float("nan"), float("inf"), "", "x", "SCALAR", "VEC2", "VEC3", "VEC4", "MAT4", "\ud800",
    "\0", "a" * 5000, [], [0], [0, 0], [[]], {}, {"a": {}}, [1e308] * 16, [float("nan")] * 4, [0.0] * 16, [2**64] *
    3, [None] * 3, ["1"] * 3, "KHR_draco_mesh_compression", "EXT_meshopt_compression", 60_000_000, 59_999_999,
    20_000_000, 1_000_000_000,
)  # fmt: skip
URIS = (
    "../../etc/passwd", "/etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/x.bin",
    ".", "..", "", "\0", "/dev/zero", "/dev/stdin", "/proc/self/mem", "a" * 5000, "%ff%fe", "\ud800", "data:",
    "data:,", "data:;base64,", "data:;base64,!!!", "data:application/octet-stream;base64," +
    base64.b64encode(bytes(96)).decode(), "data:," + "%00" * 96, "mesh.gltf", "//server/share/x.bin", "C:\\x.bin",
    "..\\..\\etc\\passwd", "sub/../../x.bin", "loop", "outside/passwd",
)  # fmt: skip


class Watch:
    """What the process opened outside ``folder``, started or connected to, since it was last asked."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._seen = str(folder), list[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STARTS or event in _CONNECTS:
            self._seen.append(f"{event} {arguments!r:.200}")
        elif event == "open" and not isinstance(arguments[0], int):
            path = str(arguments[0])
            # What Python reads to import a module or to print a traceback.
            if not path.startswith(self._folder) and not path.endswith(_CODE):
                self._seen.append(f"open {path:.200}")

    def is_clean(self) -> bool:
        """Whether nothing was seen.

        Raises:
            AssertionError: something was; it names it.
        """
        seen, self._seen = self._seen, []
        assert not seen, seen
        return True


def obj_case(folder: Path, damaged: Damage) -> Case:
    """Reads a damaged OBJ, with a damaged MTL that names files elsewhere beside it."""
    text = (
        "# made\nmtllib mesh.mtl /etc/passwd ../../etc/passwd\no Thing\ng one two\ns 1\nusemtl paint\n"
        "v 0 0 0\nv 3 0 0\nv 3 1 0\nv 1 1 0\nv 1 3 0\nv 0 3 0 1.0\nv 0 0 2 0.5 0.5 0.5\n"
        "vt 0 0\nvt 1 0\nvt 1 0.5\nvt 0.5 0.5\nvt 0.5 1\nvt 0 1\nvn 0 0 1\nvn 0 1e0 0\n"
        "f 1/1/1 2/2/1 3/3/1 4/4/1 5/5/1 6/6/1\nf -7//-1 -6//-1 -1//-1\nf 1/1 2/2 \\\n 7/3\nfo 2 3 7\nl 1 2\np 1\n"
    )
    many = "".join(f"v {np.cos(at):.6f} {np.sin(at) * (1 + at % 2):.6f} 0\n" for at in range(60))
    many += "f " + " ".join(map(str, range(1, 61))) + "\n"
    samples = [
        text.encode(),
        text.replace("\n", "\r\n").encode(),
        many.encode(),
        b"curv 0 1 1 2 3\nsurf 0 1 0 1 1 2 3\n",
    ]
    mtl = b"newmtl paint\nKd 1 1 1\nmap_Kd /etc/passwd\nmap_Bump ../../../etc/passwd\nmap_Kd |ls\n"

    def case(lots: random.Random) -> None:
        data = lots.choice(samples)
        if lots.random() < 0.6:
            data = with_other_words(data, lots)
        if lots.random() < 0.6:
            data = damaged(data, lots)
        (folder / "mesh.obj").write_bytes(data)
        (folder / "mesh.mtl").write_bytes(damaged(mtl, lots))
        read(folder / "mesh.obj", lots)

    return watched(case, folder)


def ply_case(folder: Path, damaged: Damage) -> Case:
    """Reads a damaged PLY."""
    samples = [text_ply(), strip_ply()]
    for order, name in (("<", "little"), (">", "big")):
        samples += [binary_ply(order, name, even) for even in (True, False)]

    def case(lots: random.Random) -> None:
        data = lots.choice(samples)
        kind = lots.random()
        if kind < 0.6:
            head, end, body = data.partition(b"end_header\n")
            head = with_other_words(head, lots) if lots.random() < 0.6 else head
            body = body if b"binary" in head or lots.random() < 0.4 else with_other_words(body, lots)
            data = head + end + body
        if kind > 0.4:
            data = damaged(data, lots)
        (folder / "mesh.ply").write_bytes(data)
        read(folder / "mesh.ply", lots)

    return watched(case, folder)


def gltf_bytes_case(folder: Path, damaged: Damage) -> Case:
    """Reads a .glb or .gltf with damaged bytes; what lies beside it as well."""
    samples = []
    for number, file in enumerate(gltf_files()):
        glb = file.write(folder / f"sample{number}.glb").read_bytes()
        gltf = file.write(folder / "mesh.gltf").read_bytes()
        samples.append((glb, gltf, (folder / "mesh.bin").read_bytes()))

    def case(lots: random.Random) -> None:
        glb, gltf, beside = lots.choice(samples)
        if lots.random() < 0.6:
            (folder / "mesh.glb").write_bytes(damaged(glb, lots))
            read(folder / "mesh.glb", lots)
            return
        (folder / "mesh.gltf").write_bytes(damaged(gltf, lots) if lots.random() < 0.7 else gltf)
        (folder / "mesh.bin").write_bytes(damaged(beside, lots) if lots.random() < 0.7 else beside)
        read(folder / "mesh.gltf", lots)

    return watched(case, folder)


def gltf_structure_case(folder: Path, _: Damage) -> Case:
    """Reads a whole glTF whose JSON says what is not so: counts, offsets, types, cycles, files elsewhere."""
    samples = [(file.json, file.data) for file in gltf_files()]
    (folder / "loop").symlink_to("loop")
    (folder / "mesh.bin").write_bytes(max((data for _, data in samples), key=len))

    def case(lots: random.Random) -> None:
        described, data = lots.choice(samples)
        changed = copy.deepcopy(described)
        changed["buffers"] = [{"byteLength": len(data)}]
        suffix = lots.choice((".glb", ".gltf"))
        if suffix == ".gltf":
            changed["buffers"][0]["uri"] = "data:;base64," + base64.b64encode(data).decode()
        if lots.random() < 0.3:
            suffix, changed["buffers"][0]["uri"] = ".gltf", lots.choice(URIS)
        for _ in range(lots.choice((0, 1, 1, 2, 3, 6))):
            lots.choice((other_value, other_value, other_value, without_value, another_value, other_number, cycle))(
                changed, lots
            )
        text = json.dumps(changed).encode()
        if lots.random() < 0.02:
            deep = lots.choice((1000, 60_000))
            text = text[:-1] + b', "extras": ' + b"[" * deep + b"]" * deep + b"}"
        path = folder / f"mesh{suffix}"
        path.write_bytes(as_glb(text, data) if suffix == ".glb" else text)
        read(path, lots)

    return watched(case, folder)


def watched(case: Case, folder: Path) -> Case:
    """``case``, which must do nothing but read what lies in ``folder``, and leave nothing there."""
    # What is loaded and looked up once is none of the files' doing.
    (folder / "first.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    read(folder / "first.obj", random.Random(0))
    watch = Watch(folder)

    def run(lots: random.Random) -> None:
        watch.is_clean()
        try:
            case(lots)
        finally:
            watch.is_clean()

    return run


def read(path: Path, lots: random.Random) -> None:
    """``import_file``, with a way to unwrap that takes no process; what comes must be sound."""
    from core.mesh_files import import_file as module
    from core.unwrapping import beside

    def unwrap(positions: Any, triangles: Any, _: Any = None) -> Any:
        assert np.isfinite(positions[triangles]).all()
        return np.tile(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), (len(triangles), 1, 1))

    module.unwrap_mesh = beside.unwrap = unwrap
    mesh = module.import_file(path, unwrap=lots.random() < 0.9).mesh
    assert len(mesh.triangles) and mesh.triangles.max() < len(mesh.positions)
    for values in (mesh.positions[mesh.triangles], mesh.corner_uvs, mesh.corner_normals):
        assert np.isfinite(values).all()


def with_other_words(data: bytes, lots: random.Random) -> bytes:
    """``data`` with some of its words replaced, doubled, or left out."""
    lines = [line.split(b" ") for line in data.split(b"\n")]
    for _ in range(lots.choice((1, 1, 2, 5))):
        line = lots.choice(lines)
        at = lots.randrange(len(line))
        kind = lots.randrange(6)
        if kind == 0:
            lines.insert(lots.randrange(len(lines)), list(line))
        elif kind == 1:
            line.insert(at, line[at])
        elif kind == 2 and len(line) > 1:
            del line[at]
        elif kind == 3:
            line[at:] = [*line[at:]] * lots.choice((2, 30))
        else:
            line[at] = lots.choice(NUMBERS).encode("utf-8", "surrogatepass")
    return b"\n".join(b" ".join(line) for line in lines)


def text_ply() -> bytes:
    """A cube of which one face has a UV for each corner, and one none."""
    head = "ply\nformat ascii 1.0\ncomment made\nelement vertex 8\n" + "".join(
        f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz")
    )
    head += "element face 3\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\n"
    rows = "".join(f"{x:g} {y:g} {z:g} 0 0 1\n" for x, y, z in CUBE)
    return f"{head}end_header\n{rows}4 0 1 3 2 8 0 0 .5 0 .5 .5 0 .5\n3 4 5 6 0\n3 0 4 5 6 0 0 .1 0 0 .1\n".encode()


def strip_ply() -> bytes:
    """Strips of triangles, ended by -1."""
    head = "ply\nformat ascii 1.0\nelement vertex 8\n" + "".join(f"property float {name}\n" for name in ("x", "y", "z"))
    head += "property float s\nproperty float t\nelement tristrips 1\nproperty list int int vertex_indices\n"
    rows = "".join(f"{x:g} {y:g} {z:g} {x / 2:g} {y / 2:g}\n" for x, y, z in CUBE)
    return f"{head}end_header\n{rows}9 0 1 2 3 -1 4 5 6 7\n".encode()


def binary_ply(order: str, name: str, even: bool) -> bytes:
    """A cube's corners and some of its faces; where not ``even`` they have three or four corners."""
    head = f"ply\nformat binary_{name}_endian 1.0\nelement vertex 8\n" + "".join(
        f"property {kind} {name}\n" for kind, name in (("float", "x"), ("double", "y"), ("short", "z"))
    )
    faces = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4) if even else (0, 1, 5)]
    head += f"element face {len(faces)}\nproperty list uchar uint vertex_index\nproperty uchar red\nend_header\n"
    rows = np.zeros(8, [("x", f"{order}f4"), ("y", f"{order}f8"), ("z", f"{order}i2")])
    rows["x"], rows["y"], rows["z"] = CUBE.T
    body = b"".join(bytes([len(face)]) + np.array(face, f"{order}u4").tobytes() + b"\xff" for face in faces)
    return head.encode() + rows.tobytes() + body


def gltf_files() -> list[GltfFile]:
    """One file for each thing that is read of glTF."""
    plain = square(NORMAL=np.tile(np.array([0, 0, 1], np.float32), (4, 1)))
    plain.json["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {
        "index": 0, "texCoord": 0, "extensions": {"KHR_texture_transform": {"offset": [0.1, 0.2], "scale": [0.5, 0.5]}}
    }}}]  # fmt: skip
    plain.json["meshes"][0]["primitives"][0]["material"] = 0
    bare = GltfFile()
    bare.scene(bare.mesh({"POSITION": CUBE}, np.array([0, 1, 2, 3, 4, 5], np.uint8), mode=5))
    both = square()
    both.json["meshes"][0]["primitives"].append(both.mesh({"POSITION": SQUARE + np.float32(2)}, mode=6))
    moved = GltfFile()
    moved.scene(
        moved.mesh({"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS}, targets=[{"POSITION": moved.accessor(SQUARE)}]),
        weights=[0.5],
        nodes=[{"children": [1, 2], "scale": [1, -1, 1]}, {"mesh": 0, "rotation": [0, 0, 0.6, 0.8]},
               {"mesh": 0, "matrix": np.eye(4).reshape(-1).tolist(), "weights": [0.25]}],
    )  # fmt: skip
    sparse = square()
    sparse.json["accessors"].append({"componentType": 5126, "type": "VEC3", "count": 4, "sparse": {
        "count": 2, "indices": {"bufferView": sparse.view(bytes([1, 2])), "componentType": 5121},
        "values": {"bufferView": sparse.view(np.ones((2, 3), np.float32).tobytes())},
    }})  # fmt: skip
    sparse.json["meshes"][0]["primitives"][0]["targets"] = [{"POSITION": len(sparse.json["accessors"]) - 1}]
    sparse.json["meshes"][0]["weights"] = [1.0]
    skinned = square(
        JOINTS_0=np.array([[0, 1, 0, 0]] * 4, np.uint8), WEIGHTS_0=np.array([[0.5, 0.5, 0, 0]] * 4, np.float32)
    )
    skinned.json["nodes"] = [{"mesh": 0, "skin": 0}, {"translation": [1, 0, 0], "children": [2]}, {"scale": [2, 2, 2]}]
    skinned.json["scenes"] = [{"nodes": [0, 1]}]
    inverse = skinned.accessor(np.tile(np.eye(4, dtype=np.float32).reshape(1, 16), (2, 1)))
    skinned.json["skins"] = [{"joints": [1, 2], "inverseBindMatrices": inverse}]
    instanced = square()
    instanced.json["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {
        "TRANSLATION": instanced.accessor(np.arange(9, dtype=np.float32).reshape(3, 3)),
        "SCALE": instanced.accessor(np.ones((3, 3), np.float32)),
    }}}  # fmt: skip
    quantised = GltfFile()
    quantised.scene(quantised.mesh({
        "POSITION": (SQUARE * 100).astype(np.int16),
        "TEXCOORD_0": quantised.accessor((SQUARE_UVS * 65535).astype(np.uint16), normalized=True),
    }, TWO_TRIANGLES))  # fmt: skip
    quantised.json["extensionsRequired"] = ["KHR_mesh_quantization"]
    return [plain, bare, both, moved, sparse, skinned, instanced, quantised]


def as_glb(text: bytes, data: bytes) -> bytes:
    """A .glb of JSON and a buffer."""
    text, data = text + b" " * (-len(text) % 4), data + bytes(-len(data) % 4)
    chunks = len(text).to_bytes(4, "little") + b"JSON" + text + len(data).to_bytes(4, "little") + b"BIN\0" + data
    return b"glTF\2\0\0\0" + (12 + len(chunks)).to_bytes(4, "little") + chunks


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in ``value`` with every key of it."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from places(inner)


def other_value(described: Any, lots: random.Random) -> None:
    """Anything in the place of something."""
    container, key = lots.choice(list(places(described)))
    container[key] = copy.deepcopy(lots.choice(VALUES))


def without_value(described: Any, lots: random.Random) -> None:
    """Something is not there."""
    container, key = lots.choice(list(places(described)))
    del container[key]


def another_value(described: Any, lots: random.Random) -> None:
    """Something of the file itself in the place of something else."""
    (container, key), (other, its) = (lots.choice(list(places(described))) for _ in range(2))
    container[key] = copy.deepcopy(other[its])


def other_number(described: Any, lots: random.Random) -> None:
    """A number that is a little or much larger or smaller."""
    numbers = [(one, key) for one, key in places(described) if isinstance(one[key], int | float)]
    if numbers:
        container, key = lots.choice(numbers)
        container[key] += lots.choice((1, 2, 4, 1000, 10**6, 10**9)) * lots.choice((1, -1))


def cycle(described: Any, lots: random.Random) -> None:
    """A node becomes the child of any node."""
    nodes = described.get("nodes")
    nodes = [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    if nodes:
        lots.choice(nodes)["children"] = [lots.randrange(len(nodes))]
