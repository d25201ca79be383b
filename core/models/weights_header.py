# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file of weights is, from its header alone. Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..job import JobError

PICKLE_SUFFIXES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
"""Files of weights that can run code when they are loaded; they are never read."""
CHECK_THE_PATH = "Check the path, and how its letters are encoded."
"""What to do about a file that is not there."""
LARGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""

_LORA_PART = re.compile(
    r"[._](lora_down|lora_up|lora_A|lora_B|lora\.down|lora\.up|lora_linear_layer|hada_w[12]_[ab]|lokr_w[12])[._]?"
)
_TEXT_KEY = re.compile(r"attn2[._](processor\.)?to_k[._]")
_LORA_UP = re.compile(r"lora[._]up|lora_B")
_OTHER_FAMILIES = {
    "double_blocks": "Flux",
    "joint_blocks": "Stable Diffusion 3",
    "transformer_blocks.0.ff_context": "a transformer",
}
"""By a part of their names of weights."""
_CALLED = {
    "checkpoint": "a checkpoint",
    "LoRA": "a LoRA",
    "VAE": "a VAE",
    "ControlNet": "a ControlNet",
    "IP-Adapter": "an IP-Adapter",
    "CLIP": "a CLIP encoder",
    "embedding": "a textual inversion (an embedding)",
    "UNet": "a UNet alone",
    "file": "something else",
}
"""What each kind is called in a sentence."""
_WIDTHS = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 2048: "SDXL", 1280: "the SDXL refiner"}
"""What the families are called, by the width of the texts that their UNets take."""


@dataclass(frozen=True)
class WeightsHeader:
    """The header of a safetensors file."""

    path: Path
    """The file."""
    shapes: Mapping[str, tuple[int, ...]]
    """Of every tensor."""
    metadata: Mapping[str, str]
    """What its maker wrote about it; any of it may be missing or wrong."""

    @property
    def kind(self) -> str:
        """What the file is: "checkpoint", "LoRA", "VAE", "ControlNet", "IP-Adapter", "CLIP", "embedding", "UNet" or
        "file".
        """
        names = self.shapes
        if any(map(_LORA_PART.search, names)):
            return "LoRA"
        if _any(names, "control_model.", "controlnet_cond_embedding.", "input_hint_block."):
            return "ControlNet"
        if _any(names, "model.diffusion_model."):
            return "checkpoint"
        if _any(names, "image_proj.", "ip_adapter."):
            return "IP-Adapter"
        if _any(names, "first_stage_model.decoder.", "decoder.conv_in.", "vae.decoder."):
            return "VAE"
        if _any(names, "down_blocks.", "double_blocks.", "joint_blocks."):
            return "UNet"
        if _any(names, "vision_model.", "text_model."):
            return "CLIP"
        if _any(names, "emb_params", "clip_l", "clip_g", "string_to_param"):
            return "embedding"
        return "file"

    @property
    def called(self) -> str:
        """The kind in a sentence: "a LoRA", "an IP-Adapter"."""
        return _CALLED[self.kind]

    @property
    def text_width(self) -> int | None:
        """Width of the texts that the UNet takes; ``None`` where the file says nothing of it."""
        for name, shape in self.shapes.items():
            # Of a LoRA, the part that sees the text.
            if _TEXT_KEY.search(name) and not _LORA_UP.search(name) and name.endswith(".weight") and len(shape) >= 2:
                return shape[1]
        return None

    @property
    def family(self) -> str:
        """What people call the family of models that the file is for; empty where it says nothing of it."""
        for part, name in _OTHER_FAMILIES.items():
            if any(part in key for key in self.shapes):
                return name
        return family_title(self.text_width)

    def with_prefix(self, *prefixes: str) -> list[str]:
        """Names of the tensors that start with one of ``prefixes``."""
        return [name for name in self.shapes if name.startswith(prefixes)]


def read_header(path: Path, what: str) -> WeightsHeader:
    """The header of the safetensors file ``path``, after a look whether the file is whole.

    Args:
        path: of any file, also none.
        what: what it should be, for messages ("model").

    Raises:
        JobError: ``model_missing`` when it is no such file, with the reason.
    """
    refuse_pickle(path, what)
    if path.is_dir():
        raise JobError("model_missing", f"The {what} {path} is a folder, not a file", "Name a .safetensors file.")
    if not path.is_file():
        why = f"a link to {path.readlink()}, which is not there" if path.is_symlink() else "not there"
        raise JobError("model_missing", f"The {what} {path} is {why}", CHECK_THE_PATH)
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        text = file.read(length) if 2 <= length <= min(LARGEST_HEADER, size - 8) else b""
    if start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x04")):
        raise _pickle(path, what, " under another name")
    if start.lstrip()[:1] == b"{":
        where = "Name a .safetensors file, or a model's whole folder."
        raise JobError("model_missing", f"The {what} {path} is a file of JSON, not of weights", where)
    if not text:
        instead = _what_instead(start, size) or "no safetensors file, or cut off"
        raise JobError("model_missing", f"The {what} {path} is {instead}", "Download it again.")
    try:
        entries = json.loads(text)
        metadata = entries.pop("__metadata__", {})
        shapes = {str(name): tuple(map(int, entry["shape"])) for name, entry in entries.items()}
        end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        notes = {str(name): str(value) for name, value in metadata.items()}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise JobError(
            "model_missing", f"The {what} {path} has a damaged header", "Download it again.", repr(error)
        ) from error
    if 8 + length + end > size:
        whole = 8 + length + end
        raise JobError(
            "model_missing",
            f"The {what} {path} is cut off: {size:,} of {whole:,} bytes are there",
            "Download it again.",
        )
    return WeightsHeader(path, shapes, notes)


def read_object(path: Path, hint: str = "Download it again.") -> dict[str, Any]:
    """The object in a file of JSON, as configurations and indices are.

    Args:
        path: of a file that is there.
        hint: the way out.

    Raises:
        JobError: ``model_missing`` with what is wrong with it.
        FileNotFoundError: it is not there.
    """
    data = b""
    try:
        data = path.read_bytes()
        values = json.loads(data)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        why = f"it is {instead}" if (instead := _what_instead(data[:8], len(data))) else _why_no_json(error)
        raise JobError("model_missing", f"{path} is damaged: {why}", hint, repr(error)) from error
    if not isinstance(values, dict):
        raise JobError("model_missing", f"{path} is damaged: it is JSON, but no object", hint)
    return values


def _why_no_json(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON from line {error.lineno}, column {error.colno} on"
    if isinstance(error, OSError):
        return f"it cannot be read ({error.strerror})"
    return "it is no text of JSON"


def family_title(text_width: int | None) -> str:
    """What people call the family whose UNet takes texts of that width; empty where it is not known."""
    return "" if text_width is None else _WIDTHS.get(text_width, f"text width {text_width}")


def refuse_pickle(path: Path, what: str) -> None:
    """Refuse ``path`` if its name is that of a pickle.

    Raises:
        JobError: ``model_missing`` with the reason.
    """
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise _pickle(path, what)


def _pickle(path: Path, what: str, more: str = "") -> JobError:
    return JobError(
        "model_missing",
        f"The {what} {path} is a pickle{more}, which can run code when it is loaded, so it is never read",
        "Take the same model as .safetensors; most pages offer both.",
    )


def _what_instead(start: bytes, size: int) -> str:
    """What a file is that begins so and is no file of weights, nor JSON; empty where that is not known."""
    if size == 0:
        return "empty"
    if start.startswith(b"version"):
        return "a pointer of Git LFS, not the file itself"
    if start.lstrip()[:1] == b"<":
        return "a web page, not the file itself"
    if start.startswith(b"GGUF"):
        return "a GGUF file, and only .safetensors are read"
    return ""


def _any(names: Mapping[str, object], *prefixes: str) -> bool:
    return any(name.startswith(prefixes) for name in names)
