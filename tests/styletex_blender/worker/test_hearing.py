# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker says of its job: the share that is shown never goes back."""

from __future__ import annotations


def test_share_is_that_of_the_optimisation_and_never_goes_back(styletex):
    hear, run = styletex.module("worker.queue.hearing").hear, styletex.module("worker.run_state").Run([])
    shown = []

    def say(**event):
        hear(run, None, None, event)
        shown.append(run.fraction)

    say(type="stage", name="start", label="Sketching")
    say(type="progress", step=1, steps=4, seconds_left=None)
    assert (run.step, run.steps) == (1, 4)
    say(type="stage", name="optimise", label="Optimizing")
    say(type="progress", step=2, steps=100, seconds_left=9.0)
    say(type="progress", step=100, steps=100, seconds_left=0.0)
    say(type="stage", name="detail", label="Adding the style's own strokes")
    say(type="progress", step=1, steps=3, seconds_left=1.0)
    say(type="stage", name="bake", label="Baking the texture")
    assert shown == [0.0, 0.0, 0.0, 0.02, 1.0, 1.0, 1.0, 1.0]
