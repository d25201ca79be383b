# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip: Blender's own validator and builder accept it, and it holds what it should."""

from __future__ import annotations

import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_validator_accepts_the_checkout(extension_command):
    extension_command("validate", str(ROOT))


def test_validator_accepts_the_zip(extension_command, package):
    extension_command("validate", str(package))


def test_zip_holds_what_runs_and_nothing_of_the_workshop(package):
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    assert {
        "blender_manifest.toml",
        "__init__.py",
        "LICENSE",
        "styletex_blender/headless.py",
        "core/job.py",
        "core/worker.py",
    } <= set(names)
    workshop = ("tests/", "build/", "docs/", "core/training/", "core/evaluation/", ".", "pyproject.toml")
    assert not [name for name in names if name.startswith(workshop) or "__pycache__" in name]
