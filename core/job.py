# SPDX-License-Identifier: GPL-3.0-or-later
"""The job: what one process asks another to texture, and the errors that come back.

Standard library only: Blender's Python and the worker's Python both load this module.
"""

from __future__ import annotations

import json
import reprlib
import stat
import sys
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

JOB_FILE = "job.json"
LARGEST_JOB_FILE = 1_000_000
"""Bytes."""
_LONGEST_MESSAGE = 500
MESH_FILE = "mesh.npz"
REGION_FILE = "region.npz"
TEXTURE_FILE = "base_color.png"
REPORT_FILE = "report.json"
CHECKPOINT_FILE = "checkpoint.safetensors"
PREVIEW_FILE = "preview.png"
THUMBNAIL_FILE = "thumbnail.png"

PRESETS = ("draft", "balanced", "paper")
PROFILES = ("bundled", "sd15", "sdxl")
DEVICES = ("auto", "cpu", "cuda", "mps")
UV_TILES = ("auto", "one", "udim")
TEXTURE_SIZES = (256, 512, 1024, 2048, 4096, 8192)
STROKE_SIZES = (0.1, 4.0)
"""Least and greatest."""
LARGEST_BORDER = 0.25
"""Of a region, as a share of the object's largest side."""

LORA_WEIGHTS = (-4.0, 4.0)
"""Least and greatest."""

STYLE_WEIGHTS = (0.0, 1000.0)
"""Least and greatest."""

LARGEST_UV_AREA = 100
"""How often the UVs may cover the unit square, and how many repeats of the texture one face may reach across in either
direction: UVs in pixels, or of a tiled pattern, cannot carry one texture."""

EXIT_STATUS = {
    "internal": 1,
    "bad_request": 2,
    "bad_setting": 2,
    "bad_mesh": 2,
    "bad_image": 2,
    "dependencies": 3,
    "no_card": 3,
    "out_of_memory": 4,
    "disk_full": 4,
    "model_missing": 5,
    "offline": 5,
    "non_finite": 6,
    "worker_died": 7,
    "worker_stalled": 7,
    "cancelled": 130,
}
"""Every error code, with the exit status of a process that ends with it."""

_JSON_TYPES = {
    "str": (str,),
    "str | None": (str, type(None)),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "tuple[tuple[str, float], ...]": (list, tuple),
}


class JobError(Exception):
    """Something a person can act on.

    Attributes:
        code: a key of ``EXIT_STATUS``; the interface chooses from it which button to offer.
        message: one sentence that names the value and the cause.
        hint: one sentence that names the way out, or empty.
        detail: longer text for the log (a traceback, a log tail), or empty.
    """

    def __init__(self, code: str, message: str, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail

    def to_dict(self) -> dict[str, str]:
        """The four attributes, as they travel in an ``error`` event."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "detail": self.detail}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> JobError:
        """The error that ``to_dict`` described."""
        return cls(values["code"], values["message"], values.get("hint", ""), values.get("detail", ""))


@dataclass(frozen=True)
class Job:
    """One object to texture in the style of one picture. Paths are relative to the job folder."""

    object_name: str
    """Name shown to the user and used for the material and the image."""
    prompt: str
    """What the object is, in a few words ("a wooden treasure chest"); at least one character."""
    style_image: str
    """File name of the style image inside the job folder (see ``core.inputs.formats``)."""
    content: str = ""
    """What the style image shows ("a woman's face"). ODCR removes it; empty means no decomposition."""
    preset: str = "balanced"
    """How long to optimise: one of ``PRESETS``."""
    profile: str = "bundled"
    """Which diffusion model: one of ``PROFILES``."""
    texture_size: int = 1024
    """Side of the square texture in texels: one of ``TEXTURE_SIZES``."""
    seed: int = 0
    """Makes a run repeatable; 0 to 2**31 - 1."""
    content_removal: float = 1.0
    """Strength of ODCR in [0, 1]: 1 removes the content direction whole, 0 keeps it."""
    tone: float | None = None
    """Weight of the style-statistics term, 0 or more; ``None`` takes the profile's own."""
    style_strength: float = 1.0
    """How strongly the style is laid on, in [0, 2]: a factor of the model's style guidance, of the tone and, as far as
    there is more of it, of the detail."""
    detail: float | None = None
    """How much of the style image's own detail goes into the texels, in [0, 1]: up to one half its fine strokes over
    the optimised colours, from there on its colours too; ``None`` takes the preset's own."""
    stroke_size: float | None = None
    """How much of the object's largest side the style image's shorter side would cover, in ``STROKE_SIZES``;
    ``None`` takes what makes a pixel of the picture about a texel."""
    tiles: str = "auto"
    """One of ``UV_TILES``: "udim" for an image for each tile of the UVs, "one" for one image that repeats beyond
    [0, 1], "auto" to tell from the UVs."""
    device: str = "auto"
    """Where to compute: one of ``DEVICES``."""
    shading: bool = True
    """Whether the diffusion model sees the object in light, so that none gets into the base colour. ``False`` leaves
    it out where the preset has it; the bundled model's presets and the published one (``paper``) never have it."""
    base_color: str | None = None
    """File name of an image inside the job folder: the object's present base colour, on the same UV map, to start from.
    ``None`` starts from nothing."""
    restyle_strength: float = 0.5
    """How far to go from ``base_color``, in [0, 1]: 0 keeps it as it is (as sharp as the texture field can be), 1
    forgets it, and between them its layout of light and dark stays. Without ``base_color`` this plays no part."""
    region: str | None = None
    """The part of the object to stylize alone: ``REGION_FILE`` with a weight for each face corner, or the file name of
    a picture on the same UV map, whose white is meant; ``None`` for all of it. Outside the texture is ``base_color``,
    texel by texel, and it has that picture's size in place of ``texture_size``. A ``restyle_strength`` of 1 begins
    anew inside."""
    region_border: float = 0.02
    """Width of the soft border inside the region, as a share of the object's largest side, in [0,
    ``LARGEST_BORDER``]."""
    own_model: str | None = None
    """Absolute path of another checkpoint of the profile's family, which stays where it is: a safetensors file, or a
    folder in diffusers' layout. ``None`` takes the profile's own."""
    loras: tuple[tuple[str, float], ...] = ()
    """Absolute path (safetensors) and weight of each LoRA, in the order in which they are added; weights in
    ``LORA_WEIGHTS``."""
    own_vae: str | None = None
    """Absolute path of another VAE, a safetensors file or a folder; ``None`` takes the model's own."""
    style_weight: float = 1.0
    """Weight of the style image among ``more_styles``, in ``STYLE_WEIGHTS``; alone it plays no part."""
    more_styles: tuple[tuple[str, float], ...] = ()
    """Further style images: file name inside the job folder and weight of each. Their sum counts as 1; what weighs 0 is
    left out."""
    style_name: str = ""
    """What the user calls the style image, for messages; empty takes its name in the job folder."""
    base_color_name: str = ""
    """What the user calls the present base colour, likewise."""
    region_name: str = ""
    """What the user calls the picture that is the region, likewise."""

    def __post_init__(self) -> None:
        _require(bool(self.prompt.strip()), "The object prompt is empty; describe the object in a few words")
        _require(self.preset in PRESETS, f"The preset is {self.preset!r}; it must be one of {', '.join(PRESETS)}")
        _require(self.profile in PROFILES, f"The model is {self.profile!r}; it must be one of {', '.join(PROFILES)}")
        _require(self.device in DEVICES, f"The device is {self.device!r}; it must be one of {', '.join(DEVICES)}")
        _require(self.tiles in UV_TILES, f"The UV tiles are {self.tiles!r}; it must be one of {', '.join(UV_TILES)}")
        _require(
            self.texture_size in TEXTURE_SIZES,
            f"The texture size is {self.texture_size}; it must be one of {', '.join(map(str, TEXTURE_SIZES))}",
        )
        _require(0 <= self.seed < 2**31, f"The seed is {self.seed}; it must be between 0 and {2**31 - 1}")
        _require(
            0.0 <= self.content_removal <= 1.0,
            f"The content removal is {self.content_removal}; it must be between 0 and 1",
        )
        _require(
            self.tone is None or 0.0 <= self.tone <= sys.float_info.max,
            f"The tone weight is {self.tone}; it must be 0 or more",
        )
        _require(
            0.0 <= self.style_strength <= 2.0,
            f"The style strength is {self.style_strength}; it must be between 0 and 2",
        )
        _require(
            self.detail is None or 0.0 <= self.detail <= 1.0,
            f"The detail is {self.detail}; it must be between 0 and 1",
        )
        _require(
            self.stroke_size is None or STROKE_SIZES[0] <= self.stroke_size <= STROKE_SIZES[1],
            f"The stroke size is {self.stroke_size}; it must be between {STROKE_SIZES[0]} and {STROKE_SIZES[1]}",
        )
        _require(
            self.base_color is None or (bool(self.base_color) and Path(self.base_color).name == self.base_color),
            f"The present base colour is {self.base_color!r}; it must be a file name inside the job folder",
        )
        _require(
            self.base_color not in (TEXTURE_FILE, PREVIEW_FILE),
            f"The present base colour is {self.base_color!r}; it must be another file than the results",
        )
        _require(
            self.region is None or (bool(self.region) and Path(self.region).name == self.region),
            f"The region is {self.region!r}; it must be a file name inside the job folder",
        )
        _require(
            self.region is None or self.base_color is not None,
            "There is a region, but no present base colour that stays outside of it",
        )
        _require(
            0.0 <= self.region_border <= LARGEST_BORDER,
            f"The region's border is {self.region_border}; it must be between 0 and {LARGEST_BORDER}",
        )
        _require(
            0.0 <= self.restyle_strength <= 1.0,
            f"The restyle strength is {self.restyle_strength}; it must be between 0 and 1",
        )
        for name, weight in ((self.style_image, self.style_weight), *self.more_styles):
            _require(
                bool(name) and Path(name).name == name,
                f"A style image is {name!r}; it must be a file name inside the job folder",
            )
            _require(
                STYLE_WEIGHTS[0] <= weight <= STYLE_WEIGHTS[1],
                f"The style {name} has weight {weight}; it must be between {STYLE_WEIGHTS[0]} and {STYLE_WEIGHTS[1]}",
            )
        _require(
            self.style_weight + sum(weight for _, weight in self.more_styles) > 0.0,
            "The weights of the style images add up to 0; one of them must be more",
        )
        for what, path in (("model", self.own_model), ("VAE", self.own_vae), *(("LoRA", one) for one, _ in self.loras)):
            _require(
                path is None or Path(path).is_absolute(),
                f"The path of the {what} is {path!r}; it must be an absolute path",
            )
        for path, weight in self.loras:
            _require(
                LORA_WEIGHTS[0] <= weight <= LORA_WEIGHTS[1],
                f"The LoRA {path} has weight {weight}; it must be between {LORA_WEIGHTS[0]} and {LORA_WEIGHTS[1]}",
            )


def style_files(job: Job) -> tuple[str, ...]:
    """File names of all style images of ``job``, in order, those that weigh nothing too."""
    return (job.style_image, *(name for name, _ in job.more_styles))


def style_shares(job: Job) -> list[tuple[str, float]]:
    """File name and share of each style image of ``job`` that weighs anything, in order; the shares add up to 1."""
    weighing = [
        (name, weight) for name, weight in ((job.style_image, job.style_weight), *job.more_styles) if weight > 0.0
    ]
    total = sum(weight for _, weight in weighing)
    return [(name, weight / total) for name, weight in weighing]


def tile_file(number: int | str) -> str:
    """Name of the texture of a UDIM tile, as Blender and others expect it; a pattern for ``number`` gives a pattern."""
    path = Path(TEXTURE_FILE)
    return f"{path.stem}.{number}{path.suffix}"


def write_job(job: Job, folder: Path) -> None:
    """Write ``job.json`` into ``folder``."""
    (folder / JOB_FILE).write_text(json.dumps(asdict(job), indent=2, ensure_ascii=False), encoding="utf-8")


def read_job(folder: Path) -> Job:
    """Read ``job.json`` from ``folder``.

    Raises:
        JobError: ``bad_request`` when the file is missing, too large, is not JSON or has wrong names or types;
            ``bad_setting`` when a value is out of range.
    """
    path = folder / JOB_FILE
    try:
        return _job_of(_read_json(path), path)
    except JobError:
        raise
    except Exception as error:
        # Beside what is no JSON: what is nested too deeply, has too many digits, or does not fit into memory.
        cause = "it is nested too deeply" if isinstance(error, RecursionError) else str(error) or type(error).__name__
        raise JobError("bad_request", f"The job {path} cannot be read: {cause}") from error


def _read_json(path: Path) -> Any:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is no file")
    if status.st_size > LARGEST_JOB_FILE:
        raise OSError(f"it has {status.st_size:,} bytes; at most {LARGEST_JOB_FILE:,} are allowed")
    return json.loads(path.read_text(encoding="utf-8"))


def _job_of(values: Any, path: Path) -> Job:
    known = {field.name for field in fields(Job)}
    if not isinstance(values, dict) or not set(values) <= known:
        raise JobError("bad_request", f"The job {path} has other fields than {', '.join(sorted(known))}")
    for field in fields(Job):
        value = values.get(field.name, field.default)
        if value is MISSING:
            raise JobError("bad_request", f"The job {path} lacks the field {field.name}")
        allowed = _JSON_TYPES[str(field.type)]
        # ``bool`` is an ``int`` to Python.
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise _wrong_type(path, field.name, value, str(field.type))
        if list in allowed and field.name in values:
            values[field.name] = _weighted(path, field.name, value)
    return Job(**values)


def _weighted(path: Path, name: str, values: Any) -> tuple[tuple[str, float], ...]:
    """Pairs of a text and a number, which JSON has as lists."""
    for pair in values:
        whole = isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)
        if not whole or isinstance(pair[1], bool) or not isinstance(pair[1], (int, float)):
            raise _wrong_type(path, name, values, "a list of pairs of a text and a number")
    return tuple((text, number) for text, number in values)


def _wrong_type(path: Path, name: str, value: object, wanted: str) -> JobError:
    return JobError("bad_request", f"In the job {path}, {name} is {reprlib.repr(value)}; it must be {wanted}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        # A value may be of any length.
        shown = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"
        raise JobError("bad_setting", shown)
