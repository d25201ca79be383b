# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabling and disabling the add-on leaves Blender as it was."""

from __future__ import annotations

import importlib


def state(bpy):
    return {
        "types": {name for name in dir(bpy.types) if "styletex" in name.lower()},
        "operators": sorted(dir(bpy.ops.styletex)),
        "handlers": {
            name: list(getattr(bpy.app.handlers, name))
            for name in dir(bpy.app.handlers)
            if isinstance(getattr(bpy.app.handlers, name), list)
        },
        "scene": hasattr(bpy.types.Scene, "styletex"),
    }


def test_unregister_is_the_inverse_of_register(bpy):
    addon = importlib.import_module("styletex.styletex_blender")
    registered = state(bpy)
    addon.unregister()
    try:
        empty = state(bpy)
        assert not empty["scene"]
        assert empty["operators"] == []
        assert not any("styletex" in handler.__module__ for found in empty["handlers"].values() for handler in found)
    finally:
        addon.register()
    assert state(bpy) == registered


def test_disabling_in_the_middle_of_a_run_ends_worker_timers_and_preview(bpy, scene, styletex):
    addon = importlib.import_module("styletex.styletex_blender")
    runner, warm_worker = styletex.module("worker.runner"), styletex.module("worker.warm_worker")
    cube = bpy.data.objects["Cube"]
    run = styletex.begin([cube])
    bpy.app.timers.register(runner._tick, persistent=True)
    styletex.until(lambda: run.frames_shown >= 1)
    client = warm_worker._client
    addon.unregister()
    try:
        assert not client.alive
        assert not bpy.app.timers.is_registered(runner._tick)
        assert not bpy.app.timers.is_registered(warm_worker._leave_when_idle)
        assert cube.material_slots[0].material.name == "Old"
        assert not run.tasks[0].folder.path.exists()
    finally:
        addon.register()


def test_registering_again_and_again_works(bpy):
    addon = importlib.import_module("styletex.styletex_blender")
    for _ in range(2):
        addon.unregister()
        addon.register()
    assert bpy.context.scene.styletex.preset == "balanced"


def test_it_can_be_disabled_where_another_add_on_cleared_all_handlers(bpy):
    addon = importlib.import_module("styletex.styletex_blender")
    bpy.app.handlers.save_pre.clear()
    addon.unregister()
    try:
        assert not state(bpy)["scene"]
    finally:
        addon.register()
