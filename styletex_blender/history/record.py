# SPDX-License-Identifier: GPL-3.0-or-later
"""How a result was made, in the custom properties of its image, so that it goes wherever the image goes."""

from __future__ import annotations

import hashlib
import json
import tempfile
import uuid
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import bpy
import imbuf  # pyright: ignore[reportMissingImports]

from ...core.job import REPORT_FILE

RECORD = "styletex"
"""The image's custom property that holds the record, as JSON."""
THUMBNAIL = "styletex_thumbnail"
"""The image's custom property that holds a small PNG of the object with it, or of the image itself."""
PIXELS = "styletex_pixels"
"""The image's custom property that holds a digest of its packed files as they were when it landed."""
THUMBNAIL_SIDE = 128
"""Its longer side, in pixels."""


@dataclass(frozen=True)
class Start:
    """The base colour that a restyle started from."""

    digest: str
    """Of the file that the worker was given."""
    image: str = ""
    """Name of the image that it was; empty for a plain colour."""
    key: str = ""
    """That of the record of that image, if it was a result itself."""


@dataclass(frozen=True)
class Record:
    """How one result was made."""

    object_name: str
    """Name of the object then."""
    settings: dict[str, Any]
    """The settings as plain values, with the name of the style image."""
    style_digest: str
    """SHA-256 of the style image as the worker was given it."""
    mesh_digest: str
    """SHA-256 of the mesh as the worker was given it."""
    state: dict[str, Any]
    """The object's ``landing.changes.ObjectState`` as plain values."""
    start: Start | None = None
    """What it started from, or went into; ``None`` for nothing."""
    region_digest: str = ""
    """SHA-256 of the part that was textured alone, as the worker was given it; empty for the whole object."""
    group: str = ""
    """Common to the variations that were asked for in one go; empty for a single texture."""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Tells the result from all others."""
    made: float = 0.0
    """When it was finished, by ``time.time``."""
    finished_early: bool = False
    """Whether it was told to stop before its last step."""
    version: str = ""
    """StyleTex's version; empty where the report does not say."""
    device: str = ""
    """Where it was computed; empty where the report does not say."""

    @property
    def seed(self) -> int:
        """Its seed."""
        return int(self.settings["seed"])

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Record:
        """The record that ``to_dict`` described; what a newer StyleTex knows beside is left out.

        Raises:
            ValueError, TypeError, KeyError: it is damaged.
        """
        known = {name: values[name] for name in (found.name for found in fields(cls)) if name in values}
        if known.get("start") is not None:
            known["start"] = Start(**known["start"])
        record = cls(**known)
        int(record.settings["seed"])
        return record


def finished(record: Record, folder: Path, made: float) -> Record:
    """The record with what is known when the result is there.

    Args:
        record: from when the job began.
        folder: holds the job's report, unless that could not be written.
        made: when it was finished.
    """
    try:
        report = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        report = {}
    return replace(
        record,
        made=made,
        finished_early=bool(report.get("finished_early", False)),
        version=str(report.get("versions", {}).get("styletex", "")),
        device=str(report.get("device", "")),
    )


def write_record(image: bpy.types.Image, record: Record, picture: Path) -> None:
    """Put a record on its image, with a thumbnail made from ``picture``, a PNG."""
    image[RECORD] = json.dumps(record.to_dict())
    image[PIXELS] = _packed_digest(image)
    if thumbnail := small_png(picture):
        image[THUMBNAIL] = thumbnail


def read_record(image: bpy.types.Image) -> Record | None:
    """The record of an image; ``None`` where it has none that can be read."""
    text = image.get(RECORD)
    if not isinstance(text, str):
        return None
    try:
        return Record.from_dict(json.loads(text))
    except (ValueError, TypeError, KeyError):
        return None


def was_painted(image: bpy.types.Image) -> bool:
    """Whether the artist has changed the pixels of an image since it landed, as far as the .blend file knows."""
    return image.is_dirty or image.get(PIXELS, "") != _packed_digest(image)


def _packed_digest(image: bpy.types.Image) -> str:
    """SHA-256 of all packed files of an image; empty where it has none."""
    if not image.packed_files:
        return ""
    digest = hashlib.sha256()
    for packed in image.packed_files:
        digest.update(packed.packed_file.data)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def small_png(picture: Path) -> bytes:
    """A PNG file's content in small; empty where it cannot be made, which is no reason to lose the picture."""
    try:
        read = imbuf.load(str(picture))
        width, height = read.size
        scale = THUMBNAIL_SIDE / max(width, height)
        read.resize((max(1, round(width * scale)), max(1, round(height * scale))), method="BILINEAR")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "thumbnail.png"
            imbuf.write(read, filepath=str(path))
            return path.read_bytes()
    except OSError:
        return b""
