# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip: Blender's own validator and builder accept it, and it holds what it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from vendor_install import release

ROOT = Path(__file__).resolve().parents[2]


def test_validator_accepts_the_checkout(blender_module):
    release.extension_command(blender_module, "validate", str(ROOT))


def test_validator_accepts_the_zip(blender_module, package):
    release.extension_command(blender_module, "validate", str(package))


def test_zip_holds_what_runs_and_nothing_of_the_workshop(package):
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    assert {
        "blender_manifest.toml",
        "__init__.py",
        "LICENSE",
        "styletex_blender/headless.py",
        "core/job.py",
        "core/worker/worker.py",
        "docs/troubleshooting.md",
    } <= set(names)
    workshop = ("tests/", "build/", "docs/", ".", "pyproject.toml")
    workshop += ("core/training/", "core/evaluation/", "core/rehearsal/", "core/bench/")
    shipped = [name for name in names if name != "docs/troubleshooting.md"]
    assert not [name for name in shipped if name.startswith(workshop) or "__pycache__" in name]


def test_worker_and_bundled_model_start_from_the_zip_alone(package, tmp_path):
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    load = (
        "import torch; from core.stylize import LoadedModels;"
        " print(LoadedModels().get('bundled', torch.device('cpu')).profile.folder)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    loaded = subprocess.run(
        [sys.executable, "-c", load], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert Path(loaded.stdout.strip()) == tmp_path / "core" / "bundled", loaded.stderr
    with subprocess.Popen(
        [sys.executable, "-m", "core", "worker"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        said = [json.loads(worker.stdout.readline())["type"]]
        while said[-1] == "heartbeat":
            said.append(json.loads(worker.stdout.readline())["type"])
        assert said[-1] == "hello"
        worker.stdin.close()
        assert worker.wait(60) == 0
