# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for the next one elsewhere: the averages of all stages in half precision, in small files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from .loop import AVERAGE

FILE_BYTES = 15 * 2**20
"""Most that one file holds."""


def pack(work: Path, stages: Sequence[str], folder: Path) -> list[Path]:
    """Write the averages of the ``stages`` that have one to ``folder``, and say which files those are."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[dict[str, Tensor]] = [{}]
    room = FILE_BYTES
    for stage in stages:
        if not (work / stage / AVERAGE).exists():
            continue
        for name, value in load_file(work / stage / AVERAGE).items():
            half = value.half()
            if half.nbytes > room and files[-1]:
                files.append({})
                room = FILE_BYTES
            files[-1][f"{stage}/{name}"] = half
            room -= half.nbytes
    paths = [folder / f"weights-{number}.safetensors" for number in range(1, len(files) + 1)]
    for path, tensors in zip(paths, files, strict=True):
        partial = path.with_suffix(".partial")
        save_file(tensors, partial)
        partial.replace(path)
    for other in set(folder.glob("weights-*.safetensors")).difference(paths):
        other.unlink()
    return paths


def unpack(folder: Path, work: Path) -> list[str]:
    """Put what ``pack`` wrote where each stage begins, unless it has begun already; the stages that were there."""
    stages: dict[str, dict[str, Tensor]] = {}
    for path in sorted(folder.glob("weights-*.safetensors")):
        for key, value in load_file(path).items():
            stage, _, name = key.partition("/")
            stages.setdefault(stage, {})[name] = value.to(torch.float32)
    for stage, tensors in stages.items():
        if not (work / stage / AVERAGE).exists():
            (work / stage).mkdir(parents=True, exist_ok=True)
            partial = work / stage / f"{AVERAGE}.partial"
            save_file(tensors, partial)
            partial.replace(work / stage / AVERAGE)
    return list(stages)
