# SPDX-License-Identifier: GPL-3.0-or-later
"""The diffusion model's part of a step, computed beside the updates that do without it.

Where the model is small the two take about as long as each other, and neither keeps several cores busy. So the model
looks at the field as it is when the step begins, and its gradient joins the step's last update: the same numbers,
however long either takes.
"""

from __future__ import annotations

import copy
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from torch import Tensor, nn

from ..views.step_views import Views
from .objective import Objective
from .step_generator import step_generator

_STREAM = 1
"""Of a step's random numbers, for what is drawn on its thread."""


@dataclass(frozen=True)
class Pull:
    """What the model wants of one field."""

    gradients: tuple[Tensor | None, ...]
    """For each of the field's parameters, of its shape; ``None`` for one that no colour depends on."""
    measures: dict[str, Tensor]
    """See ``Objective``."""

    def add_to(self, field: nn.Module) -> None:
        """Add ``gradients`` to those that ``field`` has."""
        for value, gradient in zip(field.parameters(), self.gradients, strict=True):
            if gradient is not None:
                value.grad = gradient if value.grad is None else value.grad + gradient


class ModelGradient:
    """Takes the gradient of ``Objective.model_term``; a context manager, which waits at its end for what is under way.

    On a processor that happens on a thread of its own, on a graphics card at once: there nothing waits for it.
    """

    def __init__(self, objective: Objective, field: nn.Module, seed: int) -> None:
        """``field`` is the one that will be looked at; ``seed`` that of the run."""
        self._objective, self._field, self._seed = objective, field, seed
        self._seen = copy.deepcopy(field)
        aside = next(field.parameters()).device.type == "cpu"
        self._thread = ThreadPoolExecutor(1, "model") if aside else None

    def begin(self, views: Views, step: int) -> Future[Pull]:
        """The gradient at the field as it is now, which may change at once; ``step`` is 0-based."""
        self._seen.load_state_dict(self._field.state_dict())
        if self._thread is not None:
            return self._thread.submit(self._look, views, step)
        seen = Future[Pull]()
        seen.set_result(self._look(views, step))
        return seen

    def again(self, objective: Objective, views: Views, step: int) -> Pull:
        """What ``begin`` was asked for last, by another ``objective`` that has the same random numbers."""
        return self._look(views, step, objective)

    def _look(self, views: Views, step: int, objective: Objective | None = None) -> Pull:
        self._seen.zero_grad(set_to_none=True)
        objective = objective or self._objective
        term, measures = objective.model_term(self._seen, views, step, step_generator(self._seed, step, _STREAM))
        term.backward()
        return Pull(tuple(value.grad for value in self._seen.parameters()), measures)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown()
