# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to run the same job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Way:
    """What is different from how a user's job runs."""

    options: tuple[str, ...] = ()
    """More of those of ``python -m core stylize``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables besides those of this process."""
    root: Path | None = None
    """The checkout that does the job; ``None`` for this one."""


def against(root: Path) -> Mapping[str, Way]:
    """The checkout in the folder ``root``, and this one."""
    return {root.name: Way(root=root), "this": Way()}


WAYS: Mapping[str, Way] = {
    "as it is": Way(),
    "one thread": Way(environment={"OMP_NUM_THREADS": "1"}),
    "threads wait awake": Way(environment={"OMP_WAIT_POLICY": "ACTIVE"}),
    "no statistics": Way(("--tone", "0")),
    "processor": Way(("--device", "cpu")),
    "graphics card": Way(("--device", "cuda")),
}
"""By the names that the table gives them."""
