# SPDX-License-Identifier: GPL-3.0-or-later
"""Which build of PyTorch a computer gets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vendor_install import accelerators, lock, tools

_is_there = Path.exists
DRIVERS = {"cuda": Path("/proc/driver/nvidia/version"), "rocm": Path("/dev/kfd")}


@pytest.fixture
def driver(monkeypatch, tmp_path):
    """Puts the driver of a graphics card into a computer that has none."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    there: set[Path] = set()
    monkeypatch.setattr(Path, "exists", lambda path: path in there if path in DRIVERS.values() else _is_there(path))
    return lambda kind: there.add(DRIVERS[kind])


def test_computer_without_a_card_gets_the_build_for_the_processor_and_nothing_of_cuda(driver):
    assert accelerators.torch_backend("auto") == "cpu"
    assert accelerators.build("auto") == "cpu"


@pytest.mark.parametrize(("kind", "build"), [("cuda", "cu"), ("rocm", "rocm")])
def test_computer_with_a_card_gets_the_build_that_its_driver_can_run(kind, build, driver):
    driver(kind)
    assert accelerators.torch_backend("auto") == "auto"
    assert accelerators.torch_backend("cpu") == "cpu"
    assert accelerators.build("auto").startswith(build)


def test_mac_takes_the_one_build_that_there_is(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert accelerators.likely_device("auto") == "mps"
    assert accelerators.torch_backend("auto") is None
    assert accelerators.build("auto") is None


def test_uv_is_told_the_build_by_name(driver, workshop, tmp_path):
    told = tmp_path / "told"
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >> {told}\n')
    uv.chmod(0o755)
    tool = tools.Uv(str(uv), tools.Sources(tmp_path / "bootstrap"), lambda line: None)
    tool.install_torch(tmp_path / "environment", lock.read(workshop.lock), "auto")
    assert "--torch-backend cpu" in told.read_text()
