# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension: Blender's own validator and builder accept it, and the zip installs and runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

INSTALL = """
import json, os, sys
import bpy
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
package = "bl_ext.user_default.styletex"
before = package in bpy.context.preferences.addons
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.mesh.primitive_monkey_add()
settings = bpy.context.scene.styletex
settings.style_image = bpy.data.images.load(sys.argv[2])
settings.prompt, settings.texture_size = "a monkey", "256"
result = bpy.ops.styletex.stylize()
folder = bpy.utils.extension_path_user(package)
print("FOUND", json.dumps({
    "enabled": before,
    "result": sorted(result),
    "material": bpy.context.object.material_slots[0].material.name,
    "own_folder": sorted(os.listdir(folder)),
    "jobs_left": os.listdir(os.path.join(folder, "jobs")),
    "root": os.listdir(os.path.join(bpy.utils.user_resource("EXTENSIONS"), "user_default")),
}))
bpy.ops.preferences.addon_disable(module=package)
print("GONE", not hasattr(bpy.types.Scene, "styletex"))
sys.stdout.flush()
os._exit(0)
"""


def blender_ext():
    """Blender's command for extensions, out of the bpy wheel."""
    bpy = pytest.importorskip("bpy", reason="needs Blender as a Python module (the bpy wheel)")
    folder = Path(bpy.utils.resource_path("LOCAL"))
    return folder / "scripts" / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"


def extension_command(*arguments):
    return subprocess.run([sys.executable, str(blender_ext()), *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def built_zip(tmp_path_factory):
    path = tmp_path_factory.mktemp("zip") / "styletex.zip"
    done = extension_command("build", "--source-dir", str(ROOT), "--output-filepath", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def test_validator_accepts_the_checkout():
    done = extension_command("validate", str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr


def test_zip_is_valid_and_holds_what_runs_and_nothing_else(built_zip):
    done = extension_command("validate", str(built_zip))
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(built_zip) as archive:
        names = archive.namelist()
    for needed in (
        "blender_manifest.toml",
        "__init__.py",
        "LICENSE",
        "styletex_blender/headless.py",
        "core/job.py",
        "core/worker.py",
    ):
        assert needed in names
    first = {name.split("/")[0] for name in names}
    assert not {name for name in first if name.startswith(".")}
    assert not first & {"tests", "build", "docs", "pyproject.toml"}
    unwanted = ("core/training/", "core/evaluation/")
    assert not [name for name in names if "__pycache__" in name or name.startswith(unwanted)]


def test_installed_extension_textures_and_goes_without_a_trace(built_zip, style_image, tmp_path):
    script = tmp_path / "install.py"
    script.write_text(INSTALL)
    fake = [sys.executable, "-u", str(ROOT / "tests" / "fake_worker.py"), "--step-seconds", "0.005"]
    done = subprocess.run(
        [sys.executable, str(script), str(built_zip), str(style_image)],
        cwd=tmp_path,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "user"), "STYLETEX_WORKER": json.dumps(fake)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith(("FOUND", "GONE"))}
    assert "FOUND" in lines, done.stdout + done.stderr
    found = json.loads(lines["FOUND"].removeprefix("FOUND"))
    assert found["enabled"]
    assert found["result"] == ["FINISHED"]
    assert found["material"] == "StyleTex · Suzanne"
    assert found["own_folder"] == ["jobs", "logs"]
    assert found["jobs_left"] == []
    assert lines["GONE"] == "GONE True"
