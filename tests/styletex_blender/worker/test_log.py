# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's log on disk: kept, rotated and bounded."""

from __future__ import annotations

from pathlib import Path

from styletex.styletex_blender.worker.log import KEPT_FILES, MAXIMUM_BYTES, WorkerLog


def test_logs_of_the_last_starts_are_kept_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log" / "worker.log"
    for start in range(KEPT_FILES + 2):
        log = WorkerLog(path)
        log.write(b"start %02d, \xff is no text\n" % start)
        log.close()
    begun = [
        path.read_text()[:8] for path in [path, *(path.with_name(f"worker.log.{n}") for n in range(1, KEPT_FILES))]
    ]
    assert begun == [f"start {start:02d}" for start in range(KEPT_FILES + 1, 1, -1)]
    log = WorkerLog(path)
    for _ in range(15 * KEPT_FILES):
        log.write(b"x" * (MAXIMUM_BYTES // 10))
    log.write(b"the end")
    log.close()
    files = sorted(path.parent.iterdir())
    assert len(files) == KEPT_FILES and all(file.stat().st_size <= MAXIMUM_BYTES for file in files)
    assert path.read_text().endswith("the end\n") and log.tail().endswith("the end")


def test_each_job_begins_with_a_line_and_the_tail_is_of_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    log = WorkerLog(path)
    log.write(b"loading")
    for name in ("Cube", "Barrel"):
        log.begin_job(name)
        log.write(b"working on " + name.encode())
    log.close()
    assert path.read_text().split("\n") == ["loading", "Cube", "working on Cube", "Barrel", "working on Barrel", ""]
    assert log.tail() == "Barrel\nworking on Barrel"
