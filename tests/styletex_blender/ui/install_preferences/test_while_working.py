# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures and the installer keep out of each other's way."""

from __future__ import annotations

import pytest

from styletex.core.job import JobError
from tests.styletex_blender.ui.install_preferences.drawn_preferences import Layout, refusal, wide_region


def test_job_that_runs_keeps_the_environment_from_being_changed_but_not_from_being_checked(
    bpy, preferences, scene, styletex
):
    preferences.online()
    preferences.plant()
    run = styletex.begin([bpy.data.objects["Cube"]])
    for operator in (bpy.ops.styletex.install, bpy.ops.styletex.remove_install):
        assert "A texture is being made" in refusal(operator)
    assert bpy.ops.styletex.check_install.poll()
    styletex.end(run)
    assert bpy.ops.styletex.install.poll()


def test_idle_worker_is_ended_before_anything_is_changed(bpy, preferences, scene, styletex):
    preferences.online()
    bpy.ops.styletex.stylize()
    client = styletex.module("worker.warm_worker")._client
    assert client.alive
    preferences.installer.begin("doctor")
    assert client.alive
    preferences.until(lambda: preferences.installer.running() is None)
    preferences.installer.begin("install")
    assert not client.alive


def test_no_texture_is_begun_while_the_installer_changes_the_environment(bpy, preferences, scene, styletex):
    preferences.behave("--stage-seconds", "5")
    preferences.installer.begin("install")
    assert "see the preferences" in refusal(bpy.ops.styletex.stylize)
    settings = styletex.module("settings").Settings.from_scene(bpy.context.scene)
    with pytest.raises(JobError, match="being changed"):
        styletex.module("api").prepare([bpy.data.objects["Cube"]], settings)


def test_disabling_the_add_on_ends_the_installer(bpy, preferences, styletex):
    preferences.behave("--stage-seconds", "60")
    preferences.installer.begin("install")
    process = preferences.installer._process
    styletex.module("ui.install_operators").unregister()
    try:
        assert process.over
        assert process._process.exit_status() is not None
        assert not bpy.app.timers.is_registered(preferences.installer._tick)
    finally:
        styletex.module("ui.install_operators").register()


def test_panel_without_an_environment_leads_to_the_preferences(bpy, preferences, scene, styletex, monkeypatch):
    panel = styletex.module("ui.panel")
    drawn: list[str] = []
    context = wide_region(
        scene=bpy.context.scene,
        mode="OBJECT",
        selected_objects=bpy.context.selected_objects,
        view_layer=bpy.context.view_layer,
        object=bpy.context.object,
    )
    panel._draw_button(Layout(drawn), context)
    assert "open_preferences" not in "".join(drawn)
    monkeypatch.delenv("STYLETEX_WORKER")
    monkeypatch.setattr(styletex.module("worker.environment"), "_environments", list)
    panel._draw_button(Layout(drawn), context)
    assert drawn[-1] == "[styletex.open_preferences Install in Preferences]"
    reason = styletex.module("ui.availability").why_not(context)
    assert len(reason) < 110
