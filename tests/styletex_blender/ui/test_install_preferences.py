# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences' Install: what its buttons do, when they cannot be pressed, and what is shown when."""

from __future__ import annotations

import ast
import functools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from styletex.core.job import JobError
from vendor_install.accelerators import DEVICES
from vendor_install.installed import POINTER, RECORD, fingerprint

ROOT = Path(__file__).resolve().parents[3]
FAKE_INSTALLER = ROOT / "tests" / "fake_installer.py"


@functools.cache
def icons() -> set[str]:
    """The icons of this Blender; another name is an error when it draws."""
    bpy = pytest.importorskip("bpy")
    return set(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())


class Layout:
    """Takes down what is drawn: each text and button once, and whether it can be seen as pressed."""

    def __init__(self, drawn: list[str]) -> None:
        self.__dict__["drawn"] = drawn

    def label(self, *, text: str = "", icon: str = "NONE", translate: bool = True) -> None:
        assert icon in icons()
        self.drawn.append(text)

    def prop(self, data: Any, name: str, **_: Any) -> None:
        getattr(data, name)
        self.drawn.append(f"<{name}>")

    def operator(self, name: str, *, text: str | None = None, icon: str = "NONE") -> SimpleNamespace:
        assert icon in icons()
        self.drawn.append(f"[{name} {text}]" if text else f"[{name}]")
        return SimpleNamespace()

    def progress(self, *, factor: float, text: str) -> None:
        assert 0.0 <= factor <= 1.0
        self.drawn.append(f"progress {text}")

    def _part(self, **_: Any) -> Layout:
        return Layout(self.drawn)

    row = column = box = _part


def wide_region(**more: Any) -> SimpleNamespace:
    """A context to draw in, wide enough for every text; without a window Blender's interface has no scale."""
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))
    return SimpleNamespace(region=SimpleNamespace(width=10_000.0), preferences=preferences, **more)


class Preferences:
    """The add-on's preferences, a target folder, and an installer that behaves as told."""

    def __init__(self, bpy, styletex, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.bpy, self.values, self.target = bpy, None, folder / "target"
        self._styletex, self._patch = styletex, monkeypatch
        addon = bpy.context.preferences.addons.new()
        addon.module = "styletex"
        self.values = addon.preferences
        for name in ("install.installer", "ui.install_operators", "ui.install_preferences"):
            monkeypatch.setattr(styletex.module(name), "install_target", lambda: self.target)
        self.behave()

    @property
    def installer(self):
        return self._styletex.module("install.installer")

    def behave(self, *behaviour: str) -> None:
        fake = [sys.executable, "-u", str(FAKE_INSTALLER), "--lock", fingerprint(), *behaviour]
        self._patch.setattr(self.installer, "installer_command", lambda arguments: [*fake, *arguments])

    def online(self, allowed: bool = True) -> None:
        self.bpy.context.preferences.system.use_online_access = allowed

    def until(self, condition, seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            self.installer.step()
            time.sleep(0.01)

    def drawn(self) -> str:
        drawn: list[str] = []
        self._styletex.module("ui.install_preferences").draw(Layout(drawn), wide_region(), self.values)
        return "\n".join(drawn)

    def plant(self, **record: Any) -> None:
        """An environment as an installation leaves it."""
        folder = self.target / "env-00000000-1"
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(sys.executable)
        (self.target / POINTER).write_text(folder.name)
        values = {"lock": fingerprint(), "device": "auto", "torch": "2.13.0+cpu", "python": "3.13.5"}
        (folder / RECORD).write_text(json.dumps({**values, "size_bytes": 1_234_000_000, **record}))


@pytest.fixture
def preferences(bpy, styletex, monkeypatch, tmp_path) -> Iterator[Preferences]:
    made = Preferences(bpy, styletex, monkeypatch, tmp_path)
    made.online(False)
    yield made
    made.installer.abandon()
    made.online(False)
    addons = bpy.context.preferences.addons
    addons.remove(addons["styletex"])


def refusal(operator, **arguments) -> str:
    with pytest.raises(RuntimeError) as raised:
        operator(**arguments)
    return str(raised.value)


def test_install_button_installs_and_the_section_says_so(bpy, preferences):
    preferences.online()
    before = preferences.drawn()
    assert "Not installed" in before and "[styletex.install Install]" in before
    assert "check_install" not in before and "remove_install" not in before
    assert bpy.ops.styletex.install() == {"FINISHED"}
    after = preferences.drawn()
    assert "Installed, 1.2 GB on disk" in after
    assert "PyTorch 2.13.0+cpu · Python 3.11.2" in after
    assert "Installed in 9 min 41 s" in after
    assert "[styletex.install Repair]" in after


def test_without_online_access_the_button_says_what_to_do_and_the_section_shows_two_ways_on(bpy, preferences):
    assert "Allow Online Access in Preferences" in refusal(bpy.ops.styletex.install)
    drawn = preferences.drawn()
    assert "Preferences > System > Network > Allow Online Access" in drawn
    assert "[screen.userpref_show Open System Preferences]" in drawn
    assert f"vendor_install bundle --output wheels --python-version 3.{sys.version_info[1]}" in drawn
    assert not preferences.target.exists()
    preferences.online()
    assert "Allow Online Access" not in preferences.drawn()
    assert bpy.ops.styletex.install.poll()


def test_folder_of_wheels_installs_without_online_access(bpy, preferences, tmp_path, monkeypatch):
    preferences.values.wheels_folder = str(tmp_path / "nowhere")
    assert "There is no Wheels Folder" in refusal(bpy.ops.styletex.install)
    preferences.values.wheels_folder = str(tmp_path)
    assert "Blender may not use the network" not in preferences.drawn()
    given = []
    monkeypatch.setattr(preferences.installer, "installer_command", lambda arguments: given.extend(arguments) or ["/"])
    refusal(bpy.ops.styletex.install)
    assert given[given.index("--wheels") + 1] == str(tmp_path)


def test_choices_of_the_preferences_reach_the_installer(bpy, preferences, monkeypatch):
    preferences.online()
    preferences.values.install_device = "cuda"
    preferences.values.base_python = sys.executable
    given = []
    monkeypatch.setattr(preferences.installer, "installer_command", lambda arguments: given.extend(arguments) or ["/"])
    refusal(bpy.ops.styletex.install, rebuild=True)
    assert given[:3] == ["install", "--target", str(preferences.target)]
    assert given[given.index("--device") + 1] == "cuda"
    assert Path(given[given.index("--python") + 1]) == Path(sys.executable)
    assert {"--json-events", "--end-with-input", "--rebuild"} <= set(given)


def test_every_device_of_the_installer_can_be_chosen(bpy, preferences):
    items = preferences.values.bl_rna.properties["install_device"].enum_items
    assert tuple(item.identifier for item in items) == DEVICES


def test_progress_is_shown_and_cancel_leaves_what_was_there(bpy, preferences):
    preferences.online()
    preferences.plant(device="cpu")
    preferences.behave("--stage-seconds", "0.2")
    run = preferences.installer.begin("install")
    preferences.until(lambda: run.download.get("bytes"))
    drawn = preferences.drawn()
    assert "5 of 6 · Install PyTorch" in drawn
    assert "progress 3" in drawn and "of 200 MB · 11 MB/s · " in drawn and "left" in drawn
    assert "[styletex.cancel_install]" in drawn and "[styletex.install" not in drawn
    for operator in (bpy.ops.styletex.install, bpy.ops.styletex.check_install, bpy.ops.styletex.remove_install):
        assert "The installer is at work" in refusal(operator)
    bpy.ops.styletex.cancel_install()
    assert "It is being canceled" in refusal(bpy.ops.styletex.cancel_install)
    preferences.until(lambda: run.ending)
    assert run.ending["type"] == "cancelled"
    assert "What was there before is as it was" in preferences.drawn()
    assert preferences.drawn().startswith("Installed, 1.2 GB")


def test_failure_is_shown_with_a_hint_for_people_with_buttons(bpy, preferences):
    preferences.online()
    preferences.behave("--end-at", "torch", "--ending", "disk_full")
    assert "The fake met disk_full. Free space" in refusal(bpy.ops.styletex.install)
    drawn = preferences.drawn()
    assert "The fake met disk_full" in drawn and "[styletex.open_install_log]" in drawn
    assert "base_python" not in drawn
    preferences.behave("--end-at", "python", "--ending", "no_python")
    refusal(bpy.ops.styletex.install)
    assert "<base_python>" in preferences.drawn()


@pytest.mark.parametrize(
    ("record", "words", "button"),
    [
        ({"lock": "another"}, "Installed for another version of StyleTex", "Update"),
        ({"device": "cpu"}, "Installed, 1.2 GB on disk", "Install for Automatic"),
        ({}, "Installed, 1.2 GB on disk", "Repair"),
    ],
)
def test_state_chooses_the_button(bpy, preferences, record, words, button):
    preferences.online()
    preferences.plant(**record)
    assert words in preferences.drawn()
    assert f"[styletex.install {button}]" in preferences.drawn()


def test_far_larger_download_is_asked_about_and_made_when_it_may_be(bpy, preferences):
    preferences.online()
    preferences.behave("--end-at", "torch", "--ending", "large_download")
    assert "The fake met large_download" in refusal(bpy.ops.styletex.install)
    drawn = preferences.drawn()
    assert "[styletex.install Install All the Same]" in drawn
    assert bpy.ops.styletex.install(large_download=True) == {"FINISHED"}
    assert "Install All the Same" not in preferences.drawn()


def test_broken_environment_is_called_so(bpy, preferences):
    preferences.online()
    preferences.plant()
    (preferences.target / "env-00000000-1" / "bin" / "python").unlink()
    assert "Installed, but broken: its Python is gone" in preferences.drawn()
    assert "[styletex.install Repair]" in preferences.drawn()


def test_check_says_line_by_line_what_is_wrong_and_how_to_mend_it(bpy, preferences):
    preferences.plant()
    assert bpy.ops.styletex.check_install() == {"FINISHED"}
    drawn = preferences.drawn()
    assert "Installed, but something is wrong: see below" in drawn
    assert "Disk space: 69,000 MB are free" in drawn
    assert "Files: files are missing in numpy\nClick Repair" in drawn
    preferences.online()
    bpy.ops.styletex.install(rebuild=True)
    assert "something is wrong" not in preferences.drawn()


def test_remove_removes(bpy, preferences):
    assert "Nothing is installed" in refusal(bpy.ops.styletex.remove_install)
    preferences.plant()
    assert bpy.ops.styletex.remove_install() == {"FINISHED"}
    assert "Not installed" in preferences.drawn() and "Removed" in preferences.drawn()


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


def hints(file: Path) -> Iterator[str]:
    """The texts in an installer's file that tell people what to do."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield node.value


def test_no_hint_in_blender_names_an_option_of_the_shell(bpy, styletex):
    in_blender = styletex.module("install.installer_text").in_blender
    files = ("install", "fill", "consent", "doctor", "target", "pythons", "children", "tools")
    # What begins with a capital and names an option is for people; commands and options alone are not.
    told = [text for name in files for text in hints(ROOT / "vendor_install" / f"{name}.py") if text[:1].isupper()]
    told = [text for text in told if " --" in text or "vendor_install" in text]
    assert len(told) > 5
    assert [text for text in map(in_blender, told) if " --" in text or "vendor_install" in text] == []


def own_python_of(folder: Path) -> Path:
    """A virtual environment's Python as it lies on this system."""
    program = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python3")
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    return program


def test_own_python_is_called_working_only_when_it_was_tried_and_stands_there_alone(bpy, preferences, tmp_path):
    preferences.plant()
    program = own_python_of(tmp_path / "venv")
    preferences.values.worker_python = str(tmp_path / "venv")
    drawn = preferences.drawn()
    assert "Not tried yet: click Check" in drawn and str(program) in drawn
    assert "Installed" not in drawn and "[styletex.install" not in drawn
    assert bpy.ops.styletex.check_install() == {"FINISHED"}
    assert preferences.installer.last_check().python == str(program)
    assert "It was tried, and something is wrong" in preferences.drawn()
    preferences.installer.last_check().findings.clear()
    assert "It was tried, and it works" in preferences.drawn()
    preferences.values.worker_python = str(own_python_of(tmp_path / "other"))
    assert "Not tried yet" in preferences.drawn()
    preferences.values.worker_python = ""
    assert preferences.drawn().startswith("Installed, 1.2 GB on disk")


def test_check_of_an_own_python_asks_the_installer_to_try_that_one(bpy, preferences, tmp_path, monkeypatch):
    program = own_python_of(tmp_path / "venv")
    preferences.values.worker_python = str(tmp_path / "venv")
    given = []
    monkeypatch.setattr(preferences.installer, "installer_command", lambda arguments: given.extend(arguments) or ["/"])
    refusal(bpy.ops.styletex.check_install)
    assert given[0] == "doctor" and given[given.index("--python") + 1] == str(program)


def test_folder_without_a_python_is_refused_with_its_name(bpy, preferences, tmp_path):
    preferences.values.worker_python = str(tmp_path)
    assert f"There is no Python at {tmp_path}" in preferences.drawn()
    assert "There is no Python" in refusal(bpy.ops.styletex.check_install)


def test_sizes_stand_there_before_the_click(bpy, preferences):
    for device in DEVICES:
        preferences.values.install_device = device
        assert "To download: " in preferences.drawn()
    preferences.values.install_device = "cuda"
    assert "2.7 GB" in preferences.drawn()


def test_downloads_of_a_canceled_installation_can_be_removed(bpy, preferences):
    preferences.online()
    assert "Remove Downloads" not in preferences.drawn()
    preferences.target.mkdir()
    (preferences.target / "downloads").write_bytes(b"0" * 5000)
    assert "[styletex.remove_install Remove Downloads]" in preferences.drawn()
    assert bpy.ops.styletex.remove_install() == {"FINISHED"}
