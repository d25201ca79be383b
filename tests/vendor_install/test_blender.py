# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender is found on computers of all kinds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vendor_install import blender, blender_places, real_blender, system_packages
from vendor_install.blender import Blender
from vendor_install.messages import SetupError


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def a_blender(path: Path, version: str, python: str = "/usr/bin/python3", numpy: str = "true") -> Path:
    about = f'echo; echo \'ABOUT {{"python": "{python}", "numpy": {numpy}}}\''
    return program(path, f'case "$*" in --version) echo "Blender {version}";; *) {about};; esac')


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home folder, and no Blender on the PATH or in any place outside of that folder."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("BLENDER", raising=False)
    patterns = blender_places._patterns
    monkeypatch.setattr(
        blender_places, "_patterns", lambda: [path for path in patterns() if path.is_relative_to(tmp_path)]
    )
    return tmp_path


def test_blender_of_the_variable_comes_first(home, monkeypatch):
    named = a_blender(home / "named", "4.3.2")
    a_blender(home / "bin" / "blender", "4.5.0")
    monkeypatch.setenv("BLENDER", str(named))
    assert blender.find_blender().found == Blender(named, is_module=False)


@pytest.mark.parametrize(("text", "message"), [("exit 1", "no Blender that starts"), ("echo Blender 3.6.2", "oldest")])
def test_unusable_blender_variable_is_an_error_not_a_fallback(text, message, home, monkeypatch):
    monkeypatch.setenv("BLENDER", str(program(home / "named", text)))
    with pytest.raises(SetupError, match=message):
        blender.find_blender()


def test_blender_on_the_path_comes_before_the_usual_places(home):
    found = a_blender(home / "bin" / "blender", "4.5.0")
    a_blender(home / "blender-5.2.0-linux-x64" / "blender", "5.2.0")
    assert blender.find_blender().found == Blender(found, is_module=False)


def test_blender_that_is_too_old_or_broken_gives_way_to_the_newest_in_the_usual_places(home):
    old = a_blender(home / "bin" / "blender", "3.6.2")
    broken = program(home / "blender-5.2.0-linux-x64" / "blender", "exit 1")
    a_blender(home / "blender-4.2.1-linux-x64" / "blender", "4.2.1")
    newest = a_blender(home / "Applications" / "blender-4.5.10-linux-x64" / "blender", "4.5.10")
    search = blender.find_blender()
    assert search.found == Blender(newest, is_module=False)
    assert search.tried == (
        f"{old}: it is Blender 3.6, and 4.2 is the oldest that will do",
        f"{broken}: it does not start",
    )


def test_flatpak_is_named_with_the_reason_why_it_cannot_be_used(home):
    (home / ".local" / "share" / "flatpak" / "app" / "org.blender.Blender").mkdir(parents=True)
    search = blender.find_blender()
    assert search.found is None
    assert search.tried[0] == "blender: not on the PATH"
    assert any("a Flatpak, which cannot start a Python outside of its sandbox" in line for line in search.tried)


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("win32", "Programs/Blender Foundation/Blender 4.5/blender.exe"),
        ("win32", "Programs/Steam/steamapps/common/Blender/blender.exe"),
        ("darwin", "Applications/Blender.app/Contents/MacOS/Blender"),
        ("darwin", "Applications/Blender 4.2.app/Contents/MacOS/Blender"),
        ("linux", "blender-4.5.3-linux-x64/blender"),
        ("linux", "Downloads/blender-4.5.3-linux-x64/blender"),
        ("linux", ".local/share/Steam/steamapps/common/Blender/blender"),
    ],
)
def test_usual_places_of_each_system_are_looked_at(system, place, home, monkeypatch):
    made = a_blender(home / place, "4.5.3")
    monkeypatch.setenv("ProgramFiles", str(home / "Programs"))
    monkeypatch.setattr(sys, "platform", system)
    assert blender_places.programs() == [made]


def test_blender_without_numpy_gets_debians_where_it_is_debians(home, monkeypatch):
    asked: list[dict] = []
    monkeypatch.setattr(system_packages, "provide", asked.append)
    made = a_blender(home / "bin" / "blender", "4.3.2", numpy="false")
    found = real_blender.find()
    assert found is not None
    assert found.pythons() == [Path("/usr/bin/python3")]
    assert asked == [{f"numpy for {made}": "python3-numpy"}]


def test_blender_that_does_not_start_without_a_window_is_passed_over_and_quoted(home, capsys, monkeypatch):
    made = program(
        home / "bin" / "blender", '[ "$1" = --version ] && echo Blender 4.3.2 || { echo no libX11; exit 1; }'
    )
    assert real_blender.find() is None
    assert "no libX11" in capsys.readouterr().out
    monkeypatch.setenv("BLENDER", str(made))
    with pytest.raises(SetupError, match="no libX11"):
        real_blender.find()
