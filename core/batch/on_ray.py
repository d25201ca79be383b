# SPDX-License-Identifier: GPL-3.0-or-later
"""Works through the items of a batch on a Ray cluster. This process alone reads the inputs and writes the results.

Ray places the workers, moves the bytes and tells who died; what is to be done is known from the output folder alone, so
a driver that was killed is simply started again. ``ray`` is needed here and on the workers, and by nothing else.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import os
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..failure import as_job_error
from ..job import PRESETS, JobError
from ..storage.whole_file import whole_file
from .batch_folder import BatchFolder
from .inputs import content_hash, files_of, inputs_of
from .log import BatchLog, ItemReporter
from .make import require_space
from .manifest import Item
from .one_by_one import fail, withdraw
from .ray_worker import Answer, FarmWorker, Request

REQUIREMENT = "ray==2.60.0"
"""What pip installs; one version for driver and workers."""
STYLIZER = "core.batch.make:stylizer"
MOST_DEATHS = 3
"""Workers, on nodes that live on, that may die over one item before it counts as failed."""
MOST_BAD_STARTS = 3
"""Workers one after another that may fail to begin before the command gives up."""
_MISSING = {"mesh": "bad_mesh", **dict.fromkeys(("model", "lora", "vae"), "model_missing")}
"""What is said where a file is not there, by its option; of others that it is no picture."""
_WAIT_SECONDS = 1.0


def require_ray() -> Any:
    """The module.

    Raises:
        JobError: ``dependencies``: it is not installed.
    """
    # Nothing is told to its makers, unless somebody wants that.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise JobError(
            "dependencies",
            "Ray is not installed here",
            f"Install it into the environment of this command: python -m pip install {REQUIREMENT}",
        ) from error


@dataclass(frozen=True)
class _Task:
    """An item in the hands of a worker."""

    item: Item
    inputs: dict[str, Any]
    claim: ExitStack
    """Holds the lock of the item."""


@dataclass
class _Worker:
    """A process of the cluster."""

    actor: Any
    number: int
    """From 1 in the order in which they were asked for, for the log."""
    node: str = ""
    """Known once it has answered."""
    task: _Task | None = None


class Farm:
    """The workers of one command, on one cluster."""

    def __init__(self, address: str, workers: int | None, stylizer: str = STYLIZER) -> None:
        """Connect to a cluster, and ask it for workers.

        Args:
            address: of the cluster, as ``ray.init`` takes it; "local" starts one on this machine.
            workers: how many; ``None`` asks for one to each graphics card, or to each core where there is none.
            stylizer: see ``FarmWorker``.

        Raises:
            JobError: ``dependencies``; ``bad_request``: there is no cluster at the address.
        """
        self._ray = ray = require_ray()
        try:
            ray.init(
                address,
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise JobError(
                "bad_request", f"There is no Ray cluster at {address}: {error}", "Start one: ray start --head."
            ) from error
        nodes = [(_whole(node, "CPU"), _whole(node, "GPU")) for node in ray.nodes() if node["Alive"]]
        self.count = workers or sum(cards for _, cards in nodes) or sum(cores for cores, _ in nodes) or 1
        self._share = share_of(nodes, self.count)
        self._environment = {"env_vars": _variables(self._share["num_cpus"])}
        self._class = ray.remote(FarmWorker)
        self._stylizer = stylizer

    def work_through(self, items: Sequence[Item], folder: BatchFolder, reporter: ItemReporter, log: BatchLog) -> None:
        """Have every item made that is not finished, the dearest first; see ``one_by_one.work_through``."""
        _Driver(self, items, folder, reporter, log).run()

    def close(self) -> None:
        """Let the workers go."""
        self._ray.shutdown()

    def new_worker(self) -> Any:
        """A worker, as soon as the cluster has room."""
        options = {**self._share, "runtime_env": self._environment, "max_restarts": 0}
        return self._class.options(**options).remote(self._stylizer)

    def is_alive(self, node: str) -> bool:
        """Whether a node of the cluster still answers."""
        return any(known["NodeID"] == node and known["Alive"] for known in self._ray.nodes())

    def wait(self, references: Sequence[Any]) -> list[Any]:
        """Those that are there, after a second at most."""
        done, _ = self._ray.wait(list(references), num_returns=1, timeout=_WAIT_SECONDS)
        return done

    def get(self, reference: Any) -> Any:
        """What a reference stands for, or ``None`` when the worker that owed it is dead.

        Raises:
            JobError: ``dependencies``: workers cannot begin.
        """
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, Exception) else error
            return Answer({}, as_job_error(cause).to_dict(), (), 0.0)
        except (errors.RayActorError, errors.ObjectLostError, errors.WorkerCrashedError) as error:
            if "creation task" not in str(error):
                return None
            raise _no_workers(error) from error
        except errors.RayError as error:
            raise _no_workers(error) from error

    def put(self, data: bytes) -> Any:
        """Put bytes into the object store."""
        return self._ray.put(data)

    def forget(self, actor: Any) -> None:
        """End a worker that may be dead already."""
        self._ray.kill(actor)


def share_of(nodes: Sequence[tuple[int, int]], count: int) -> dict[str, float]:
    """What each of ``count`` workers may claim such that all find room, on nodes of so many cores and cards: as much as
    there is; several may share a card or a core.
    """
    if any(cards for _, cards in nodes):
        nodes = [node for node in nodes if node[1]]
    shares = {}
    for place, name in enumerate(("num_cpus", "num_gpus")):
        there = [node[place] for node in nodes]
        # A card is nobody's twice; of cores a worker may have several.
        most = 1 if name == "num_gpus" else max(there, default=0)
        whole = next((each for each in range(most, 0, -1) if sum(one // each for one in there) >= count), 0)
        shares[name] = float(whole) if whole or not any(there) else 1.0 / math.ceil(count / sum(there))
    return shares


def _variables(cores: float) -> dict[str, str]:
    """Of a worker with so many cores; as for ``core.command_line``, unless somebody has set them here."""
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, int(cores) // 2)))
    return {
        "PYTHONPATH": f"{Path(__file__).resolve().parents[2]}{os.pathsep}${{PYTHONPATH}}",
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),
    }


def _whole(node: dict[str, Any], resource: str) -> int:
    return int(node["Resources"].get(resource, 0))


def _no_workers(error: Exception) -> JobError:
    hint = "Every machine of the cluster needs StyleTex and its environment (docs/farm.md)."
    return JobError("dependencies", "Workers cannot begin on the cluster", hint, str(error))


class _Driver:
    """One pass over the items of a batch."""

    def __init__(
        self, farm: Farm, items: Sequence[Item], folder: BatchFolder, reporter: ItemReporter, log: BatchLog
    ) -> None:
        self._farm, self._folder, self._reporter, self._log = farm, folder, reporter, log
        self._waiting = deque(sorted(items, key=_cost, reverse=True))
        self._elsewhere: list[Item] = []
        self._running: dict[Any, _Worker] = {}
        self._asked_for = self._bad_starts = 0
        self._deaths: Counter[str] = Counter()
        self._shared = _shared_hashes(items)
        self._store: dict[str, Any] = {}

    def run(self) -> None:
        self._reporter.item = "Ray"
        self._reporter.stage("item", f"{self._farm.count} workers")
        while self._waiting or any(worker.task for worker in self._running.values()):
            # No more than there is work for.
            wanted = min(self._farm.count, len(self._waiting) + sum(bool(w.task) for w in self._running.values()))
            while len(self._running) < wanted:
                self._asked_for += 1
                worker = _Worker(self._farm.new_worker(), self._asked_for)
                self._running[worker.actor.node.remote()] = worker
            for reference in self._farm.wait(list(self._running)):
                self._hear(self._running.pop(reference), reference)
            self._let_go_of_withdrawn()
        for item in self._elsewhere:
            self._log.write("left to another command", item=item.name)

    def _assign(self, worker: _Worker) -> bool:
        """Give the next item that is to be made to a worker; whether there was one."""
        while self._waiting:
            item = self._waiting.popleft()
            if item.is_withdrawn:
                withdraw(item.name, self._folder, self._log)
                continue
            claim = ExitStack()
            if not claim.enter_context(self._folder.claim(item.name)):
                self._elsewhere.append(item)
                continue
            try:
                inputs = inputs_of(item)
                if self._folder.is_finished(item.name, inputs):
                    self._log.finished_before(item.name)
                elif self._folder.has_failed_meanwhile(item.name):
                    self._log.failed_elsewhere(item.name)
                else:
                    # Whoever looks at the folder sees that it has begun.
                    self._folder.unfinished(item.name, inputs)
                    request = self._request(item, inputs)
                    require_space(item.options, self._folder.path)
                    worker.task = _Task(item, inputs, claim)
                    self._running[worker.actor.make.remote(request)] = worker
                    self._log.write("item", item=item.name, node=worker.node, worker=worker.number)
                    return True
            except Exception as error:
                fail(item.name, as_job_error(error), self._folder, self._log)
            claim.close()
        return False

    def _request(self, item: Item, inputs: dict[str, Any]) -> Request:
        """The item with its files in the object store; those that several items share are put there once.

        Raises:
            JobError: ``bad_mesh`` or ``bad_image``: a file is not there.
        """
        files: dict[str, tuple[str, str, Any]] = {}
        for name, path in files_of(item.options).items():
            digest = content_hash(path)
            if digest is None:
                code = _MISSING.get(name.partition("/")[0], "bad_image")
                raise JobError(code, f"There is no file {path}", "Put it there, or name another one.")
            reference = self._store.get(digest) or self._farm.put(path.read_bytes())
            if digest in self._shared:
                self._store[digest] = reference
            called = name.removeprefix("mesh/") if name.startswith("mesh/") else path.name
            files[name] = (digest, called, reference)
        options = {name: value for name, value in vars(item.options).items() if name not in files}
        key = hashlib.sha256(json.dumps([item.name, inputs], sort_keys=True).encode()).hexdigest()[:32]
        return Request(key, options, files, inputs)

    def _hear(self, worker: _Worker, reference: Any) -> None:
        """Take in what a worker says, after it has been given what to do next: it does not wait for the disk here."""
        task, worker.task = worker.task, None
        try:
            said = self._farm.get(reference)
        except JobError:
            # A busy machine may be too slow for Ray's own limits; what is wrong with an environment stays wrong.
            self._bad_starts += 1
            if task is not None or self._bad_starts == MOST_BAD_STARTS:
                raise
            said = None
        if task is None:
            worker.node = said or ""
            self._bad_starts = 0 if said else self._bad_starts
            self._log.write("worker ready" if said else "worker lost", node=worker.node, worker=worker.number)
            ended = said is None
        else:
            ended = said is None or said.spent
        # A worker that nothing waits for frees its card for others.
        if (ended or not self._assign(worker)) and said is not None:
            self._farm.forget(worker.actor)
        if task is not None:
            with task.claim:
                if said is None:
                    self._died(task.item, worker)
                else:
                    self._take_in(task, worker, said)

    def _let_go_of_withdrawn(self) -> None:
        """End the workers of items that nobody wants any more."""
        for reference, worker in list(self._running.items()):
            task = worker.task
            if task is not None and task.item.is_withdrawn:
                del self._running[reference]
                self._farm.forget(worker.actor)
                with task.claim:
                    withdraw(task.item.name, self._folder, self._log)

    def _died(self, item: Item, worker: _Worker) -> None:
        self._log.write("worker died", item=item.name, node=worker.node, worker=worker.number)
        if self._farm.is_alive(worker.node):
            self._deaths[item.name] += 1
        if self._deaths[item.name] < MOST_DEATHS:
            self._waiting.appendleft(item)
            return
        message = f"{MOST_DEATHS} workers died over it"
        fail(item.name, JobError("worker_died", message, "Look into Ray's logs."), self._folder, self._log)

    def _take_in(self, task: _Task, worker: _Worker, answer: Answer) -> None:
        name = self._reporter.item = task.item.name
        for code, message in answer.warnings:
            self._reporter.warning(code, message)
        if answer.error is not None:
            fail(name, JobError.from_dict(dict(answer.error)), self._folder, self._log)
            return
        try:
            place = self._folder.unfinished(name, task.inputs, anew=True)
            for file_name, data in answer.result.items():
                with whole_file(place / Path(file_name).name) as file:
                    file.write(data)
            self._folder.finish(name)
        except (OSError, JobError) as error:
            # What is half there may be the room that the next result lacks.
            self._folder.drop(name)
            fail(name, as_job_error(error), self._folder, self._log)
        else:
            self._log.made(name, answer.seconds, node=worker.node, worker=worker.number)


def _cost(item: Item) -> tuple[int, int]:
    """What is dearer is greater."""
    return PRESETS.index(item.options.preset), item.options.size


def _shared_hashes(items: Sequence[Item]) -> set[str]:
    counts: Counter[str] = Counter()
    for item in items:
        counts.update({str(path) for name, path in files_of(item.options).items() if not name.startswith("mesh/")})
    digests = (content_hash(Path(path)) for path, count in counts.items() if count > 1)
    return {digest for digest in digests if digest is not None}
