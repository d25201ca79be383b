# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running job tells whoever started it, and what it is told.

The worker, the command line and the tests implement ``Reporter``; ``core.stylize`` only calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


class Cancelled(Exception):
    """The job was cancelled; nothing is kept."""


class Paused(Exception):
    """The job was stopped for now; the same job goes on from its checkpoint."""


class Reporter(Protocol):
    """The ear of a running job. Calls are cheap: they may be made at every step."""

    def stage(self, name: str, label: str) -> None:
        """A new stage begins: ``name`` for programs ("optimise"), ``label`` for people ("Optimising")."""
        ...

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        """``step`` of ``steps`` is done; ``seconds_left`` of the whole job, or ``None`` while unknown."""
        ...

    def checkpoint(self, step: int, steps: int) -> None:
        """What was done up to ``step`` of ``steps`` is in the checkpoint now."""
        ...

    def frame(self, image: np.ndarray, extent: int = 1) -> None:
        """The texture so far: uint8 [H, W, 3], sRGB, row 0 at the top; of the UVs from 0 to ``extent``, which is more
        than 1 with UDIM tiles.
        """
        ...

    def warning(self, code: str, message: str) -> None:
        """Something the user should know that does not end the job."""
        ...

    def wants_frame(self) -> bool:
        """Whether a frame would be shown now: false while the last one is not acknowledged."""
        ...

    def should_cancel(self) -> bool:
        """Whether to stop now and keep nothing (raise ``Cancelled``); look at every step."""
        ...

    def should_pause(self) -> bool:
        """Whether to write a checkpoint and stop now (raise ``Paused``); look at every step."""
        ...

    def should_finish(self) -> bool:
        """Whether to stop optimising now and bake what there is; look at every step."""
        ...


class SilentReporter:
    """A reporter that says nothing, and asks for nothing."""

    def stage(self, name: str, label: str) -> None:
        """Not told."""

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        """Not told."""

    def checkpoint(self, step: int, steps: int) -> None:
        """Not told."""

    def frame(self, image: np.ndarray, extent: int = 1) -> None:
        """Not shown."""

    def warning(self, code: str, message: str) -> None:
        """Not told."""

    def wants_frame(self) -> bool:
        """Nobody sees it."""
        return False

    def should_cancel(self) -> bool:
        """Whoever wants that ends the process."""
        return False

    def should_pause(self) -> bool:
        """Likewise."""
        return False

    def should_finish(self) -> bool:
        """Likewise."""
        return False


class RememberedWarnings:
    """A reporter that hands everything on to another one, and remembers the warnings; each is told once."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.told: list[tuple[str, str]] = []
        """Code and message of each, in order."""

    def stage(self, name: str, label: str) -> None:
        self._reporter.stage(name, label)

    def progress(self, step: int, steps: int, seconds_left: float | None) -> None:
        self._reporter.progress(step, steps, seconds_left)

    def checkpoint(self, step: int, steps: int) -> None:
        self._reporter.checkpoint(step, steps)

    def frame(self, image: np.ndarray, extent: int = 1) -> None:
        self._reporter.frame(image, extent)

    def warning(self, code: str, message: str) -> None:
        if (code, message) not in self.told:
            self.told.append((code, message))
            self._reporter.warning(code, message)

    def wants_frame(self) -> bool:
        return self._reporter.wants_frame()

    def should_cancel(self) -> bool:
        return self._reporter.should_cancel()

    def should_pause(self) -> bool:
        return self._reporter.should_pause()

    def should_finish(self) -> bool:
        return self._reporter.should_finish()
