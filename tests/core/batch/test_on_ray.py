# SPDX-License-Identifier: GPL-3.0-or-later
"""``core batch --ray`` on a cluster of two nodes, with a stand-in for the work; without Ray only what it says then."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.batch.on_ray import MOST_BAD_STARTS, share_of
from tests.farm import simulate

ROOT = Path(__file__).resolve().parents[3]
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray (pip install ray)")
tmpfs = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount")
posix = pytest.mark.skipif(os.name == "nt", reason="Ray's stand-in for a cluster needs POSIX")


def test_without_ray_one_line_says_how_to_install_it(tmp_path):
    manifest = simulate.make_manifest(tmp_path, 1)
    code = "import sys; sys.modules['ray'] = None; from core.command_line import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "batch", str(manifest), "--output", str(tmp_path / "out"), "--ray", "local"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "pip install ray==" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "words"), [(["--workers", "2"], "goes with --ray"), (["--ray", "local", "--workers", "0"], "at least 1")]
)
def test_workers_are_a_positive_number_on_a_cluster(tmp_path, more, words):
    manifest = simulate.make_manifest(tmp_path, 1)
    done = subprocess.run(
        simulate.command(manifest, tmp_path / "out", *more), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and words in done.stderr


@pytest.mark.parametrize(
    ("nodes", "count", "cores", "cards"),
    [
        ([(0, 0), (4, 0), (4, 0)], 8, 1, 0),
        ([(0, 0), (4, 0), (4, 0)], 1, 4, 0),
        ([(16, 0), (2, 0)], 2, 8, 0),
        ([(4, 0), (4, 0)], 9, 1 / 2, 0),
        ([(8, 1), (8, 1)], 2, 8, 1),
        ([(8, 1), (8, 1)], 3, 4, 1 / 2),
        ([(64, 0), (8, 4)], 4, 2, 1),
        ([(2, 8)], 8, 1 / 4, 1),
        ([], 1, 0, 0),
    ],
)
def test_all_workers_find_room_on_the_nodes_that_there_are(nodes, count, cores, cards):
    assert share_of(nodes, count) == pytest.approx({"num_cpus": cores, "num_gpus": cards})
    if nodes:
        places = [[there / part for there, part in zip(node, (cores, cards), strict=True) if part] for node in nodes]
        assert sum(int(min(place) + 1e-9) for place in places) >= count


@pytest.fixture(scope="module")
def nodes():
    with simulate.Nodes(nodes=2, workers=2, seconds=0.2) as nodes:
        yield nodes


@pytest.fixture
def manifest(tmp_path):
    return simulate.make_manifest(tmp_path, 16)


@pytest.fixture
def expected(manifest, tmp_path):
    """What a run without Ray leaves."""
    subprocess.run(simulate.command(manifest, tmp_path / "alone"), cwd=ROOT, check=True, capture_output=True)
    return simulate.results(tmp_path / "alone")


@posix
@needs_ray
@pytest.mark.slow
def test_a_cluster_makes_the_same_and_nothing_twice_although_a_node_dies(nodes, manifest, expected, tmp_path):
    chance, killed = random.Random(0), []

    def kill(_):
        if not killed and len(simulate.made(tmp_path / "out")) >= 3:
            killed.append(True)
            nodes.kill_one(chance)

    simulate.run(manifest, tmp_path / "out", nodes, 4, kill)
    assert killed and simulate.results(tmp_path / "out") == expected
    assert set(simulate.made(tmp_path / "out").values()) == {1}


@posix
@needs_ray
@pytest.mark.slow
def test_a_driver_that_was_killed_goes_on_with_what_is_not_finished(nodes, manifest, expected, tmp_path):
    with pytest.raises(RuntimeError, match="-9"):
        simulate.run(
            manifest, tmp_path / "out", nodes, 4,
            lambda process: process.kill() if len(simulate.made(tmp_path / "out")) >= 4 else None,
        )  # fmt: skip
    before = simulate.made(tmp_path / "out")
    assert 4 <= len(before) < 16
    simulate.run(manifest, tmp_path / "out", nodes, 4)
    assert simulate.results(tmp_path / "out") == expected
    assert simulate.made(tmp_path / "out") == {f"mesh{number:04}": 1 for number in range(16)}


@posix
@needs_ray
@pytest.mark.slow
def test_control_c_lets_the_workers_go_and_keeps_what_is_finished(nodes, manifest, expected, tmp_path):
    out, sent = tmp_path / "out", []

    def interrupt(process):
        if not sent and len(simulate.made(out)) >= 3:
            sent.append(time.monotonic())
            process.send_signal(signal.SIGINT)

    with pytest.raises(RuntimeError, match=r"ended with 130: (.|\n)*goes on with the rest"):
        simulate.run(manifest, out, nodes, 4, interrupt)
    assert sent and time.monotonic() - sent[0] < 20.0
    assert 3 <= len(simulate.made(out)) < 16
    simulate.run(manifest, out, nodes, 4)
    assert simulate.results(out) == expected and set(simulate.made(out).values()) == {1}


@posix
@needs_ray
@pytest.mark.slow
def test_what_is_broken_is_named_and_what_kills_its_worker_is_given_up(nodes, manifest, tmp_path):
    (tmp_path / "mesh0002.obj").write_text("no mesh")
    (tmp_path / "mesh0005.obj").write_text("deadly\nv 0 0 0\n")
    (tmp_path / "mesh0007.obj").unlink()
    out = tmp_path / "out"
    done = subprocess.run(
        simulate.command(manifest, out, "--ray", nodes.cluster.address, "--workers", 4),
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 13 and "16 items: 13 done, 3 failed" in done.stderr, done.stderr
    failed = {event["item"]: event["code"] for event in simulate.events(out) if event["event"] == "failed"}
    assert failed == {"mesh0002": "bad_mesh", "mesh0005": "worker_died", "mesh0007": "bad_mesh"}
    for line in (out / "summary.csv").read_text().splitlines():
        assert ("worker_died" in line) == line.startswith("mesh0005")


@tmpfs
@needs_ray
@pytest.mark.slow
def test_what_fails_on_a_cluster_is_named_and_the_rest_is_done(nodes, tmp_path):
    path = simulate.make_manifest(tmp_path, 6)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    (tmp_path / "mesh0001.obj").write_text("no mesh")
    lines[3]["style"] = "nowhere.png"
    lines[4]["size"] = 1024
    lines[5]["style"] = ["style.png:2", "style.png"]
    path.write_text("\n".join(map(json.dumps, lines)))
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3000k", "tmpfs", str(disk)], check=True)
    try:
        done = subprocess.run(
            simulate.command(path, disk, "--ray", nodes.cluster.address, "--workers", 4),
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        with (disk / "summary.csv").open(newline="") as file:
            rows = {row["item"]: row["error"] or row["state"] for row in csv.DictReader(file)}
        blend = json.loads((disk / "mesh0004" / "inputs.json").read_text())
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        refused = subprocess.run(
            simulate.command(path, disk, "--ray", nodes.cluster.address, "--workers", 4),
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert done.returncode == 13 and "Traceback" not in done.stderr, done.stderr
    assert rows == {
        "mesh0000": "done", "mesh0001": "bad_mesh", "mesh0002": "bad_image", "mesh0003": "disk_full",
        "mesh0004": "done", "mesh0005": "done",
    }  # fmt: skip
    assert blend["settings"]["more_styles"] == [1.0]
    assert refused.returncode == 2 and "Read-only file system" in refused.stderr


@posix
@needs_ray
@pytest.mark.slow
def test_a_cluster_on_this_machine_needs_no_address(manifest, expected, tmp_path):
    environment = {**os.environ, "STAND_IN": "1 0.01"}
    done = subprocess.run(
        simulate.command(manifest, tmp_path / "out", "--ray", "local", "--workers", 2),
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert simulate.results(tmp_path / "out") == expected
    assert json.loads((tmp_path / "out" / "mesh0000" / "inputs.json").read_text())["settings"]["size"] == 256


@posix
@needs_ray
@pytest.mark.slow
def test_workers_that_cannot_begin_are_said_and_nothing_waits_for_ever(manifest, tmp_path):
    """Their environment lacks what they work with."""
    code = (
        "import functools, sys; from core.batch import on_ray; from core.command_line import main; "
        "on_ray.Farm = functools.partial(on_ray.Farm, stylizer='no.such.module:at_all'); sys.exit(main(sys.argv[1:]))"
    )
    more = ("batch", manifest, "--output", tmp_path / "out", "--ray", "local", "--workers", "1")
    done = subprocess.run(
        [sys.executable, "-c", code, *more],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 3 and "Workers cannot begin on the cluster" in done.stderr, done.stderr
    lost = [event for event in simulate.events(tmp_path / "out") if event["event"] == "worker lost"]
    assert len(lost) == MOST_BAD_STARTS - 1
