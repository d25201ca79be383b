# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's gradient is that of the field when it was asked for, however long it takes and whatever changes."""

import time

import pytest
import torch

from core.optimisation.model_gradient import ModelGradient, Pull
from core.texture_field.field import HashGridField, HashGridSettings


class Objective:
    """In place of the real one: its gradient depends on the field and on the step's random numbers."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def model_term(self, field, views, step, generator):
        colours = field(views)
        time.sleep(self.seconds)
        wanted = torch.rand(colours.shape, generator=generator)
        return (colours - wanted).square().sum(), {"distillation": float(step)}


@pytest.fixture
def field():
    return HashGridField(HashGridSettings(levels=2, log2_entries=8), torch.Generator().manual_seed(0))


VIEWS = torch.rand(50, 3, generator=torch.Generator().manual_seed(1))


def gradients(field, objective, change):
    with ModelGradient(objective, field, seed=3) as model:
        coming = model.begin(VIEWS, 5)
        change(field)
        return coming.result()


def spoil(field):
    with torch.no_grad():
        for value in field.parameters():
            value.add_(1.0)


def test_what_happens_to_the_field_meanwhile_changes_nothing(field):
    left_alone = gradients(field, Objective(), lambda field: None)
    spoilt = gradients(field, Objective(seconds=0.2), spoil)
    assert left_alone.measures == spoilt.measures == {"distillation": 5.0}
    for one, other in zip(left_alone.gradients, spoilt.gradients, strict=True):
        assert torch.equal(one, other) and bool(one.any())


def test_it_goes_on_while_the_caller_does_something_else(field):
    with ModelGradient(Objective(seconds=1.0), field, seed=0) as model:
        begun = time.monotonic()
        coming = model.begin(VIEWS, 0)
        assert time.monotonic() - begun < 0.5 and not coming.done()
        coming.result()


def test_it_joins_the_gradients_that_are_there(field):
    pull = Pull(tuple(torch.ones_like(value) for value in field.parameters()), {})
    field.output.bias.grad = torch.full((3,), 2.0)
    pull.add_to(field)
    assert field.output.bias.grad.tolist() == [3.0] * 3 and bool((field.table.grad == 1.0).all())


def test_what_goes_wrong_is_raised_where_the_result_is_asked_for(field):
    class Broken(Objective):
        def model_term(self, *rest):
            raise FloatingPointError("no number")

    with ModelGradient(Broken(), field, seed=0) as model:
        coming = model.begin(VIEWS, 0)
        with pytest.raises(FloatingPointError):
            coming.result()
