# SPDX-License-Identifier: GPL-3.0-or-later
"""A glTF 2.0 file: its JSON, its buffers, and what it asks a reader to know."""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from .raw_mesh import Unreadable

_GLB, _JSON, _BINARY = b"glTF", 0x4E4F534A, 0x004E4942
_READ = {
    "KHR_mesh_quantization", "KHR_texture_transform", "EXT_mesh_gpu_instancing", "KHR_node_visibility",
    "KHR_texture_basisu", "EXT_texture_webp", "EXT_texture_avif", "MSFT_texture_dds",
    "KHR_lights_punctual", "KHR_animation_pointer", "KHR_xmp", "KHR_xmp_json_ld", "KHR_techniques_webgl",
}  # fmt: skip
"""Extensions that are read, or that say nothing of the mesh; so does every extension of materials."""
DRACO = "KHR_draco_mesh_compression"
MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")
WITHOUT_COMPRESSION = "Open it in Blender and export it without compression."


def is_draco() -> Unreadable:
    """What to raise for a mesh whose triangles are there only compressed."""
    return Unreadable("is compressed with Draco, which is not read", WITHOUT_COMPRESSION)


def is_meshopt() -> Unreadable:
    """As ``is_draco``."""
    return Unreadable("is compressed with meshopt, which is not read", "Export it again without compression.")


@dataclass(frozen=True)
class Document:
    """A file in parts."""

    json: dict[str, Any]
    folder: Path
    binary: bytes | None
    """What a .glb holds beside its JSON."""
    _buffers: dict[int, bytes] = field(default_factory=dict)

    def item(self, kind: str, index: Any) -> dict[str, Any]:
        """``self.json[kind][index]``.

        Raises:
            Unreadable: there is none.
        """
        items = self.json.get(kind, [])
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(items):
            raise Unreadable(f"refers to number {index} of its {len(items)} {kind}")
        return items[index]

    def buffer(self, index: Any) -> bytes:
        """The bytes of a buffer.

        Raises:
            Unreadable: they are not there, or fewer than the file says.
        """
        described = self.item("buffers", index)
        if index not in self._buffers:
            self._buffers[index] = self._load(index, described)
        return self._buffers[index]

    @property
    def loaded_bytes(self) -> int:
        """Of its buffers, so far."""
        return len(self.binary or b"") + sum(map(len, self._buffers.values()))

    def _load(self, index: int, described: dict[str, Any]) -> bytes:
        uri, length = described.get("uri"), described["byteLength"]
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            raise Unreadable(f"has a buffer of {length} bytes")
        if uri is None:
            if any(name in described.get("extensions", {}) for name in MESHOPT):
                raise is_meshopt()
            if index != 0 or self.binary is None:
                raise Unreadable(f"has no data for its buffer {index}")
            data = self.binary
        elif uri.startswith("data:"):
            data = _data_of(uri)
        else:
            data = _read_beside(self.folder, uri, length)
        if len(data) < length:
            raise Unreadable(f"is cut off: {len(data):,} of {length:,} bytes of its buffer {index} are there")
        return data


def open_document(path: Path) -> Document:
    """Read a .glb or .gltf file.

    Raises:
        Unreadable: it is damaged, of another version, or asks for extensions that are not read.
    """
    data = path.read_bytes()
    text, binary = _chunks(data) if data.startswith(_GLB) else (data, None)
    try:
        # Names may be in any encoding; those of files beside must come through unchanged.
        document = json.loads(text.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is no glTF, or is damaged: {error}") from error
    if not isinstance(document, dict):
        raise Unreadable("is no glTF")
    version = str(document.get("asset", {}).get("version", "2.0"))
    if version.split(".")[0] != "2":
        raise Unreadable(f"is glTF {version}; glTF 2.0 is read", "Convert it to glTF 2.0.")
    _check_extensions(document.get("extensionsRequired", []))
    return Document(document, path.parent, binary)


def _check_extensions(required: list[str]) -> None:
    if DRACO in required:
        raise is_draco()
    if any(name in required for name in MESHOPT):
        raise is_meshopt()
    unknown = [name for name in required if name not in _READ and not name.startswith("KHR_materials_")]
    if unknown:
        raise Unreadable(
            f"requires {', '.join(map(str, unknown))}, which is not read",
            "Open it in the program that made it, and export it without that.",
        )


def _chunks(data: bytes) -> tuple[bytes, bytes | None]:
    """The JSON and the binary chunk of a .glb file."""
    version, length = (int.from_bytes(data[start : start + 4], "little") for start in (4, 8))
    if len(data) < 12 or version != 2:
        raise Unreadable("is cut off" if len(data) < 12 else f"is glTF {version}; glTF 2.0 is read")
    if length > len(data):
        raise Unreadable(f"is cut off: {len(data):,} of {length:,} bytes are there", "Copy or download it again.")
    chunks: dict[int, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = (int.from_bytes(data[start : start + 4], "little") for start in (at, at + 4))
        if at + 8 + size > length:
            raise Unreadable("is damaged: a part of it is longer than the whole", "Copy or download it again.")
        chunks.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    if _JSON not in chunks:
        raise Unreadable("is damaged: it has no JSON part")
    return chunks[_JSON], chunks.get(_BINARY)


def _data_of(uri: str) -> bytes:
    head, _, payload = uri.partition(",")
    if not head.endswith(";base64"):
        return unquote_to_bytes(payload)
    try:
        return base64.b64decode(unquote(payload))
    except (binascii.Error, ValueError) as error:
        raise Unreadable(f"has a damaged buffer: {error}") from error


def _read_beside(folder: Path, uri: str, length: int) -> bytes:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri):
        raise Unreadable(f"keeps its data at {uri[:100]}; only files beside it are read")
    # Not every exporter encodes names as the standard says.
    for name in (unquote(uri, errors="surrogateescape"), uri):
        if _leads_outside(name):
            raise Unreadable(
                f"keeps its data at {name[:100]}, outside its own folder; only files beside it are read",
                "Move that file to the mesh's, or export it again as .glb.",
            )
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                return file.read(length)
    raise Unreadable(f"needs the file {unquote(uri)}, which is not there", "Keep the two together.")


def _leads_outside(name: str) -> bool:
    """Whether a relative path leads out of the folder that it begins in, on any system; links are the user's own."""
    path = posixpath.normpath(name.replace("\\", "/"))
    return path.startswith(("/", "../")) or path == ".." or bool(re.match(r"[A-Za-z]:", path))
