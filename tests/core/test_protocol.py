# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire: what one side encodes the other reads, and nothing else passes for a message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings, strategies as st

from core.protocol import (
    COMMANDS,
    EVENTS,
    MAXIMUM_LINE_BYTES,
    TERMINAL_EVENTS,
    VERSION,
    ProtocolError,
    message_writer,
    parse,
)

without_haste = settings(deadline=None, max_examples=60)
TEXTS = st.text(st.characters(), max_size=40)  # lone surrogates too: a path that is no Unicode holds them
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
PAYLOADS = st.dictionaries(
    TEXTS.filter(lambda name: name not in {"v", "job", "seq", "type", "kind"}), VALUES, max_size=6
)


@without_haste
@given(st.sampled_from(sorted(COMMANDS | EVENTS)), TEXTS, PAYLOADS)
def test_every_message_comes_out_as_it_went_in(kind: str, job: str, payload: dict[str, object]) -> None:
    line = message_writer()(kind, job, **payload)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert parse(line, frozenset({kind})) == {"v": VERSION, "job": job, "seq": 0, "type": kind, **payload}


@without_haste
@given(st.binary(max_size=200))
def test_no_noise_passes_for_a_message(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(line, EVENTS)


@without_haste
@given(VALUES)
def test_no_other_json_passes_for_a_message(value: object) -> None:
    with pytest.raises(ProtocolError):
        parse(json.dumps(value).encode(), EVENTS)


@without_haste
@given(st.fixed_dictionaries({"v": st.just(VERSION), "job": VALUES, "seq": VALUES, "type": VALUES}))
def test_a_header_of_wrong_types_is_refused(header: dict[str, object]) -> None:
    header["type"] = [header["type"]]
    with pytest.raises(ProtocolError, match="message type"):
        parse(json.dumps(header).encode(), EVENTS)


@pytest.mark.parametrize("name", ["v", "job", "seq", "type"])
def test_a_message_without_a_part_of_its_header_is_refused(name: str) -> None:
    message = json.loads(message_writer()("heartbeat"))
    del message[name]
    with pytest.raises(ProtocolError):
        parse(json.dumps(message).encode(), EVENTS)


def test_messages_are_numbered_in_order() -> None:
    encode = message_writer()
    assert [parse(encode("heartbeat"), EVENTS)["seq"] for _ in range(3)] == [0, 1, 2]


def test_commands_are_no_events() -> None:
    assert not COMMANDS & EVENTS and TERMINAL_EVENTS < EVENTS
    with pytest.raises(ProtocolError, match="message type 'quit'"):
        parse(message_writer()("quit"), EVENTS)


def test_another_version_is_named() -> None:
    line = json.dumps({"v": VERSION + 1, "job": "", "seq": 0, "type": "hello"}).encode()
    with pytest.raises(ProtocolError, match=f"version {VERSION + 1}; this side speaks {VERSION}"):
        parse(line, EVENTS)


def test_a_line_too_long_is_refused_unread() -> None:
    line = message_writer()("stage", label="x" * MAXIMUM_LINE_BYTES)
    with pytest.raises(ProtocolError, match="bytes"):
        parse(line, EVENTS)


def test_brackets_without_end_are_refused() -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        parse(b"[" * 200_000, EVENTS)


def test_a_number_that_is_none_is_never_sent() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        message_writer()("progress", "one", seconds_left=float("nan"))
