# SPDX-License-Identifier: GPL-3.0-or-later
"""Real environments with small packages made here; what a kill leaves behind is planted for real."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vendor_install import children, consent, distributions, environment, pythons, system_packages, tools
from vendor_install.children import scrubbed_environment
from vendor_install.events import Reporter
from vendor_install.fill import site_packages
from vendor_install.installed import python_of, record_of, write_record
from vendor_install.lock import Lock, read
from vendor_install.messages import InstallError, SetupError


class Shop:
    """Locks of two lists, "worker" with torch and "tests" with brush, and their wheels in a folder."""

    def __init__(self, folder: Path, make_wheel: Callable[..., Path]) -> None:
        self.folder, self._make_wheel = folder, make_wheel
        self.wheels = folder / "wheels"
        self.wheels.mkdir(parents=True)
        make_wheel(self.wheels, "torch", "2.13.0", "__version__ = '2.13.0'\n")
        make_wheel(self.wheels, "torch", "9.9.9", "raise ImportError('the wrong torch')")
        self.worker = self.lock("worker", "torch==2.13.0", ["torch"])
        self.brush()

    def brush(self, version: str = "1.0", code: str = "strokes = 3\n", imports: str = "brush") -> None:
        wheel = self._make_wheel(self.wheels, "brush", version, code, requires="torch")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        self.tests = self.lock("tests", "", [imports], f"brush=={version} --hash=sha256:{digest}")

    def lock(self, name: str, torch: str, imports: list[str], *lines: str) -> Lock:
        header = {"torch": torch, "imports": imports, "megabytes": dict.fromkeys(("cpu", "cuda", "mps", "rocm"), 1)}
        file = self.folder / f"{name}.lock"
        file.write_text("\n".join([f"# {json.dumps({**header, 'wheels': {}})}", *lines, ""]))
        return read(file)

    def build(self, folder: Path, *locks: Lock) -> str:
        """Build and return what was said."""
        said = io.StringIO()
        sources = tools.Sources(self.folder / "uv", self.folder / "cache", wheels=self.wheels)
        with contextlib.redirect_stdout(said):
            environment.build(folder, locks or (self.worker, self.tests), sources, consent.refuse, Reporter())
        return said.getvalue()


@pytest.fixture
def shop(make_workshop, make_wheel: Callable[..., Path], tmp_path: Path) -> Shop:
    """Locks and wheels, and uv on the PATH."""
    return Shop(tmp_path / "shop", make_wheel)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an environment can be made."""
    return tmp_path / "an environment"


@pytest.fixture
def built(shop: Shop, folder: Path) -> Path:
    """An environment that is ready."""
    shop.build(folder)
    return folder


def strokes(folder: Path) -> str:
    command = [str(python_of(folder)), "-I", "-c", "import torch, brush; print(brush.strokes)"]
    return subprocess.check_output(command, encoding="utf-8").strip()


def test_environment_is_ready_for_the_locks_it_was_built_from_and_for_each_alone(shop, built):
    assert environment.is_ready(built, [shop.worker, shop.tests])
    assert environment.is_ready(built, [shop.worker])
    assert strokes(built) == "3"


def test_no_other_package_replaces_the_pinned_torch(built):
    assert [path.name for path in site_packages(built).glob("torch-*")] == ["torch-2.13.0.dist-info"]


def test_changed_lock_is_installed_by_the_next_run(shop, built):
    shop.brush("2.0", "strokes = 4\n")
    assert not environment.is_ready(built, [shop.worker, shop.tests])
    shop.build(built)
    assert environment.is_ready(built, [shop.worker, shop.tests])
    assert strokes(built) == "4"


def test_what_one_command_installed_is_still_known_after_another_one(shop, folder):
    shop.build(folder, shop.worker)
    assert not environment.is_ready(folder, [shop.worker, shop.tests])
    shop.build(folder)
    shop.worker = shop.lock("worker", "torch==2.13.0", ["torch"], "# another version of the list")
    shop.build(folder, shop.worker)
    assert environment.is_ready(folder, [shop.worker, shop.tests])


@pytest.mark.parametrize("damage", ["no record", "file missing", "file cut short"])
def test_package_that_a_kill_left_in_parts_is_installed_anew(damage, shop, built):
    write_record(built, {})
    packages = site_packages(built)
    if damage == "no record":
        (packages / "brush-1.0.dist-info" / "RECORD").unlink()
    elif damage == "file missing":
        (packages / "brush" / "__init__.py").unlink()
    else:
        (packages / "brush" / "__init__.py").unlink()
        (packages / "brush" / "__init__.py").write_text("def")
    (packages / "~orch").mkdir()
    assert "anew: brush" in shop.build(built)
    assert not (packages / "~orch").exists()
    assert distributions.incomplete(packages) == []
    assert strokes(built) == "3"


def test_environment_whose_python_was_removed_is_made_anew(shop, built):
    python_of(built).unlink()
    assert not environment.is_ready(built, [shop.worker])
    assert "made anew" in shop.build(built)
    assert strokes(built) == "3"


@pytest.mark.parametrize("file", ["brush/__init__.py", "torch/__init__.py"])
def test_environment_with_a_package_file_missing_is_not_ready(file, shop, built):
    (site_packages(built) / file).unlink()
    assert not environment.is_ready(built, [shop.worker])
    assert "anew" in shop.build(built)
    assert environment.is_ready(built, [shop.worker, shop.tests])


def test_certificates_that_somebody_added_leave_an_environment_ready(shop, built):
    with (site_packages(built) / "brush" / "__init__.py").open("a") as file:
        file.write("more = 1\n")
    assert environment.is_ready(built, [shop.worker, shop.tests])
    assert distributions.incomplete(site_packages(built)) == []


@pytest.fixture
def another_python(monkeypatch, built):
    """The environment's Python counts as one that will not do, though it works."""
    monkeypatch.setattr(environment, "_will_do", lambda folder, locks: False)


def decline(what: str, instead: str) -> None:
    raise InstallError(consent.CODE, "The large download was declined", "")


def test_environment_is_back_when_a_large_download_for_another_python_is_declined(
    shop, built, another_python, monkeypatch
):
    monkeypatch.setattr(environment.fill, "fill", lambda *given: decline("", ""))
    with pytest.raises(SetupError, match="declined"):
        shop.build(built)
    assert environment.is_ready(built, [shop.worker, shop.tests])
    assert strokes(built) == "3"
    assert [path.name for path in built.parent.iterdir() if path.name.startswith(built.name)] == [built.name]


def test_environment_for_another_python_replaces_the_one_that_was_there(shop, built, another_python):
    (built / "of the old one").touch()
    assert "made anew" in shop.build(built)
    assert strokes(built) == "3" and not (built / "of the old one").exists()
    assert not built.with_name(f"{built.name}.before").exists()


@pytest.mark.parametrize("finished", [True, False])
def test_what_a_kill_left_aside_comes_back_unless_the_new_one_is_finished(finished, shop, built):
    aside = built.with_name(f"{built.name}.before")
    shutil.copytree(built, aside, symlinks=True)
    (aside / "of the old one").touch()
    if not finished:
        write_record(built, {})
    shop.build(built)
    assert not aside.exists()
    assert (built / "of the old one").exists() == (not finished)
    assert environment.is_ready(built, [shop.worker, shop.tests])


def test_environment_that_pip_filled_is_continued_by_uv_and_the_other_way_round(shop, folder, monkeypatch):
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    monkeypatch.setattr(tools, "find_uv", lambda: None)
    assert "installed with pip" in shop.build(folder, shop.worker)
    monkeypatch.undo()
    assert "installed with uv" in shop.build(folder)
    assert strokes(folder) == "3"


def test_environment_of_a_checkout_that_was_moved_is_made_anew(shop, built, tmp_path):
    moved = tmp_path / "elsewhere"
    built.rename(moved)
    assert not environment.is_ready(moved, [shop.worker])
    assert "made anew" in shop.build(moved)
    assert environment.is_ready(moved, [shop.worker, shop.tests])


def test_root_on_debian_gets_a_python_of_debians_where_no_other_will_do(shop, folder, monkeypatch):
    installed: list[str] = []
    choose = pythons.choose
    monkeypatch.setattr(
        pythons, "choose", lambda *given, **more: choose(*given, **more) if installed else pythons.Choice(None, ("x",))
    )
    monkeypatch.setattr(tools.Uv, "fetch_python", lambda *_: (_ for _ in ()).throw(InstallError("network", "none")))
    monkeypatch.setattr(system_packages, "is_debian", lambda: True)
    monkeypatch.setattr(system_packages, "update", lambda: None)
    monkeypatch.setattr(system_packages, "is_offered", lambda package: package.startswith("python3.13"))
    monkeypatch.setattr(system_packages, "_apt_get", lambda *words: installed.extend(words))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InstallError, match=r"sudo apt-get install -y python3\.13 python3\.13-venv"):
        shop.build(folder)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    shop.build(folder)
    assert installed[-2:] == ["python3.13", "python3.13-venv"]
    assert strokes(folder) == "3"


def test_failing_install_leaves_no_ready_environment_and_says_how_to_go_on(shop, built):
    shop.tests = shop.lock("tests", "", ["brush"], f"missing-package==1 --hash=sha256:{'0' * 64}")
    with pytest.raises(SetupError, match="next run continues"):
        shop.build(built)
    assert record_of(built) == {}
    shop.brush()
    shop.build(built)
    assert environment.is_ready(built, [shop.worker, shop.tests])


def test_packages_that_do_not_load_are_not_called_ready(shop, built):
    shop.brush(imports="no_such_module")
    with pytest.raises(SetupError, match="do not load"):
        shop.build(built)
    assert not environment.is_ready(built, [shop.worker])


def test_folder_that_is_no_environment_is_never_deleted(shop, folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(SetupError, match="Move it away"):
        shop.build(folder)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_too_little_space_is_said_before_anything_is_done(shop, folder):
    whole_disk = shutil.disk_usage(shop.folder).total // 1_000_000
    header = {"torch": "torch==2.13.0", "imports": ["torch"], "megabytes": {"cpu": whole_disk, "cuda": whole_disk}}
    (shop.folder / "large.lock").write_text(f"# {json.dumps({**header, 'wheels': {}})}\n")
    with pytest.raises(SetupError, match=r"needs .* MB of space"):
        shop.build(folder, read(shop.folder / "large.lock"))
    assert not folder.exists()


def test_variables_that_steer_another_python_do_not_reach_the_environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    assert not [name for name in scrubbed_environment() if name.startswith("PYTHON")]


def test_variables_that_load_other_code_reach_no_program(monkeypatch):
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"):
        monkeypatch.setenv(name, "/elsewhere/overlay.so")
    assert not [name for name in scrubbed_environment() if name.startswith(("LD_", "DYLD_"))]
    lines = []
    code = "import os; print('LD', [n for n in os.environ if n.startswith(('LD_', 'DYLD_'))])"
    children.run([sys.executable, "-c", code], "nothing", lines.append)
    assert lines == ["LD []"]


def test_the_tools_are_told_where_packages_are_and_not_which_or_how_they_are_checked(monkeypatch):
    kept = {"PIP_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT", "PIP_FIND_LINKS", "UV_DEFAULT_INDEX", "UV_HTTP_RETRIES",
            "UV_INDEX_WORK_PASSWORD", "UV_PYTHON_DOWNLOADS"}  # fmt: skip
    dropped = {"PIP_TARGET", "PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_NO_BINARY", "PIP_PRE", "PIP_REQUIRE_HASHES",
               "PIP_DRY_RUN", "UV_NO_VERIFY_HASHES", "UV_OVERRIDE", "UV_CONSTRAINT", "UV_PYTHON", "UV_TORCH_BACKEND",
               "UV_EXCLUDE_NEWER", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV", "CONDA_PREFIX"}  # fmt: skip
    for name in kept | dropped:
        monkeypatch.setenv(name, "1")
    environment = children.tool_environment()
    assert kept <= set(environment)
    assert not dropped & set(environment)
