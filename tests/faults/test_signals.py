# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that the system stops for a while is no worker that died."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from styletex.core.job import Job, write_job
from styletex.styletex_blender.worker.client import WorkerClient
from tests.conftest import FAKE_WORKER, ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is POSIX's")


def test_a_worker_that_was_stopped_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    write_job(Job("Suzanne", "a monkey", "style.png", texture_size=256), folder)
    command = [sys.executable, "-u", str(FAKE_WORKER), "--steps", "40", "--step-seconds", "0.05"]
    client = WorkerClient(command, ROOT, tmp_path / "log" / "worker.log")
    try:
        client.run("one", folder)
        steps: list[int] = []
        stopped_at = None
        deadline = time.monotonic() + 30.0
        while client.busy and time.monotonic() < deadline:
            events = client.events()
            steps += [event["step"] for event in events if event["type"] == "progress"]
            if stopped_at is None and len(steps) >= 5:
                assert client.pid is not None
                stopped_at = steps[-1]
                os.kill(client.pid, signal.SIGSTOP)
                time.sleep(3.0)
                list(client.events())
                assert client.busy and client.alive
                os.kill(client.pid, signal.SIGCONT)
            time.sleep(0.02)
        assert stopped_at is not None and steps[-1] == 40
        assert (folder / "base_color.png").is_file()
    finally:
        client.close()
