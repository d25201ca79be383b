# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python of the artist's own in the preferences: found, tried, and called working only then."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.styletex_blender.ui.install_preferences.drawn_preferences import refusal


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
