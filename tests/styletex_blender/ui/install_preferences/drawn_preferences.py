# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences with an installer that behaves as told, and what they draw."""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vendor_install.installed import POINTER, RECORD, fingerprint

ROOT = Path(__file__).resolve().parents[4]
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
    return SimpleNamespace(region=SimpleNamespace(width=10_000.0, height=800.0), preferences=preferences, **more)


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


def refusal(operator, **arguments) -> str:
    with pytest.raises(RuntimeError) as raised:
        operator(**arguments)
    return str(raised.value)
