# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip in each supported Blender: Blender's own installer, a job by the button's operator and one by the command.

``STYLETEX_BPY_VERSIONS`` names versions of the bpy wheel; without it, the one that is installed is used alone.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vendor_install.children import scrubbed_environment
from vendor_install.installed import python_of
from vendor_install.interpreter import find_python

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "styletex_blender" / "install_and_use.py"
INSTALLED = importlib.metadata.version("bpy") if importlib.util.find_spec("bpy") else ""
VERSIONS = os.environ.get("STYLETEX_BPY_VERSIONS", INSTALLED).split()

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", VERSIONS)
def test_zip_installs_and_works_in_the_module_of(version, package, style_image, tmp_path):
    python = blender_module(version)
    check([str(python), str(SCRIPT), "--", str(package), str(style_image)], tmp_path)


@pytest.mark.skipif(not os.environ.get("BLENDER"), reason="BLENDER names no Blender")
def test_zip_installs_and_works_in_a_real_blender(package, style_image, tmp_path):
    options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python", str(SCRIPT)]
    check([os.environ["BLENDER"], *options, "--", str(package), str(style_image)], tmp_path)


def blender_module(version: str) -> Path:
    """A Python that has ``bpy`` of ``version``, this one or one in an environment under ``build/`` that is kept."""
    if version == INSTALLED:
        return Path(sys.executable)
    wanted = (3, 13) if tuple(map(int, version.split("."))) >= (5, 1) else (3, 11)
    base = sys.executable if sys.version_info[:2] == wanted else find_python(wanted)
    if base is None:
        pytest.skip(f"bpy {version} needs Python {wanted[0]}.{wanted[1]}, which is not on the PATH")
    folder = ROOT / "build" / "bpy" / version
    python = python_of(folder)
    ready = folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        run([base, "-m", "venv", str(folder)])
        numpy = "numpy<2" if wanted == (3, 11) else "numpy"
        run([str(python), "-m", "pip", "install", "--quiet", "--no-input", numpy, f"bpy=={version}"])
        ready.touch()
    return python


def run(command: list[str]) -> None:
    result = subprocess.run(command, env=scrubbed_environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def check(command: list[str], folder: Path) -> None:
    """Run the script with a user folder of its own and the worker without models."""
    worker = [sys.executable, "-u", str(ROOT / "tests" / "fake_worker.py"), "--step-seconds", "0.005"]
    resources = folder / "resources"
    resources.mkdir()
    environment = {
        **scrubbed_environment(),
        "BLENDER_USER_RESOURCES": str(resources),
        "STYLETEX_WORKER": json.dumps(worker),
    }
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "INSTALLED AND USED" in result.stdout
