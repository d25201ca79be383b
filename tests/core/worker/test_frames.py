# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture so far, as the worker shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.protocol import TERMINAL_EVENTS
from tests.core.worker.running_worker import RunningWorker, last

linux = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full, PR_SET_PDEATHSIG")


def test_frames_come_one_at_a_time_and_whole(worker: RunningWorker) -> None:
    worker.run("one", "long")
    frame = last(worker.until("frame"))
    path = Path(frame["path"])
    assert (frame["shape"], frame["colour_space"]) == ([4, 6, 3], "sRGB")
    assert path.read_bytes()[18:] == bytes([1]) * 72 and [file.name for file in path.parent.iterdir()] == [path.name]
    assert "frame" not in [event["type"] for event in worker.until("heartbeat")], "the first is not acknowledged"
    worker.send("acknowledge_frame", "one", number=frame["number"] + 7)
    assert "frame" not in [event["type"] for event in worker.until("heartbeat")], "another was acknowledged"
    worker.send("acknowledge_frame", "one", number=frame["number"])
    second = last(worker.until("frame"))
    assert second["number"] == frame["number"] + 1 and not path.exists()


def test_the_newest_frame_wins(worker: RunningWorker) -> None:
    worker.run("one", "eager")
    first = last(worker.until("frame"))
    worker.until("stage")
    assert Path(first["path"]).read_bytes()[18] == 1
    worker.send("acknowledge_frame", "one", number=first["number"])
    assert Path(last(worker.until("frame"))["path"]).read_bytes()[18] == 3


@linux
def test_a_frame_that_cannot_be_written_is_one_warning_and_the_job_goes_on(worker: RunningWorker) -> None:
    folder = worker.run("one", "frame_too_large")
    events = worker.until(*TERMINAL_EVENTS)
    assert last(events)["type"] == "done"
    (warning,) = [event for event in events if event["type"] == "warning"]
    assert warning["code"] == "frame" and "File too large" in warning["message"]
    (frame,) = [event for event in events if event["type"] == "frame"]
    assert frame["number"] == 1 and frame["shape"] == [4, 6, 3]
    assert [path.name for path in (folder / "frames").iterdir()] == ["000001.tga"]


@linux
def test_a_frame_is_never_written_through_a_link(worker: RunningWorker) -> None:
    folder = worker.run("one", "frame_through_a_link")
    frame = last(worker.until("frame"))
    worker.until("done")
    assert not (folder / "mine").exists() and not Path(frame["path"]).is_symlink()
    folder = worker.run("two", "frames_behind_a_link")
    events = worker.until("done")
    assert [event["code"] for event in events if event["type"] == "warning"] == ["frame"]
    assert list((folder / "elsewhere").iterdir()) == []
