# SPDX-License-Identifier: GPL-3.0-or-later
"""What failed stays in the queue when something else is begun, until it is tried again or its message is closed."""

from __future__ import annotations


def test_failed_ones_stay_when_another_run_begins(bpy, scene, styletex, fake_worker):
    cube, monkey = bpy.data.objects["Cube"], bpy.data.objects["Suzanne"]
    order = styletex.module("worker.queue.order")
    first = styletex.begin([cube, monkey], "--checkpoint-at", "9", "--die-at", "12")
    styletex.until(lambda: first.finished)
    fake_worker("--steps", "100000")
    second = styletex.module("api").prepare([monkey], styletex.module("settings").Settings.from_scene(scene))
    order.take_failed(second, first)
    assert [task.object_name for task in second.tasks] == ["Cube", "Suzanne"], "the monkey is done anew, and once"
    styletex.go_on(second)
    styletex.end(second)
    states = {task.object_name: order.state_of(second, task).name for task in second.tasks}
    assert states == {"Cube": "FAILED", "Suzanne": "DONE"}
    assert order.retry(second) == 1
    styletex.go_on(second)
    styletex.end(second)
    assert [outcome.textured for outcome in second.outcomes] == [True, True]
