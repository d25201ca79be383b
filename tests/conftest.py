# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on under the name ``styletex``, and a fresh Blender around each test that asks for one."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
_STATUS = pytest.StashKey[int]()
FAKE_WORKER = ROOT / "tests" / "fake_worker.py"


def _alias_package() -> None:
    """Make the checkout importable as ``styletex``, as an extension is under its own name; ``bpy`` is not loaded."""
    package = ModuleType("styletex")
    package.__path__ = [str(ROOT)]
    sys.modules["styletex"] = package


_alias_package()


def pytest_configure(config: pytest.Config) -> None:
    """Let what tests start hear Ctrl-C, also where the shell runs pytest in the background with its ear closed.

    A signal that is ignored stays so in every child; one that is handled, however, is as at the system's start there.
    """
    del config
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Blender as a module hangs or crashes at exit; leave without its farewell, with pytest's own status."""
    if "bpy" not in sys.modules:
        return
    status = config.stash.get(_STATUS, pytest.ExitCode.INTERNAL_ERROR)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(status))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the status for ``pytest_unconfigure``."""
    session.config.stash[_STATUS] = exitstatus


@pytest.fixture(scope="session")
def user_resources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in place of the person's own Blender settings, which tests leave alone."""
    folder = tmp_path_factory.mktemp("blender_user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLENDER_USER_RESOURCES", str(folder))
        yield folder


@pytest.fixture
def bpy(user_resources: Path) -> Iterator[ModuleType]:
    """Blender with the add-on registered and an empty scene; what a test leaves is gone after it."""
    module = pytest.importorskip("bpy", reason="needs Blender as a Python module (the bpy wheel)")
    module.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    addon = importlib.import_module("styletex.styletex_blender")
    addon.register()
    try:
        yield module
    finally:
        addon.unregister()


@pytest.fixture
def fake_worker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Chooses the worker without models, with the given behaviours (``tests/fake_worker.py``)."""

    def choose(*arguments: str) -> None:
        command = [sys.executable, "-u", str(FAKE_WORKER), "--step-seconds", "0.005", *arguments]
        monkeypatch.setenv("STYLETEX_WORKER", json.dumps(command))

    choose()
    return choose


@pytest.fixture
def style_image(tmp_path: Path) -> Path:
    """A small picture on disk: red and yellow stripes."""
    from PIL import Image

    path = tmp_path / "stripes.png"
    picture = Image.new("RGB", (32, 32), (200, 40, 30))
    for column in range(0, 32, 8):
        picture.paste((240, 200, 60), (column, 0, column + 4, 32))
    picture.save(path)
    return path
