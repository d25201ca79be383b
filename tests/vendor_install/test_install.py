# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer, from outside: whatever happens to it, what worked before still does, and the next run gets there."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import running_commands
from vendor_install import children, install, lock as locks
from vendor_install.events import Reporter
from vendor_install.installed import current_environment, environments, is_current
from vendor_install.messages import InstallError
from vendor_install.target import alone

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("needs root to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def error_of(events: list[dict]) -> dict:
    assert events[-1]["type"] == "error", events[-1]
    return events[-1]


def test_events_tell_stages_in_order_and_where_the_environment_is(workshop):
    events = workshop.install()
    stages = [event["stage"] for event in events if event["type"] == "stage"]
    assert stages == ["tool", "python", "environment", "packages", "torch", "check"]
    percents = [event["percent"] for event in events if event["type"] == "progress"]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert events[-1]["type"] == "done"
    assert events[-1]["environment"] == str(current_environment(workshop.target))
    assert events[-1]["size_bytes"] > 0
    assert workshop.brush() == "1.0"


def test_second_run_changes_nothing(workshop):
    workshop.install()
    before = current_environment(workshop.target)
    assert [event["type"] for event in workshop.install()] == ["done"]
    assert environments(workshop.target) == [before]


def test_damaged_environment_is_replaced_by_a_sound_one(workshop):
    workshop.install()
    before = current_environment(workshop.target)
    next(before.rglob("brush/__init__.py")).unlink()
    assert workshop.install()[-1]["type"] == "done"
    assert workshop.brush() == "1.0"
    assert before not in environments(workshop.target)


def test_upgrade_knows_that_the_environment_is_too_old(workshop, packages):
    assert not is_current(workshop.target, workshop.lock)
    workshop.install()
    assert is_current(workshop.target, workshop.lock)
    workshop.write_lock(packages("2.0"))
    assert not is_current(workshop.target, workshop.lock)
    workshop.install()
    assert is_current(workshop.target, workshop.lock)
    assert workshop.brush() == "2.0"
    assert len(environments(workshop.target)) == 1


def test_killed_at_ten_moments_it_leaves_the_old_environment_and_then_completes(workshop, packages):
    workshop.install()
    old = current_environment(workshop.target)
    present, new = "1.0", "2.0"
    workshop.write_lock(packages(new))
    chance = random.Random(5)
    stages = ["tool", "python", "environment", "packages", "torch", "check"]
    killed = 0
    for _ in range(50):
        if killed == 10:
            break
        process = workshop.start()
        wanted = chance.choice(stages)
        for line in process.stdout:
            if f'"stage": "{wanted}"' in line:
                break
        time.sleep(chance.uniform(0, 0.1))
        process.kill()
        process.wait()
        process.stdout.close()
        if current_environment(workshop.target) == old:
            killed += 1
        else:  # It was faster, and done; the next one goes back again.
            old, present, new = current_environment(workshop.target), new, present
            workshop.write_lock(packages(new))
        assert workshop.brush() == present
    assert killed == 10
    assert workshop.install()[-1]["type"] == "done"
    assert workshop.brush() == new
    assert len(environments(workshop.target)) == 1


def test_cancelled_it_ends_its_tools_and_leaves_nothing_half_made(workshop, packages, index):
    workshop.install(wheels=True)
    workshop.write_lock(packages("2.0"))
    index.stalls = True
    process = workshop.start(wheels=False)
    while index.requests < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert json.loads(output.splitlines()[-1]) == {"type": "cancelled"}
    assert workshop.brush() == "1.0"
    assert environments(workshop.target) == [current_environment(workshop.target)]
    assert not [command for command in running_commands() if str(workshop.target) in command]


def test_a_signal_while_tidying_after_an_error_leaves_nothing_half_made(tmp_path, monkeypatch):
    def break_at_telling_blender(request, environment, report):
        (environment / "bin").mkdir(parents=True)
        raise BrokenPipeError

    remove = shutil.rmtree

    def remove_while_a_signal_comes(path, **options):
        signal.raise_signal(signal.SIGTERM)
        remove(path, **options)

    monkeypatch.setattr(install, "_build", break_at_telling_blender)
    monkeypatch.setattr(shutil, "rmtree", remove_while_a_signal_comes)
    request = install.Request(tmp_path / "target", locks.read())
    with children.cancellable():
        with pytest.raises(BrokenPipeError):
            install.install(request, Reporter(as_json=False))
        assert not environments(tmp_path / "target")
        with pytest.raises(children.Cancelled):
            signal.raise_signal(signal.SIGTERM)


def test_index_that_stops_answering_is_named_and_the_next_run_completes(workshop, packages, index):
    workshop.install(wheels=True)
    workshop.write_lock(packages("2.0"))
    index.stalls = True
    error = error_of(workshop.install("--device", "mps", "--timeout", "1", wheels=False))
    assert error["code"] == "network"
    assert "Check the network" in error["hint"]
    assert workshop.brush() == "1.0"
    index.stalls = False
    index.released.set()
    events = workshop.install("--device", "mps", wheels=False)
    assert events[-1]["type"] == "done", events[-1]
    assert workshop.brush() == "2.0"


def test_without_pytorchs_own_index_pip_takes_the_build_of_the_default_one(workshop, index):
    events = workshop.install(wheels=False)
    assert events[-1]["type"] == "done", events[-1]
    notes = [event["text"] for event in events if event["type"] == "note"]
    assert any("PyTorch's own index cannot be reached" in note for note in notes)


def test_wrong_hash_is_refused(workshop, packages):
    workshop.install()
    workshop.write_lock(packages("2.0"), wrong_hash="brush")
    error = error_of(workshop.install())
    assert error["code"] == "wrong_hash"
    assert "not the one that was checked" in error["message"]
    assert workshop.brush() == "1.0"
    workshop.write_lock(packages("2.0"))
    workshop.install()
    assert workshop.brush() == "2.0"


def test_disk_that_fills_leaves_the_old_environment_and_then_completes(workshop, packages, small_disk):
    workshop.target = small_disk / "target"
    workshop.install()
    extra = f"noise = '{random.Random(0).randbytes(6_000_000).hex()}'\n"
    workshop.write_lock(packages("2.0", extra))
    error = error_of(workshop.install())
    assert error["code"] == "disk_full"
    assert workshop.brush() == "1.0"
    assert len(environments(workshop.target)) == 1
    remount(small_disk, "size=200m")
    workshop.install()
    assert workshop.brush() == "2.0"


def test_too_little_space_is_said_before_anything_is_done(workshop, packages, small_disk):
    workshop.target = small_disk / "target"
    workshop.write_lock(packages(), megabytes=3000)
    error = error_of(workshop.install())
    assert error["code"] == "disk_full"
    assert "needs 3,000 MB" in error["message"]
    assert "has 8 MB" in error["message"]


def test_read_only_target_is_refused_and_still_works(workshop, packages, small_disk):
    workshop.target = small_disk / "target"
    workshop.install()
    workshop.write_lock(packages("2.0"))
    remount(small_disk, "ro")
    error = error_of(workshop.install())
    assert error["code"] == "read_only"
    assert "Read-only file system" in error["message"]
    assert workshop.brush() == "1.0"
    remount(small_disk, "rw")
    workshop.install()
    assert workshop.brush() == "2.0"


@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_long_path_with_spaces_and_letters_of_all_kinds_works(workshop, uv):
    start = workshop.folder / "some dir" / "Größe 絵"
    workshop.target = start / ("x" * (199 - len(str(start))))
    assert len(str(workshop.target)) == 200
    events = workshop.install(uv=uv)
    assert events[-1]["type"] == "done", events[-1]
    assert workshop.brush() == "1.0"


@pytest.mark.parametrize("name", ["a:b", "line\nbreak"])
def test_path_that_python_cannot_have_is_refused(workshop, name):
    workshop.target = workshop.folder / name
    assert error_of(workshop.install())["code"] == "bad_target"


def test_folder_with_other_things_in_it_is_refused_and_kept(workshop):
    workshop.target.mkdir()
    (workshop.target / "thesis.txt").write_text("years of work")
    error = error_of(workshop.install())
    assert error["code"] == "bad_target"
    assert "thesis.txt" in error["message"]
    assert (workshop.target / "thesis.txt").read_text() == "years of work"


def test_second_installer_is_refused(workshop):
    workshop.target.mkdir()
    with alone(workshop.target):
        assert error_of(workshop.install())["code"] == "busy"
        with pytest.raises(InstallError), alone(workshop.target):
            pass


def test_wheels_need_no_network(workshop):
    namespace = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to make a network namespace")
    events = workshop.install(before=namespace)
    assert events[-1]["type"] == "done", events[-1]
    assert workshop.brush() == "1.0"


@pytest.mark.parametrize("uv", [True, False])
def test_wheel_that_is_cut_short_is_named(workshop, uv):
    wheel = next(workshop.wheels.glob("brush-*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-100])
    error = error_of(workshop.install(uv=uv))
    assert error["code"] == "bad_wheels"
    assert f"{wheel.name} is cut short or damaged" in error["message"]


def test_bundle_is_what_wheels_takes_and_is_refused_for_another_version(workshop, packages):
    output = workshop.folder / "bundle"
    workshop.variables = {"PIP_FIND_LINKS": str(workshop.wheels), "PIP_NO_INDEX": "1"}
    result = workshop.run("bundle", "--output", str(output), "--device", "cpu")
    assert result.returncode == 0, result.stdout + result.stderr
    shutil.rmtree(workshop.wheels)
    events = workshop.install("--wheels", str(output), wheels=False)
    assert events[-1]["type"] == "done", events[-1]
    assert workshop.brush() == "1.0"
    workshop.write_lock(packages("2.0"))
    error = error_of(workshop.install("--wheels", str(output), wheels=False))
    assert error["code"] == "bad_wheels"
    assert "another version" in error["message"]


@pytest.mark.parametrize(
    "line",
    [
        "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] verify failed: self-signed'))",
        "  Caused by: invalid peer certificate: UnknownIssuer",
    ],
)
def test_certificate_that_is_not_trusted_is_named_and_not_the_package(line):
    tool = f"print({line!r}); print('ERROR: No matching distribution found for numpy==1.0'); raise SystemExit(1)"
    with pytest.raises(InstallError, match="certificate of the package index is not trusted") as raised:
        children.run([sys.executable, "-c", tool], "pip could not install the packages", lambda line: None)
    assert raised.value.code == "network"
    assert "SSL_CERT_FILE" in raised.value.hint


def test_what_uv_could_not_reach_is_named_with_the_last_cause():
    lines = ["error: Failed to fetch: https://index/torch/", "  cause: client error (Connect)", "  cause: dns error"]
    tool = f"print({chr(10).join(lines)!r}); raise SystemExit(2)"
    with pytest.raises(InstallError) as raised:
        children.run([sys.executable, "-c", tool], "uv could not install", lambda line: None)
    assert raised.value.code == "network"
    assert raised.value.message == "uv could not install: Failed to fetch: https://index/torch/ (dns error)"


def test_python_that_cannot_be_used_is_refused_with_the_reason(workshop):
    old = workshop.folder / "python3"
    answer = '{"version": [3, 9], "kind": "cpython", "free_threaded": false, "wide": true, "whole": true}'
    old.write_text(f"#!/bin/sh\necho '{answer}'\n")
    old.chmod(0o755)
    error = error_of(workshop.install("--python", str(old)))
    assert error["code"] == "no_python"
    assert "it is Python 3.9; 3.11 to 3.14" in error["message"]


def test_remove_takes_its_own_things_and_leaves_others(workshop):
    workshop.install()
    (workshop.target / "note.txt").write_text("mine")
    assert json.loads(workshop.run("size").stdout)["bytes"] > 10_000
    assert workshop.run("remove").returncode == 0
    assert [path.name for path in workshop.target.iterdir()] == ["note.txt"]
    (workshop.target / "note.txt").unlink()
    workshop.install()
    workshop.run("remove")
    assert not workshop.target.exists()


@pytest.mark.parametrize("name", ["cache", "python", "bootstrap"])
def test_folders_of_somebody_else_are_neither_removed_nor_installed_into(workshop, name):
    theirs = workshop.target / name / "a.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    removal = workshop.run("remove")
    assert removal.returncode == 2
    assert "holds nothing that an installation made" in removal.stderr
    assert error_of(workshop.install())["code"] == "bad_target"
    assert theirs.read_text() == "mine"


def test_environment_of_an_older_layout_is_still_found(tmp_path):
    folder = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    assert current_environment(folder) == folder
    assert not is_current(folder)


def test_pointer_to_a_place_outside_the_target_is_not_followed(tmp_path):
    (tmp_path / "current.txt").write_text("../env-0-1")
    assert current_environment(tmp_path) is None
