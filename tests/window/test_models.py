# SPDX-License-Identifier: GPL-3.0-or-later
"""Stable Diffusion 1.5 in a real window: downloaded from a stand-in of the hub, or found in ComfyUI's folder."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from core.diffusion.networks import load_networks
from core.models.profiles import profile
from tests.core import shelf_files
from tests.core.small_sd15 import write_cache, write_small_sd15
from tests.hub import Hub
from tests.processes import wait_until_gone
from tests.window.conftest import ROOT, SCREEN, STYLE_IMAGE

pytestmark = pytest.mark.slow
CLIP = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
CLIP_WEIGHTS = "model.safetensors"
CHOOSE = """
bpy.context.scene.styletex.profile = 'sd15'
# By itself it would not begin on a processor.
preferences.device = 'cpu'
view_3d()[1].tag_redraw()
"""


@pytest.fixture
def models(tmp_path) -> Path:
    """The repositories, with one file of a size that takes several pieces."""
    folder = tmp_path / "repositories"
    write_small_sd15(folder)
    weights = load_file(folder / CLIP / CLIP_WEIGHTS)
    # Of the half that is not read.
    weights["vision_model.padding"] = torch.zeros(40_000_000, dtype=torch.uint8)
    save_file(weights, folder / CLIP / CLIP_WEIGHTS, {"format": "pt"})
    return folder


@pytest.fixture
def hub(models, tmp_path, monkeypatch):
    """The hub, as Blender and all that it starts see it, and an empty cache."""
    server = Hub(models)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def open_window(open_blender, checkout: Path = ROOT):
    window = open_blender("watch_models.py", str(checkout), str(STYLE_IMAGE))
    window.until(lambda state: state["ticks"] > 3, "the tab")
    return window


def accept(window) -> None:
    """Click the button, tick the box in the dialog, and confirm."""
    window.click(window.find_button())
    time.sleep(1.5)
    with Image.open(window.photograph("model_licences")) as screen:
        colours = np.asarray(screen.convert("RGB"), dtype=int)
    blue = (colours[..., 2] > colours[..., 0] + 60) & (colours[..., 2] > 120)
    row = max(range(SCREEN[1]), key=lambda row: longest_run(blue[row])[0])
    width, left = longest_run(blue[row])
    assert width > 150, "the dialog's button"
    # The box stands above Cancel, which is as wide as the button beside it.
    height = int(np.median([row for row in range(SCREEN[1]) if longest_run(blue[row, left : left + width])[0] > 90]))
    window.click([left - width - 1, SCREEN[1] - 1 - (height - 31)])
    time.sleep(0.5)
    window.photograph("model_accepted")
    window.click([left + width / 2, SCREEN[1] - 1 - height])


def longest_run(marks) -> tuple[int, int]:
    """Length and begin of the longest run of marked pixels."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks.astype(int), [0]])))
    runs = [(int(end - begin), int(begin)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    return max(runs, default=(0, 0))


def stylize_a_little(window) -> None:
    """Click Stylize, see the texture grow, and keep what there is."""
    window.click(window.find_button())
    window.until(lambda state: state["frames"] >= 1 or state["errors"], "the first frame", seconds=400)
    window.do("module('worker.runner').finish()")
    state = window.until(lambda state: not state["running"], "the end of the run", seconds=400)
    assert state["errors"] == [] and state["materials"]


def test_sd15_is_downloaded_interrupted_gone_on_with_and_used(open_blender, hub, models, tmp_path):
    hub.breaks_at[CLIP_WEIGHTS] = 30_000_000
    window = open_window(open_blender)
    window.do(CHOOSE)
    state = window.until(lambda state: state["model"] == "missing", "the list of models")
    assert state["button"] == "Download the Model (10.1 GB)"
    time.sleep(1.0)
    window.photograph("model_missing")
    accept(window)
    window.until(lambda state: state["downloading"], "the download")
    window.until(lambda state: hub.hangs, "the hub's silence in the largest file")
    first = window.until(lambda state: state["percent"] > 20.0, "progress")
    window.photograph("model_downloading")
    later = window.until(lambda state: state["ticks"] > first["ticks"] + 5, "Blender's answers")
    wait_process = later["download_pid"]
    window.click(window.find_button())
    window.until(lambda state: state["ending"] == "cancelled", "the end after Cancel")
    wait_until_gone(wait_process, 10.0)
    state = window.until(lambda state: state["arrived"] > 0, "what has arrived")
    assert state["model"] == "missing" and state["button"].startswith("Resume Download (")
    (partial,) = (tmp_path / "hub").rglob("*.partial")
    kept = partial.stat().st_size
    window.photograph("model_interrupted")

    hub.hangs, hub.breaks_at, hub.asked = False, {}, []
    hub.released.set()
    accept(window)
    window.until(lambda state: state["model"] == "ready", "the whole model")
    assert ("GET", CLIP_WEIGHTS, f"bytes={kept}-") in hub.asked
    assert "unet/config.json" not in hub.fetched()
    digest = hashlib.sha256((models / CLIP / CLIP_WEIGHTS).read_bytes()).hexdigest()
    assert [path for path in (tmp_path / "hub").rglob(digest) if path.stat().st_size > 40_000_000]
    time.sleep(1.0)
    window.photograph("model_ready")
    stylize_a_little(window)


def test_comfyuis_folder_is_found_and_its_model_used(open_blender, models, tmp_path, monkeypatch):
    checkout = copy_of_checkout(tmp_path / "checkout")
    small = checkout / "core" / "models" / "configurations" / "sd15"
    shutil.rmtree(small)
    shelf_files.write_configurations(models, small)
    folder = tmp_path / "ComfyUI"
    base = load_networks(profile("sd15", models), torch.device("cpu"))
    shelf_files.write_shelves(models, base, folder, shelf_files.COMFYUI)
    # Of the hub it needs the tokens of captions alone.
    write_cache(models, tmp_path / "hub", profile("sd15"))
    for repository in (tmp_path / "hub").glob("models--*"):
        if not repository.name.endswith(CLIP.rpartition("/")[2]):
            shutil.rmtree(repository)
    for weights in (tmp_path / "hub").rglob(CLIP_WEIGHTS):
        weights.unlink()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    window = open_window(open_blender, checkout)
    window.do(CHOOSE)
    window.until(lambda state: state["model"] == "missing", "the list without the folder")
    window.do(f"preferences.models_folder = {str(folder)!r}\nview_3d()[1].tag_redraw()")
    state = window.until(lambda state: state["model"] == "ready", "the list with the folder")
    assert state["base"] == str(folder / shelf_files.COMFYUI["base"])
    assert str(folder / shelf_files.COMFYUI["lora"]) in state["found"]
    window.do(f"bpy.ops.styletex.choose_own_file(role='lora', path={str(folder / shelf_files.COMFYUI['lora'])!r})")
    time.sleep(1.0)
    window.photograph("model_found")
    stylize_a_little(window)


def copy_of_checkout(folder: Path) -> Path:
    """What an extension has, to change its files; the environment is a link."""
    for name in ("core", "styletex_blender", "vendor_install"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "blender_manifest.toml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    return folder
