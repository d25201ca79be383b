# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages the environment holds: the two requirement files, and a fingerprint that changes with them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

WORKER = Path(__file__).with_name("requirements.txt")
"""Everything the worker needs."""
DEVELOPMENT = Path(__file__).with_name("requirements-dev.txt")
"""What the demo and the tests need besides."""


def torch_requirement(file: Path = WORKER) -> str:
    """The line that pins PyTorch, such as ``torch==2.13.0``.

    Raises:
        ValueError: the file pins no torch.
    """
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("torch=="):
            return line.split("#")[0].strip()
    raise ValueError(f"{file} pins no torch")


def fingerprint(files: Sequence[Path]) -> str:
    """A text that is the same as long as the pinned packages and this Python's version are."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
