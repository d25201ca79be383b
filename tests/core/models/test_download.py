# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m core download`` against a small server on this computer that answers as the hub does."""

import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import huggingface_hub.constants as constants
import huggingface_hub.file_download as file_download
import pytest

from core.command_line import main
from core.job import EXIT_STATUS
from core.models import model_download
from core.models.model_files import missing_files, model_files
from core.models.profiles import profile
from tests.hub import Hub

ROOT = Path(__file__).resolve().parents[3]
DOWNLOAD = ["download", "--profile", "sd15"]
BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
UNET = "unet/diffusion_pytorch_model.fp16.safetensors"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A running hub, for this process and its children, and an empty cache in ``tmp_path / "hub"``."""
    server = Hub()
    server.repositories[BASE] |= {
        "v1-5-pruned.ckpt": b"pickle",
        "unet/diffusion_pytorch_model.bin": b"pickle",
        "unet/diffusion_pytorch_model.safetensors": b"full precision",
    }
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def blobs(tmp_path):
    return [path for path in (tmp_path / "hub").rglob("*") if path.is_file() and "snapshots" not in path.parts]


def test_a_download_says_what_it_will_fetch_and_fetches_that_alone(hub, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "core", *DOWNLOAD, "--yes"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for file in model_files(profile("sd15")):
        stored = Path(file_download.try_to_load_from_cache(file.repository, file.path, revision=file.revision))
        assert stored.read_bytes() == hub.repositories[file.repository][file.path]
    assert missing_files(profile("sd15")) == ()
    assert sorted(hub.fetched()) == sorted(file.path for file in model_files(profile("sd15")))
    said = done.stderr
    plan = said[: said.index("Arrived")]
    assert all(file.path in plan and file.repository in plan for file in model_files(profile("sd15")))
    assert "23 files, 2.4 MB" in plan and f"To {tmp_path / 'hub'}" in plan and "free)" in plan
    assert not list((tmp_path / "hub").rglob("*.partial"))


def test_nothing_is_asked_of_the_hub_when_all_is_there(hub, capsys):
    assert main([*DOWNLOAD, "--yes"]) == 0
    hub.hangs = True
    assert main(DOWNLOAD) == 0
    assert "Every file of the model sd15 is on this computer" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_fetched_unasked(hub, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(DOWNLOAD) == EXIT_STATUS["bad_request"]
    said = capsys.readouterr().err
    assert UNET in said and "23 files" in said and "--yes" in said
    assert hub.asked == [] and blobs(tmp_path) == []


@pytest.mark.parametrize(("answer", "status"), [("n", EXIT_STATUS["cancelled"]), ("y", 0)])
def test_on_a_terminal_it_asks(hub, monkeypatch, capsys, answer, status):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer + "\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(DOWNLOAD) == status
    assert bool(hub.fetched()) == (answer == "y")
    assert "Download them?" in capsys.readouterr().err


def test_too_little_space_is_said_before_anything_is_fetched(hub, tmp_path, monkeypatch, capsys):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert main([*DOWNLOAD, "--yes"]) == EXIT_STATUS["disk_full"]
    said = capsys.readouterr().err
    assert "takes 2.4 MB, but only 1.0 MB are free" in said and "HF_HUB_CACHE" in said
    assert hub.asked == []


def test_a_folder_that_cannot_be_written_is_said_in_one_line(hub, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main([*DOWNLOAD, "--yes", "--models", str(tmp_path / "file/inside")]) == EXIT_STATUS["bad_request"]
    said = capsys.readouterr().err
    assert f"Error: Nothing can be put into the folder of models {tmp_path / 'file/inside'}: Not a directory" in said
    assert "Traceback" not in said and "fault of StyleTex" not in said


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send Ctrl-C to one process")
def test_control_c_keeps_what_has_arrived_and_the_next_run_asks_for_the_rest(hub, tmp_path, capsys):
    # Bytes are written ten megabytes at a time.
    hub.repositories[BASE][UNET] = bytes(12_000_000)
    hub.breaks_at[UNET] = 11_000_000
    process = subprocess.Popen(
        [sys.executable, "-m", "core", *DOWNLOAD, "--yes"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what is in its background deaf to Ctrl-C, and tests may run there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in (tmp_path / "hub").rglob("*.partial")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == EXIT_STATUS["cancelled"]
    assert "kept" in errors and "Traceback" not in errors
    (partial,) = (tmp_path / "hub").rglob("*.partial")
    arrived = partial.stat().st_size
    assert 0 < arrived < 12_000_000

    hub.breaks_at, hub.hangs, hub.asked = {}, False, []
    assert main([*DOWNLOAD, "--yes"]) == 0
    assert ("GET", UNET, f"bytes={arrived}-") in hub.asked
    assert "unet/config.json" not in hub.fetched()
    assert "are here already" in capsys.readouterr().err
    assert missing_files(profile("sd15")) == ()


def test_a_hub_that_falls_silent_in_a_file_is_named(hub, tmp_path, monkeypatch, capsys):
    hub.breaks_at[UNET] = 50_000
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    assert main([*DOWNLOAD, "--yes"]) == EXIT_STATUS["offline"]
    said = capsys.readouterr().err
    assert "does not answer" in said and hub.address in said and "goes on from what has arrived" in said
    (partial,) = (tmp_path / "hub").rglob("*.partial")
    assert partial.stat().st_size > 0


def test_a_hub_that_never_answers_is_named(hub, monkeypatch, capsys):
    hub.hangs = True
    monkeypatch.setattr(model_download, "TIMEOUT_SECONDS", 0.3)
    assert main([*DOWNLOAD, "--yes"]) == EXIT_STATUS["offline"]
    assert "does not answer" in capsys.readouterr().err


def test_a_computer_without_network_is_told_so(hub, monkeypatch, capsys):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert main([*DOWNLOAD, "--yes"]) == EXIT_STATUS["offline"]
    assert "does not answer" in capsys.readouterr().err


def test_a_sign_in_page_is_not_taken_for_a_file(hub, tmp_path, capsys):
    hub.instead = b"<html>Sign in to the train's network</html>"
    assert main([*DOWNLOAD, "--yes"]) == EXIT_STATUS["offline"]
    said = capsys.readouterr().err
    assert "Something else than the file" in said and "Traceback" not in said
    hub.instead = b""
    assert main([*DOWNLOAD, "--yes"]) == 0
    assert missing_files(profile("sd15")) == ()


def test_a_file_that_arrives_damaged_is_thrown_away(hub, tmp_path, capsys):
    assert main([*DOWNLOAD, "--yes"]) == 0
    (blob,) = [path for path in blobs(tmp_path) if path.name == digest_of(hub, UNET)]
    blob.rename(blob.with_name(blob.name + ".partial"))
    blob.with_name(blob.name + ".partial").write_bytes(b"other bytes")
    capsys.readouterr()
    assert main([*DOWNLOAD, "--yes"]) == EXIT_STATUS["offline"]
    assert f"{UNET} arrived damaged" in capsys.readouterr().err
    assert main([*DOWNLOAD, "--yes"]) == 0


def digest_of(hub, path):
    return hashlib.sha256(hub.repositories[BASE][path]).hexdigest()


def test_a_repository_with_pickles_only_is_refused(hub, capsys):
    files = hub.repositories["lllyasviel/control_v11f1p_sd15_depth"]
    del files["diffusion_pytorch_model.fp16.safetensors"]
    files["diffusion_pytorch_model.fp16.bin"] = b"pickle"
    assert main([*DOWNLOAD, "--yes"]) == EXIT_STATUS["model_missing"]
    said = capsys.readouterr().err
    assert "diffusion_pytorch_model.fp16.bin, a pickle" in said
    assert hub.asked == []


def told_of(*arguments):
    """Exit status and events of a process whose standard input stays open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "core", *DOWNLOAD, "--json-events", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    output = process.stdout.read()
    status = process.wait(60)
    process.stdin.close()
    process.stdout.close()
    return status, [json.loads(line) for line in output.splitlines()]


def test_licences_are_named_and_yes_accepts_them(hub, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    main(DOWNLOAD)
    said = capsys.readouterr().err
    assert "Licence CreativeML OpenRAIL-M (https://" in said and f": {BASE}" in said
    assert "not to break the law" in said and "Accept these licences?" in said


def test_a_program_is_told_in_events_how_a_download_goes(hub, tmp_path):
    place = tmp_path / "chosen"
    status, events = told_of("--yes", "--models", str(place))
    assert status == 0, events
    stages = [event for event in events if event["type"] == "stage"]
    assert [event["number"] for event in stages] == list(range(1, 24)) and stages[0]["of"] == 23
    percents = [event["percent"] for event in events if event["type"] == "progress"]
    assert percents == sorted(percents) and percents[-1] == 100.0
    assert events[-1] == {"type": "done", "text": "Stable Diffusion 1.5 is complete"}
    assert missing_files(profile("sd15", place)) == () and len(missing_files(profile("sd15"))) == 23


def test_a_program_that_did_not_ask_for_consent_gets_nothing(hub):
    status, (event,) = told_of()
    assert status == EXIT_STATUS["bad_request"]
    assert event["type"] == "error" and "licences" in event["message"] and hub.asked == []


def test_what_goes_wrong_is_the_last_event(hub):
    hub.instead = b"<html>Sign in</html>"
    status, events = told_of("--yes")
    event = events[-1]
    assert status == EXIT_STATUS["offline"]
    assert event["type"] == "error" and event["code"] == "offline" and event["hint"]


def begun():
    """A download in a program of its own."""
    command = [sys.executable, "-m", "core", *DOWNLOAD, "--yes", "--json-events"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_download_ends_with_the_program_that_asked_for_it_and_what_came_is_told(hub, tmp_path, capsys):
    hub.repositories[BASE][UNET] = bytes(12_000_000)
    hub.breaks_at[UNET] = 11_000_000
    process = begun()
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in (tmp_path / "hub").rglob("*.partial")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.communicate(timeout=20)
    assert process.returncode == EXIT_STATUS["cancelled"]
    assert main(["models", "--json-events"]) == 0
    told = json.loads(capsys.readouterr().out)
    (state,) = [one for one in told["models"] if one["name"] == "sd15"]
    assert state["state"] == "missing" and 0 < state["bytes_arrived"] < 12_000_000
    assert state["bytes_missing"] == state["bytes"] - state["bytes_arrived"]


def test_the_last_bytes_before_a_hub_falls_silent_are_told(hub):
    """They may all come within less time than lies between two events."""
    hub.repositories[BASE][UNET] = bytes(32_000_000)
    hub.breaks_at[UNET] = 31_000_000
    process = begun()
    for line in process.stdout:
        event = json.loads(line)
        assert event["type"] in {"stage", "progress"}, event
        if event.get("bytes", 0) > 20_000_000:
            break
    process.communicate(timeout=20)
    assert process.returncode == EXIT_STATUS["cancelled"]
