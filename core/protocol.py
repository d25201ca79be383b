# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire between Blender and the worker: one JSON object a line, commands in, events out.

Every message is ``{"v": 1, "job": id, "seq": n, "type": …}``; ``job`` is empty where no job is meant.

Commands (worker's standard input):
    run                folder
    cancel             (stop, keep nothing)
    pause              (stop optimising now and leave a checkpoint, for the same job to go on from; ends with
                       ``paused``, or with ``done`` where all steps are done)
    finish             (stop optimising now, bake and keep what there is; ends with ``done``)
    acknowledge_frame  number
    quit

Events (worker's standard output); a job ends with exactly one of ``TERMINAL_EVENTS``:
    hello              versions {name: text}, device, device_name, memory_bytes, pid; precision ("float16" or
                       "float32") and device_reason (one line for people), which older workers leave out
    stage              name, label
    progress           step, steps, seconds_left (number or null)
    checkpoint         step, steps (what is done so far is safe on the disk, for the same job to go on from)
    frame              number, path, shape [height, width, 3], dtype "uint8", colour_space "sRGB"; row 0 at the top;
                       extent: the frame shows the UVs from 0 to this (more than 1: all UDIM tiles)
    warning            code, message
    heartbeat          (every ``HEARTBEAT_SECONDS`` while the process lives, job or not)
    done               texture, report (paths), tiles (UDIM numbers, or none; texture is then that of the first,
                       the others lie beside it), seconds, finished_early
    error              code, message, hint, detail
    cancelled
    paused

Standard library only: Blender's Python and the worker's Python both load this module.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

VERSION = 1

COMMANDS = frozenset({"run", "cancel", "pause", "finish", "acknowledge_frame", "quit"})
TERMINAL_EVENTS = frozenset({"done", "error", "cancelled", "paused"})
EVENTS = TERMINAL_EVENTS | {"hello", "stage", "progress", "checkpoint", "frame", "warning", "heartbeat"}

HEARTBEAT_SECONDS = 1.0
"""Time between heartbeats."""
STALLED_SECONDS = 60.0
"""Silence after which the client calls the worker stalled: loading a large model may hold the interpreter for long."""
TERMINATE_SECONDS = 5.0
"""Time between a cancel and the signal that asks the process to end."""
KILL_SECONDS = 8.0
"""Time between a cancel and the signal that ends the process."""
PARENT_VARIABLE = "STYLETEX_PARENT"
"""Environment variable in which the client leaves its process id, so that the worker can tell an orphan."""
MAXIMUM_LINE_BYTES = 1 << 20
"""Longest line that is read as a message."""

BATCH_ITEMS, BATCH_FAILED, BATCH_TURN = ".styletex-batch/items", ".styletex-batch/failed", ".styletex-batch/turn.lock"
"""What Blender reads in the output folder of a batch beside the results: a folder for each item that has begun, a
``JobError`` for each that failed, and what a command with ``--in-turn`` keeps locked."""


class ProtocolError(ValueError):
    """A line that is not a message of this protocol."""


def message_writer() -> Callable[..., bytes]:
    """A function that encodes messages with increasing ``seq``: ``encode(type, job="", **payload) -> line``."""
    sequence = itertools.count()

    def encode(kind: str, job: str = "", **payload: Any) -> bytes:
        message = {"v": VERSION, "job": job, "seq": next(sequence), "type": kind, **payload}
        # Escaped to ASCII: a path that is no Unicode (a lone surrogate in Python) survives only so.
        return json.dumps(message, allow_nan=False).encode("ascii") + b"\n"

    return encode


def parse(line: bytes, kinds: frozenset[str]) -> dict[str, Any]:
    """The message in ``line``; ``kinds`` are the types allowed in this direction.

    Raises:
        ProtocolError: not JSON, not an object, another version, or an unknown type.
    """
    if len(line) > MAXIMUM_LINE_BYTES:
        raise ProtocolError(f"a line of {len(line)} bytes; at most {MAXIMUM_LINE_BYTES} are allowed")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {line[:200]!r}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"not an object: {line[:200]!r}")
    if message.get("v") != VERSION:
        raise ProtocolError(f"protocol version {message.get('v')!r}; this side speaks {VERSION}")
    if not isinstance(message.get("type"), str) or message["type"] not in kinds:
        raise ProtocolError(f"message type {message.get('type')!r}; expected one of {', '.join(sorted(kinds))}")
    if not isinstance(message.get("job"), str) or not isinstance(message.get("seq"), int):
        raise ProtocolError(f"a message without a job or a sequence number: {line[:200]!r}")
    return message
