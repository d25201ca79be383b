# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist does first: open the preferences, click Install, watch it. In a real window, with a fake installer."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.processes import wait_until_gone

pytestmark = pytest.mark.slow
FAKE_INSTALLER = Path(__file__).resolve().parents[1] / "fake_installer.py"


def open_preferences(open_blender, online, *behaviour):
    window = open_blender("watch_preferences.py", online, str(FAKE_INSTALLER), *behaviour)
    window.until(lambda state: state["ticks"] > 5 and "preferences" in state, "the preferences")
    time.sleep(1.0)
    return window


def test_click_on_install_shows_progress_while_blender_answers_and_ends_installed(open_blender):
    window = open_preferences(open_blender, "online", "--stage-seconds", "1.5")
    window.photograph("install_absent")
    window.click(window.find_button("preferences"))
    first = window.until(lambda state: state["percent"] > 50.0, "the download")
    window.photograph("install_running")
    later = window.until(lambda state: state["percent"] > first["percent"], "progress")
    assert later["ticks"] > first["ticks"]
    window.until(lambda state: state["ending"] == "done", "the end")
    assert window.state()["state"] == "ready"
    time.sleep(1.0)
    window.photograph("install_ready")


def test_without_online_access_install_cannot_be_clicked_and_the_ways_on_are_shown(open_blender):
    window = open_preferences(open_blender, "offline")
    window.photograph("install_offline")
    assert not window.state()["can_install"]


def test_killed_blender_takes_the_installer_with_it(open_blender):
    window = open_preferences(open_blender, "online", "--stage-seconds", "1.0")
    window.click(window.find_button("preferences"))
    state = window.until(lambda state: state["installer_pid"], "the installer")
    os.kill(state["blender_pid"], signal.SIGKILL)
    wait_until_gone(state["installer_pid"], 20.0)
