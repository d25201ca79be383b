# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene that is ready for Stylize Texture, and a hand on the runner."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from vendor_install import release
from vendor_install.blender import Blender

ROOT = Path(__file__).resolve().parents[2]


class StyleTex:
    """Steps a run as the window's timer does."""

    def __init__(self, bpy: ModuleType, fake_worker: Callable[..., None]) -> None:
        self._bpy = bpy
        self._fake_worker = fake_worker
        self._steps = iter(())

    def module(self, name: str) -> ModuleType:
        """A module of the Blender side."""
        return importlib.import_module(f"styletex.styletex_blender.{name}")

    def begin(self, objects, *behaviour: str):
        """Begin a run with the scene's settings, without stepping it; it goes on until it is ended."""
        self._fake_worker("--steps", "100000", *behaviour)
        settings = self.module("settings").Settings.from_scene(self._bpy.context.scene)
        run = self.module("api").prepare(objects, settings)
        self._steps = self.module("worker.runner").begin(run)
        return run

    def go_on(self, run) -> None:
        """Begin a run again that was paused, or is to do more."""
        self._steps = self.module("worker.runner").begin(run)

    def end(self, run) -> None:
        """Have the worker finish what it is at, object by object, until the run is over."""

        def over() -> bool:
            self.module("worker.runner").finish()
            return run.finished

        self.until(over)

    def until(self, condition, seconds: float = 60.0) -> None:
        """Step the run until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the condition did not come true"
            next(self._steps, None)
            time.sleep(0.002)

    def inventory(self) -> dict[str, list[str]]:
        """Names of the datablocks that a run might leave."""
        kinds = ("materials", "images", "meshes", "objects", "scenes", "worlds", "collections")
        return {kind: sorted(found.name for found in getattr(self._bpy.data, kind)) for kind in kinds}


@pytest.fixture
def styletex(bpy, fake_worker) -> StyleTex:
    """The hand on the runner; textures that other tests left are gone."""
    hand = StyleTex(bpy, fake_worker)
    shutil.rmtree(hand.module("worker.environment").kept_folder())
    return hand


@pytest.fixture
def scene(bpy, fake_worker, style_image):
    """A cube and a monkey with a material "Old", selected, and all settings made."""
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.mesh.primitive_monkey_add(location=(3, 0, 0))
    old = bpy.data.materials.new("Old")
    for mesh in bpy.data.objects:
        mesh.data.materials.append(old)
        mesh.select_set(True)
    settings = bpy.context.scene.styletex
    settings.style_image = bpy.data.images.load(str(style_image))
    settings.prompt = "a box"
    settings.texture_size = "256"
    bpy.ops.ed.undo_push(message="Set up")
    return bpy.context.scene


@pytest.fixture(scope="session")
def blender_module() -> Blender:
    """Blender as the module of this Python, with its tool for extensions."""
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("needs Blender's builder (the bpy wheel)")
    return Blender(Path(sys.executable), is_module=True)


@pytest.fixture(scope="session")
def package(blender_module: Blender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension's zip, as it is released."""
    return release.build(blender_module, ROOT, tmp_path_factory.mktemp("package"))
