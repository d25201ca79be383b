# SPDX-License-Identifier: GPL-3.0-or-later
"""Small glTF files, written as the specification says and by no reader's library."""

import json
from urllib.parse import quote

import numpy as np

COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
SQUARE_UVS = np.array([[0.125, 0.25], [0.875, 0.25], [0.875, 0.75], [0.125, 0.75]], np.float32)
"""Origin at the top left, as in glTF."""
TWO_TRIANGLES = np.array([0, 1, 2, 0, 2, 3], np.uint16)


class GltfFile:
    def __init__(self):
        self.data = b""
        self.json = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": []}

    def view(self, data: bytes, **more) -> int:
        self.data += bytes(-len(self.data) % 4)
        self.json["bufferViews"].append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data), **more})
        self.data += data
        return len(self.json["bufferViews"]) - 1

    def accessor(self, values, normalized=False, with_bounds=False, **more) -> int:
        values = np.asarray(values)
        rows = values.reshape(len(values), -1)
        described = {
            "bufferView": self.view(values.tobytes()),
            "componentType": COMPONENTS[values.dtype.str[1:]],
            "count": len(values),
            "type": TYPES[rows.shape[1]],
            **({"normalized": True} if normalized else {}),
            **({"min": rows.min(0).tolist(), "max": rows.max(0).tolist()} if with_bounds else {}),
            **more,
        }
        self.json["accessors"].append({name: value for name, value in described.items() if value is not None})
        return len(self.json["accessors"]) - 1

    def mesh(self, attributes, indices=TWO_TRIANGLES, **more) -> dict:
        """A primitive; values that are no number of an accessor become one."""
        numbers = {
            name: value if isinstance(value, int) else self.accessor(value, with_bounds=name == "POSITION")
            for name, value in attributes.items()
        }
        primitive = {"attributes": numbers, **more}
        if indices is not None:
            primitive["indices"] = indices if isinstance(indices, int) else self.accessor(indices)
        return primitive

    def scene(self, *primitives, nodes=None, **more):
        self.json |= {"meshes": [{"primitives": list(primitives), **more}], "nodes": nodes or [{"mesh": 0}]}
        children = {child for node in self.json["nodes"] for child in node.get("children", [])}
        roots = [number for number in range(len(self.json["nodes"])) if number not in children]
        self.json |= {"scenes": [{"nodes": roots}], "scene": 0}
        return self

    def write(self, path):
        if path.suffix == ".gltf":
            beside = path.with_suffix(".bin")
            beside.write_bytes(self.data)
            self.json["buffers"] = [{"uri": quote(beside.name), "byteLength": len(self.data)}]
            path.write_text(json.dumps(self.json))
            return path
        if self.data:
            self.json["buffers"] = [{"byteLength": len(self.data)}, *self.json.get("buffers", [])[1:]]
        text = json.dumps(self.json).encode()
        text += b" " * (-len(text) % 4)
        data = self.data + bytes(-len(self.data) % 4)
        chunks = len(text).to_bytes(4, "little") + b"JSON" + text + len(data).to_bytes(4, "little") + b"BIN\0" + data
        path.write_bytes(b"glTF\2\0\0\0" + (12 + len(chunks)).to_bytes(4, "little") + chunks)
        return path


def square(**attributes) -> GltfFile:
    """Two triangles that face +Z in glTF's axes, with UVs."""
    file = GltfFile()
    return file.scene(file.mesh({"POSITION": SQUARE, "TEXCOORD_0": SQUARE_UVS, **attributes}))
