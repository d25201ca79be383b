# SPDX-License-Identifier: GPL-3.0-or-later
"""One command makes a zip that is fit to be released and a folder from which Blender installs it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vendor_install import blender, command_line, release
from vendor_install.blender import Blender
from vendor_install.children import scrubbed_environment
from vendor_install.messages import SetupError

SCRIPT = Path(__file__).with_name("install_from_repository.py")


@pytest.fixture(scope="module")
def source(package, tmp_path_factory) -> Path:
    """The extension's files, apart from the checkout and from whatever lies in it while somebody works."""
    folder = tmp_path_factory.mktemp("source")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def released(blender_module, source, tmp_path_factory) -> Path:
    """The zip in its repository, made by the module."""
    return release.make(blender_module, tmp_path_factory.mktemp("web") / "my extensions", source)


def test_repository_lists_the_zip_by_its_hash(released):
    index = json.loads((released.parent / "index.json").read_text(encoding="utf-8"))
    entry = next(entry for entry in index["data"] if entry["id"] == "styletex")
    assert entry["archive_url"] == f"./{released.name}"
    assert entry["archive_hash"] == f"sha256:{hashlib.sha256(released.read_bytes()).hexdigest()}"
    assert entry["archive_size"] == released.stat().st_size <= 60_000_000
    assert sorted(path.name for path in released.parent.iterdir()) == ["index.html", "index.json", released.name]


def test_module_installs_from_the_folder_by_its_address(released, tmp_path):
    install([sys.executable, str(SCRIPT)], released, tmp_path)


@pytest.mark.skipif(not os.environ.get("BLENDER"), reason="BLENDER names no Blender")
def test_real_blender_makes_the_release_and_installs_from_it(source, tmp_path):
    program = os.environ["BLENDER"]
    made = release.make(Blender(Path(program), is_module=False), tmp_path / "web", source)
    options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python", str(SCRIPT)]
    install([program, *options], made, tmp_path)


def install(command: list[str], package: Path, folder: Path) -> None:
    resources = folder / "resources"
    resources.mkdir()
    result = subprocess.run(
        [*command, "--", (package.parent / "index.json").as_uri()],
        env={**scrubbed_environment(), "BLENDER_USER_RESOURCES": str(resources)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    assert "INSTALLED FROM REPOSITORY" in result.stdout


def test_older_release_in_the_folder_is_not_offered_beside_the_new_one(blender_module, source, tmp_path):
    older = tmp_path / "styletex-0.0.1.zip"
    older.write_bytes(b"zip")
    with pytest.raises(SetupError, match=r"styletex-0\.0\.1\.zip.*one version"):
        release.make(blender_module, tmp_path, source)
    assert list(tmp_path.iterdir()) == [older]


def test_refused_manifest_leaves_the_last_release_as_it_was(blender_module, released, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "blender_manifest.toml").write_text('schema_version = "1.0.0"\nid = "styletex"\n')
    output = shutil.copytree(released.parent, tmp_path / "output")
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    with pytest.raises(SetupError, match="failed at build"):
        release.make(blender_module, output, broken)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_zip_that_is_too_large_is_refused_and_its_largest_file_named(package):
    with pytest.raises(SetupError, match=r"at most 10 MB.*unet/diffusion_pytorch_model\.safetensors"):
        release.check_size(package, largest=10_000_000)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_result_left_lying_in_the_checkout_does_not_get_into_a_release(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    for name in ("known.py", "chest/base_color.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["git", "add", "known.py"], cwd=tmp_path, check=True)
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        archive.writestr("known.py", "")
    release.check_contents(tmp_path / "made.zip", tmp_path)
    with zipfile.ZipFile(tmp_path / "made.zip", "a") as archive:
        archive.writestr("chest/base_color.png", "")
    with pytest.raises(SetupError, match=r"does not know: chest/base_color\.png\."):
        release.check_contents(tmp_path / "made.zip", tmp_path)


def test_command_without_any_blender_says_what_to_name(tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    with pytest.raises(SetupError, match="Name a Blender with BLENDER"):
        blender.Blender(python, is_module=True).extension_command(["validate"])


def test_release_takes_no_other_arguments(capsys):
    with pytest.raises(SystemExit) as ending:
        command_line.run(["release", "--preset", "draft"])
    assert ending.value.code == 2
    assert "release does not take these arguments: --preset draft" in capsys.readouterr().err
