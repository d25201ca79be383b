# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of models and the download: the real commands of ``core``, against a stand-in of the hub."""

from __future__ import annotations

import json
import sys
import threading
from types import SimpleNamespace

import pytest

from core.models.licences import USE_RESTRICTIONS
from tests.hub import Hub
from tests.styletex_blender.ui.install_preferences.drawn_preferences import Layout, wide_region


class Columns(Layout):
    """With menus beside."""

    def menu(self, name: str, **_) -> None:
        self.drawn.append(f"<{name}>")

    def _part(self, **_):
        return Columns(self.drawn)

    row = column = box = _part


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = Hub()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def models(bpy, styletex, hub, monkeypatch, tmp_path):
    """The add-on with preferences, online, and the real ``core``."""
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "-u", "-m", "core", "worker"]))
    addon = bpy.context.preferences.addons.new()
    addon.module = "styletex"
    monkeypatch.setattr(
        styletex.module("worker.environment"), "preference", lambda name, default: getattr(addon.preferences, name)
    )
    bpy.context.preferences.system.use_online_access = True
    tasks = styletex.module("models.model_tasks")

    def drawn() -> str:
        lines: list[str] = []
        drawing = styletex.module("ui.models.model_drawing")
        drawing.draw_list(Columns(lines), wide_region(), addon.preferences)
        return "\n".join(lines)

    yield SimpleNamespace(tasks=tasks, preferences=addon.preferences, drawn=drawn, folder=tmp_path)
    tasks.abandon()
    bpy.context.preferences.system.use_online_access = False
    bpy.context.preferences.addons.remove(bpy.context.preferences.addons["styletex"])


def refusal(operator, **arguments) -> str:
    with pytest.raises(RuntimeError) as raised:
        operator(**arguments)
    return str(raised.value)


def test_every_model_is_listed_with_state_size_device_and_licence(models):
    models.tasks.list_anew()
    text = models.drawn()
    assert "The bundled model: Ready" in text
    assert "Stable Diffusion 1.5: 10.1 GB to download" in text and "Stable Diffusion XL: 16.8 GB to download" in text
    assert "For a graphics card with 8 GB · CreativeML OpenRAIL-M" in text
    assert "[styletex.download_model Download the Model (10.1 GB)]" in text


def test_a_download_needs_the_licences_accepted_and_online_access(bpy, models, hub):
    models.tasks.list_anew()
    assert "licenses were not accepted" in refusal(bpy.ops.styletex.download_model, profile="sd15")
    bpy.context.preferences.system.use_online_access = False
    assert "Allow Online Access" in refusal(bpy.ops.styletex.download_model, profile="sd15", accept=True)
    assert "[styletex.download_model" not in models.drawn()
    assert hub.asked == []


def test_a_model_is_downloaded_and_then_ready(bpy, models, hub, styletex):
    models.tasks.list_anew()
    missing = styletex.module("ui.models.model_drawing").missing_model
    assert missing("sd15").bytes_missing > 10e9 and missing("bundled") is None
    assert bpy.ops.styletex.download_model(profile="sd15", accept=True) == {"FINISHED"}
    models.tasks.list_anew()
    assert missing("sd15") is None and "Stable Diffusion 1.5: Ready" in models.drawn()
    assert "[styletex.download_model Download What Is Missing (" in models.drawn(), "both families share networks"


def test_a_download_goes_to_the_models_folder_that_is_chosen(bpy, models):
    models.preferences.models_folder = str(models.folder / "chosen")
    models.tasks.list_anew()
    assert models.tasks.catalogue().model("sd15").place == str(models.folder / "chosen")
    bpy.ops.styletex.download_model(profile="sd15", accept=True)
    assert list((models.folder / "chosen").glob("models--*")) and not (models.folder / "hub").exists()


def test_a_download_that_fails_is_one_line_and_a_page(bpy, models, hub):
    hub.instead = b"<html>Sign in</html>"
    models.tasks.list_anew()
    said = refusal(bpy.ops.styletex.download_model, profile="sd15", accept=True)
    assert said.count("\n") <= 1 and "Something else than the file" in said
    text = models.drawn()
    assert "Something else than the file" in text and "[styletex.open_help]" in text


def test_own_checkpoint_does_without_the_base_but_not_without_the_rest(models, hub, styletex, monkeypatch):
    models.tasks.list_anew()
    drawing = styletex.module("ui.models.model_drawing")
    assert drawing.missing_model("sd15", "/mine.safetensors") is not None
    whole = models.tasks.catalogue().model("sd15")
    rest = type(whole)(**{**vars(whole), "files_missing_with_own": 0})
    monkeypatch.setattr(type(models.tasks.catalogue()), "model", lambda self, name: rest)
    assert drawing.missing_model("sd15", "/mine.safetensors") is None
    assert drawing.missing_model("sd15", "") is rest


def test_without_the_environment_the_list_says_so(models, monkeypatch):
    monkeypatch.setenv("STYLETEX_WORKER", json.dumps([sys.executable, "elsewhere.py"]))
    models.tasks.list_anew()
    assert "has no other commands" in models.drawn()


def test_what_is_wrong_in_the_folder_is_said(models):
    shelf = models.folder / "ComfyUI/models/checkpoints"
    shelf.mkdir(parents=True)
    (shelf / "old.ckpt").write_bytes(b"pickle")
    models.preferences.models_folder = str(models.folder / "ComfyUI")
    models.tasks.list_anew()
    assert "In this folder: 0 checkpoints, 0 LoRAs" in models.drawn() and "old.ckpt is a pickle" in models.drawn()


def test_the_restrictions_shown_are_those_of_the_command_line(styletex):
    shown = styletex.module("ui.models.model_operators").RESTRICTIONS
    assert tuple(text[0].lower() + text[1:] for text in shown) == USE_RESTRICTIONS
