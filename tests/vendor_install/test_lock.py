# SPDX-License-Identifier: GPL-3.0-or-later
"""One file says which versions; the lock follows it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vendor_install import lock, requirements, tools
from vendor_install.installed import fingerprint
from vendor_install.messages import InstallError


def pins(lines: list[str]) -> set[tuple[str, str]]:
    found = [Requirement(text) for line in lines if (text := line.split("#")[0].strip())]
    return {(canonicalize_name(each.name), str(each.specifier)) for each in found}


def test_lock_holds_every_version_that_the_requirements_name():
    wanted = pins(requirements.WORKER.read_text(encoding="utf-8").splitlines())
    assert wanted - pins(lock.read().pins()) == {("torch", lock.read().torch.removeprefix("torch"))}


def test_lock_holds_no_version_that_the_requirements_do_not_name_but_for_other_systems():
    wanted = {name for name, _ in pins(requirements.WORKER.read_text(encoding="utf-8").splitlines())}
    here = [pin for pin in lock.read().pins() if Requirement(pin).marker is None or Requirement(pin).marker.evaluate()]
    assert {name for name, _ in pins(here)} <= wanted


def test_lock_was_made_by_this_version_of_the_program():
    read = lock.read()
    assert (read.torch, read.imports, read.megabytes) == (
        requirements.torch_requirement(),
        lock.IMPORTS,
        lock.MEGABYTES,
    )


def test_every_locked_package_has_hashes_and_none_is_part_of_pytorchs_own_build():
    text = lock.LOCK_FILE.read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=\w)", text) if block[:1].isalnum()]
    assert len(blocks) == len(lock.read().pins())
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)
    assert not re.search(r"^(torch|nvidia|cuda|triton)", text, re.MULTILINE)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_numpy_has_one_version_for_each_python(version):
    marked = [Requirement(pin) for pin in lock.read().pins() if pin.startswith("numpy==")]
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    assert len([pin for pin in marked if pin.marker is None or pin.marker.evaluate(environment)]) == 1


def test_fingerprint_is_the_same_for_both_ways_to_end_a_line(tmp_path):
    (tmp_path / "a").write_bytes(b"x==1\ny==2\n")
    (tmp_path / "b").write_bytes(b"x==1\r\ny==2\r\n")
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")


def test_lock_cut_short_is_named(tmp_path):
    (tmp_path / "requirements.lock").write_text("# {")
    with pytest.raises(InstallError, match="cannot be read"):
        lock.read(tmp_path / "requirements.lock")


def test_tests_use_the_uv_that_is_installed_where_there_is_none():
    assert tools.UV in requirements.DEVELOPMENT.read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "platform"),
    [
        ("3.11", "x86_64-manylinux_2_28"),
        ("3.13", "x86_64-manylinux_2_28"),
        ("3.12", "x86_64-pc-windows-msvc"),
        ("3.13", "aarch64-apple-darwin"),
    ],
)
def test_versions_resolve_to_wheels(python, platform, tmp_path):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv on the PATH")
    command = [
        uv,
        "pip",
        "compile",
        "--only-binary",
        ":all:",
        "--python-version",
        python,
        "--python-platform",
        platform,
    ]
    result = subprocess.run(
        [*command, str(requirements.WORKER), "-o", str(tmp_path / "lock.txt")],
        capture_output=True,
        text=True,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0", "UV_PYTHON_DOWNLOADS": "never"},
        check=False,
    )
    if result.returncode != 0 and "error sending request" in result.stderr:
        pytest.skip(f"needs the package index: {result.stderr}")
    assert result.returncode == 0, result.stderr
