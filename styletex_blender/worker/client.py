# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the worker process: sends jobs, hands out events, and sees to it that every job ends.

No ``bpy`` here. All methods belong to Blender's main thread (on Linux the kernel ends the worker together with the
*thread* that started it), and none of them waits, but for ``close``, which takes two seconds at most.

    client = WorkerClient([python, "-u", "-m", "core", "worker"], cwd=extension_folder, log_path=log)
    client.run("job-1", folder)
    while client.busy:                     # a timer, or a loop in the background
        for event in client.events():
            …                              # core/protocol.py lists them; read a frame's file, then acknowledge it
    client.close()
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.job import JobError
from ...core.protocol import KILL_SECONDS, STALLED_SECONDS, TERMINAL_EVENTS, TERMINATE_SECONDS, VERSION
from .connection import WorkerConnection

_LOOK_AGAIN_SECONDS = 5.0
_SILENT = "it was silent"
_REPAIR = "Repair the environment in the add-on's preferences"


@dataclass(frozen=True)
class Patience:
    """How long the client waits, in seconds."""

    stalled: float = STALLED_SECONDS
    """Silence after which the worker counts as stalled and is ended."""
    terminate: float = TERMINATE_SECONDS
    """From a cancel that is not answered to the signal that asks the process to end."""
    kill: float = KILL_SECONDS
    """From a cancel that is not answered to the signal that ends the process."""


@dataclass
class _OpenJob:
    name: str
    folder: Path
    heard: bool = False
    restarted: bool = False
    cancelled_at: float | None = None
    terminated: bool = False


class WorkerClient:
    """Runs jobs in a worker process, one at a time; the process stays between jobs and is started when needed."""

    def __init__(self, command: Sequence[str], cwd: Path, log_path: Path, patience: Patience | None = None) -> None:
        """Nothing starts yet.

        Args:
            command: program and arguments of the worker, never a shell line.
            cwd: folder that the worker starts in: the one that holds ``core``.
            log_path: file that takes what the worker writes to standard error; see ``WorkerLog``.
            patience: for tests.
        """
        self._command = list(command)
        self._cwd = cwd
        self._log_path = log_path
        self._patience = patience or Patience()
        self._connection: WorkerConnection | None = None
        self._job: _OpenJob | None = None
        self._looked = 0.0

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._connection is not None and self._connection.process.exit_status() is None

    @property
    def busy(self) -> bool:
        """Whether a job is open: its terminal event was not handed out yet."""
        return self._job is not None

    @property
    def hello(self) -> dict[str, Any] | None:
        """The running worker's ``hello`` event, or ``None`` until it came."""
        return self._connection.hello if self._connection is not None else None

    @property
    def stray_lines(self) -> int:
        """Lines of the running worker's standard output that were no events; they are in the log."""
        return self._connection.stray_lines if self._connection is not None else 0

    @property
    def pid(self) -> int | None:
        """Process id of the running worker."""
        return self._connection.process.popen.pid if self._connection is not None and self.alive else None

    def start(self) -> None:
        """Start the process, unless it runs.

        Raises:
            JobError: ``dependencies`` when the program cannot be started.
        """
        if self.alive:
            return
        self._retire()
        try:
            self._connection = WorkerConnection(self._command, self._cwd, self._log_path)
        except OSError as error:
            raise JobError("dependencies", f"StyleTex's process cannot be started: {error}", _REPAIR) from error
        self._looked = self._connection.heard

    def run(self, job_id: str, folder: Path, title: str = "") -> None:
        """Send a job, starting the worker when it does not run.

        Args:
            job_id: a name never used before, not empty.
            folder: the job folder, absolute.
            title: what the log calls the job, for people.

        Raises:
            JobError: ``dependencies`` when the program cannot be started, ``bad_request`` when a job is open.
        """
        if self._job is not None:
            raise JobError("bad_request", f"StyleTex's process is still busy with the job {self._job.name!r}")
        self.start()
        assert self._connection is not None
        self._connection.log.begin_job(f"StyleTex begins {title or job_id} in {folder}")
        self._job = _OpenJob(job_id, folder)
        self._send_job(self._job)

    def cancel(self, job_id: str) -> None:
        """Stop the open job and keep nothing. When the worker does not answer, its process is ended."""
        if self._job is None or self._job.name != job_id or self._job.cancelled_at is not None:
            return
        self._job.cancelled_at = time.monotonic()
        self._send("cancel", job_id)

    def pause(self, job_id: str) -> None:
        """Stop optimising the open job now and leave a checkpoint: it ends with ``paused``, or with ``done``."""
        self._send("pause", job_id)

    def finish(self, job_id: str) -> None:
        """Stop optimising the open job now and keep what there is: it ends with ``done``."""
        self._send("finish", job_id)

    def acknowledge_frame(self, job_id: str, number: int) -> None:
        """Say that a frame was read; the worker may remove its file and send the next one."""
        self._send("acknowledge_frame", job_id, number=number)

    def note(self, text: str) -> bool:
        """Write into the worker's log; false when it is not open."""
        if self._connection is None:
            return False
        for line in text.splitlines():
            self._connection.log.write(line.encode("utf-8", "replace"))
        return True

    def events(self) -> list[dict[str, Any]]:
        """What came since the last call, oldest first; of progress, stages and frames the newest alone.

        Heartbeats are kept back. Also looks after the worker, so call it often while ``alive`` or ``busy``: when the
        process dies, stalls or does not answer a cancel, the job's terminal event is made here (``error`` with the code
        ``worker_died`` or ``worker_stalled``, or ``cancelled``). An event whose ``job`` is empty concerns the worker.
        """
        connection = self._connection
        if connection is None:
            return []
        now = time.monotonic()
        # Asked before the inbox is emptied, so that no last word is missed.
        over = connection.over(now)
        events = connection.inbox.drain()
        for event in events:
            self._note(event)
        last = self._last_word(connection, now, over)
        if last is not None:
            self._note(last)
            events.append(last)
        if over and self._connection is connection:
            self._retire()
        return events

    def close(self) -> None:
        """End the worker: ask, then terminate, then kill. An open job ends without an event. May be called twice."""
        self._job = None
        connection = self._connection
        if connection is None:
            return
        connection.send("quit")
        if not connection.process.wait(0.5):
            connection.process.terminate()
            if not connection.process.wait(0.5):
                connection.process.kill()
                connection.process.wait(0.5)
        self._retire()

    def _send(self, kind: str, job_id: str, **payload: Any) -> None:
        if self._connection is not None and self._job is not None and self._job.name == job_id:
            self._connection.send(kind, job_id, **payload)

    def _send_job(self, job: _OpenJob) -> None:
        assert self._connection is not None
        self._connection.inbox.expect(job.name)
        self._send("run", job.name, folder=str(job.folder))

    def _note(self, event: dict[str, Any]) -> None:
        if self._job is not None and event["job"] == self._job.name:
            self._job.heard = True
            if event["type"] in TERMINAL_EVENTS:
                self._job = None

    def _retire(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _last_word(self, connection: WorkerConnection, now: float, over: bool) -> dict[str, Any] | None:
        """Look after the process; the event to add when it will not send one itself."""
        job = self._job
        if over:
            return self._word_on_death(connection, job)
        if connection.foreign_version is not None:
            connection.kill(now, "it speaks another protocol")
        elif connection.is_mute(now):
            connection.kill(now, "it closed its output")
        elif job is not None and job.cancelled_at is not None:
            if now - job.cancelled_at >= self._patience.kill:
                connection.kill(now, "it did not answer a cancel")
            elif now - job.cancelled_at >= self._patience.terminate and not job.terminated:
                job.terminated = True
                connection.process.terminate()
        if now - self._looked > _LOOK_AGAIN_SECONDS:
            # Nobody looked for long: the machine slept, perhaps, and the worker too. It gets another chance.
            connection.heard = now
        self._looked = now
        if now - connection.heard > self._patience.stalled:
            connection.kill(now, _SILENT)
        return None

    def _word_on_death(self, connection: WorkerConnection, job: _OpenJob | None) -> dict[str, Any] | None:
        status = connection.process.exit_status()
        if connection.foreign_version is not None:
            error = JobError(
                "dependencies",
                f"StyleTex's process speaks version {connection.foreign_version} of the protocol, not {VERSION}",
                _REPAIR,
            )
            return _event("error", job.name if job is not None else "", **error.to_dict())
        if job is None:
            return None
        if job.cancelled_at is not None:
            return _event("cancelled", job.name)
        if status == 0 and not job.heard and not job.restarted:
            # It left after its idle time just when the job was sent.
            job.restarted = True
            try:
                self.start()
            except JobError as error:
                return _event("error", job.name, **error.to_dict())
            self._send_job(job)
            return None
        if connection.last_error is not None and connection.last_error["code"] != "bad_request":
            return {**connection.last_error, "job": job.name}
        if connection.killed_because == _SILENT:
            error = JobError(
                "worker_stalled",
                f"StyleTex's process was silent for {self._patience.stalled:.0f} seconds and was ended",
                "Try again; the log says more",
                self._log_and_tail(connection),
            )
        else:
            error = JobError(
                "worker_died",
                f"StyleTex's process stopped unexpectedly ({connection.killed_because or _exit_words(status)})",
                _way_out(status, connection.killed_because),
                self._log_and_tail(connection),
            )
        return _event("error", job.name, **error.to_dict())

    def _log_and_tail(self, connection: WorkerConnection) -> str:
        return f"{self._log_path}\n{connection.log.tail()}"


def _event(kind: str, job: str, **payload: Any) -> dict[str, Any]:
    """An event in the worker's stead."""
    return {"v": VERSION, "job": job, "seq": -1, "type": kind, **payload}


def _exit_words(status: int | None) -> str:
    return f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"


def _way_out(status: int | None, killed_because: str) -> str:
    if status == -9 and not killed_because:
        return "The system may have run out of memory: choose a smaller texture and try again"
    return "Try again; the log says more"
