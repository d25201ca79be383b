# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists that say which packages, in which versions; ``lock`` makes a lock of each."""

from __future__ import annotations

from pathlib import Path

WORKER = Path(__file__).with_name("requirements.txt")
"""Everything the worker needs."""
BLENDER_MODULE = Path(__file__).with_name("requirements-bpy.txt")
"""Blender as a Python module, where no Blender is or where tests load it."""
TESTS = Path(__file__).with_name("requirements-dev.txt")
"""What the tests need besides."""


def torch_requirement(file: Path = WORKER) -> str:
    """The line that pins PyTorch, such as ``torch==2.13.0``.

    Raises:
        ValueError: the file pins no torch.
    """
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("torch=="):
            return line.split("#")[0].strip()
    raise ValueError(f"{file} pins no torch")
