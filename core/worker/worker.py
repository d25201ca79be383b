# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: does jobs for Blender in a process of its own, and stays warm between them.

    python -u -m core worker [--idle-minutes N]

Speaks the protocol of ``core.protocol``. Heartbeats start at once, ``hello`` follows when PyTorch is loaded, the models
load with the first job and are kept. Jobs run one at a time, in the main thread; a ``run`` while another job runs waits
for its turn. Commands for unknown jobs are dropped; a command that cannot be read is answered with an ``error`` of no
job (``bad_request``) and the worker lives on. ``quit``, the end of standard input, the death of the parent and a long
idle time each end the process; jobs that were under way end with it (their checkpoint stays in the job folder).

Whatever a job raises ends that job alone, and the log (standard error) has the traceback, unless the accelerator is in
a state that only a new process mends: then the worker tells the job's error and leaves.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ..failure import as_job_error, is_beyond_repair, release_memory
from ..job import EXIT_STATUS, REPORT_FILE, Job, JobError, read_job
from ..protocol import COMMANDS, HEARTBEAT_SECONDS, MAXIMUM_LINE_BYTES, ProtocolError, parse
from ..reporting import Cancelled, Paused, Reporter
from .parent_death import leave_with_parent
from .reporter import JobReporter
from .wire import EventWriter, claim_standard_streams

IDLE_MINUTES = 10.0
"""Time without a job after which the worker leaves and frees its memory, unless told otherwise."""
REST_SECONDS = 15.0
"""Time without a job after which it leaves the graphics card to others: whoever has a texture renders it next."""


class Result(Protocol):
    """What a job leaves: part of ``core.stylize.Result``."""

    @property
    def base_color(self) -> Path:
        """The texture, or that of the first tile."""
        ...

    @property
    def tiles(self) -> tuple[int, ...]:
        """UDIM numbers of the tiles; none for one texture."""
        ...


@dataclass(frozen=True)
class Engine:
    """What the worker needs from the heavy half of the package."""

    description: dict[str, Any]
    """Payload of ``hello`` but for the process id."""
    stylize: Callable[[Job, Path, Reporter], Result]
    """Does one job in a job folder; keeps its models for the next one."""
    rest: Callable[[], None] = release_memory
    """Leaves the graphics card to others until the next job."""


def load_engine(model_folder: Path | None = None) -> Engine:
    """The real engine. Takes seconds: PyTorch is imported here.

    Args:
        model_folder: where models are looked for first; see ``core.models.profiles.profile``.

    Raises:
        ImportError: a package is missing from the worker's environment.
    """
    from ..stylize import LoadedModels, stylize
    from .hello import describe_machine

    models = LoadedModels(model_folder)
    return Engine(describe_machine(), lambda job, folder, reporter: stylize(job, folder, reporter, models), models.rest)


class Worker:
    """The loop that answers commands and does jobs."""

    def __init__(
        self, commands: BinaryIO, events: BinaryIO, load: Callable[[], Engine], idle_minutes: float = IDLE_MINUTES
    ) -> None:
        self._commands = commands
        self._events = EventWriter(events)
        self._load = load
        self._idle_seconds = idle_minutes * 60.0
        self._loaded = False
        self._jobs: dict[str, JobReporter] = {}
        self._waiting: queue.SimpleQueue[JobReporter] = queue.SimpleQueue()

    def serve(self) -> int:
        """Work until idle for too long; other reasons to leave end the process from a thread.

        Returns:
            Exit status: 0, or that of the error that kept the engine from loading.
        """
        threading.Thread(target=self._read_commands, name="commands", daemon=True).start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            engine = self._load()
        except Exception as error:
            failure = as_job_error(error)
            self._events.send("error", **failure.to_dict())
            return EXIT_STATUS[failure.code]
        self._loaded = True
        self._events.send("hello", **engine.description, pid=os.getpid())
        while True:
            reporter = self._next(engine)
            if reporter is None:
                return 0
            if not self._do(reporter, engine):
                # At once: the next job must not reach this process any more.
                os._exit(EXIT_STATUS["worker_died"])

    def _next(self, engine: Engine) -> JobReporter | None:
        """The next job; ``None`` when there was none for too long."""
        rest = min(REST_SECONDS, self._idle_seconds)
        try:
            return self._waiting.get(timeout=rest)
        except queue.Empty:
            engine.rest()
        try:
            return self._waiting.get(timeout=self._idle_seconds - rest)
        except queue.Empty:
            return None

    def _do(self, reporter: JobReporter, engine: Engine) -> bool:
        """One job, to its terminal event; returns whether this process can do another one."""
        fit_for_more = True
        started = time.monotonic()
        kind: str
        payload: dict[str, Any]
        try:
            if reporter.should_cancel():
                raise Cancelled
            if reporter.should_pause():
                raise Paused
            result = engine.stylize(read_job(reporter.folder), reporter.folder, reporter)
            kind, payload = (
                "done",
                {
                    "texture": str(result.base_color),
                    "tiles": list(result.tiles),
                    "report": str(reporter.folder / REPORT_FILE),
                    "seconds": time.monotonic() - started,
                    "finished_early": reporter.finished_early,
                },
            )
        except Cancelled:
            kind, payload = "cancelled", {}
        except Paused:
            kind, payload = "paused", {}
        except (Exception, SystemExit) as error:
            failure = as_job_error(error)
            if failure.detail:
                print(failure.detail, file=sys.stderr, flush=True)
            kind, payload, fit_for_more = "error", failure.to_dict(), not is_beyond_repair(error)
        if fit_for_more:
            release_memory()
        # Forgotten first, so that whoever reads the terminal event may use the same name again at once.
        del self._jobs[reporter.job]
        self._events.send(kind, reporter.job, **payload)
        return fit_for_more

    def _read_commands(self) -> None:
        while line := self._commands.readline(MAXIMUM_LINE_BYTES + 1):
            try:
                self._obey(parse(line, COMMANDS))
            except ProtocolError as error:
                self._events.send("error", **JobError("bad_request", f"A command was refused: {error}").to_dict())
            except Exception as error:
                # A thread that ended here would leave a worker that hears nothing, not even its parent's end.
                self._events.send("error", **as_job_error(error).to_dict())
        os._exit(0)

    def _obey(self, command: dict[str, Any]) -> None:
        if command["type"] == "quit":
            os._exit(0)
        if command["type"] == "run":
            self._accept(command["job"], command.get("folder"))
            return
        reporter = self._jobs.get(command["job"])
        if reporter is None:
            return
        if command["type"] == "cancel":
            reporter.cancel()
        elif command["type"] == "pause":
            reporter.pause()
        elif command["type"] == "finish":
            reporter.finish()
        else:
            reporter.acknowledge_frame(command.get("number"))

    def _accept(self, job: str, folder: object) -> None:
        if not job or job in self._jobs:
            raise ProtocolError(f"run needs the name of a new job, not {job!r}")
        if not isinstance(folder, str) or not Path(folder).is_absolute():
            error = JobError("bad_request", f"The job folder is {folder!r}; it must be an absolute path")
            self._events.send("error", job, **error.to_dict())
            return
        reporter = self._jobs[job] = JobReporter(job, Path(folder), self._events)
        if not self._loaded:
            reporter.stage("start", "Starting")
        self._waiting.put(reporter)

    def _beat(self) -> None:
        while True:
            self._events.send("heartbeat")
            time.sleep(HEARTBEAT_SECONDS)


def main(idle_minutes: float = IDLE_MINUTES, load: Callable[[], Engine] = load_engine) -> int:
    """Be the worker of this process.

    Args:
        idle_minutes: leave after so long without a job; more than 0.
        load: makes the engine, after standard output is out of its reach.

    Returns:
        Exit status.
    """
    commands, events = claim_standard_streams()
    leave_with_parent()
    return Worker(commands, events, load, idle_minutes).serve()
