# SPDX-License-Identifier: GPL-3.0-or-later
"""A failed outcome is short, and has the buttons that help; the log and the manual open on any computer."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.job import JobError
from tests.styletex_blender.ui.test_panel import drawn as drawn

LONG = "The mesh has " + "very " * 2000 + "many faces"


@pytest.fixture
def fail(bpy, scene, styletex):
    """Ends a run of one object with an error."""

    def with_error(error: JobError):
        run_state, runner = styletex.module("worker.run_state"), styletex.module("worker.runner")
        cube = bpy.data.objects["Cube"]
        run = run_state.Run([], refused=[run_state.Outcome("Cube", error=error, object_uid=cube.session_uid)])
        run.finished = True
        runner.adopt(run)
        return run

    yield with_error
    styletex.module("worker.runner").dismiss()


@pytest.fixture
def viewer(tmp_path, monkeypatch):
    """Puts a program for files on the path, alone, which notes what it is given and ends with a status."""
    if sys.platform != "linux":
        pytest.skip("xdg-open is Linux's")
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(status: int) -> Path:
        program, given = folder / "xdg-open", tmp_path / "given"
        program.write_text(f'#!/bin/sh\necho "$1" > {given}\nexit {status}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return given

    return install


@pytest.fixture
def log(styletex):
    path = styletex.module("worker.environment").log_path()
    path.write_text("first line\nwhat went wrong\n")
    yield path
    path.unlink()


@pytest.mark.parametrize(
    ("code", "button"),
    [
        ("bad_image", "[styletex.open_style]"),
        ("bad_mesh", "[styletex.select_failed]"),
        ("dependencies", "[styletex.open_log]"),
        ("disk_full", "[styletex.open_data_folder]"),
        ("internal", "[styletex.open_log]"),
        ("bad_setting", "[styletex.open_help]"),
    ],
)
def test_failed_outcome_has_the_button_that_helps(fail, log, drawn, code, button):
    fail(JobError(code, "It failed", "Do this"))
    shown = drawn()
    assert button in shown and "[styletex.open_help]" in shown and "Do this" in shown


def test_button_that_could_do_nothing_is_not_there(bpy, fail, drawn):
    fail(JobError("out_of_memory", "Memory ran out"))
    assert "styletex.free_memory" not in drawn()
    fail(JobError("bad_mesh", "The mesh has no faces"))
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    assert "styletex.select_failed" not in drawn()


def test_long_message_is_cut_in_the_panel_and_whole_behind_a_click(bpy, styletex, fail, drawn):
    fail(JobError("bad_mesh", LONG))
    shown = drawn()
    assert "[styletex.show_message Show All]" in shown and " …" in shown
    assert LONG not in shown
    message = styletex.module("ui.help.help_operators").STYLETEX_OT_show_message
    assert message.description(None, SimpleNamespace(message=LONG)) == LONG


def test_many_warnings_are_counted(fail, drawn):
    run = fail(JobError("bad_mesh", "It failed"))
    for number in range(8):
        run.warn(f"Warning {number}")
    shown = drawn()
    assert "Warning 2" in shown and "Warning 3" not in shown
    assert "[styletex.show_message 5 more warnings]" in shown


def test_failed_objects_are_selected(bpy, fail):
    fail(JobError("bad_mesh", "The mesh has no faces"))
    bpy.ops.styletex.select_failed()
    assert [found.name for found in bpy.context.selected_objects] == ["Cube"]
    assert bpy.context.view_layer.objects.active.name == "Cube"


def test_free_memory_ends_the_process_that_holds_the_model(bpy, scene, styletex):
    warm_worker = styletex.module("worker.warm_worker")
    with pytest.raises(RuntimeError, match="nothing in memory"):
        bpy.ops.styletex.free_memory()
    bpy.ops.styletex.stylize()
    pid = warm_worker._client.pid
    bpy.ops.styletex.free_memory()
    assert not warm_worker.is_warm()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_log_opens_in_the_systems_viewer(bpy, log, viewer):
    given = viewer(0)
    assert bpy.ops.styletex.open_log() == {"FINISHED"}
    assert given.read_text().strip() == str(log)
    assert len(bpy.data.texts) == 0


@pytest.mark.parametrize("status", [3, None], ids=["viewer that fails", "no viewer"])
def test_log_opens_in_blender_where_the_system_has_no_viewer(bpy, log, viewer, status):
    if status is not None:
        viewer(status)
    for content in ("what went wrong", "what went wrong later"):
        log.write_text(f"first line\n{content}\n")
        assert bpy.ops.styletex.open_log() == {"FINISHED"}
        (text,) = bpy.data.texts
        assert text.lines[1].body == content


def test_help_opens_at_the_code(bpy, scene):
    assert bpy.ops.styletex.open_help(code="worker_died") == {"FINISHED"}
    (text,) = bpy.data.texts
    assert text.current_line.body == "### `worker_died`"


def test_manual_opens_in_blender_where_there_is_no_browser(bpy, scene, styletex, monkeypatch):
    operators = styletex.module("ui.help.help_operators")
    monkeypatch.setattr(operators.webbrowser, "open", lambda _url: False)
    assert bpy.ops.styletex.open_help() == {"FINISHED"}
    (text,) = bpy.data.texts
    assert "StyleTex for Blender" in text.as_string()


def test_another_style_image_is_taken(bpy, scene, style_image):
    bpy.context.scene.styletex.style_image = None
    bpy.ops.styletex.open_style("EXEC_DEFAULT", filepath=str(style_image))
    assert bpy.data.images[style_image.name] == bpy.context.scene.styletex.style_image
