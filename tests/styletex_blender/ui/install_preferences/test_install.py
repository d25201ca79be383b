# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences' Install: what its buttons do, when they cannot be pressed, and what is shown when."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.styletex_blender.ui.install_preferences.drawn_preferences import ROOT, refusal
from vendor_install.accelerators import DEVICES


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
