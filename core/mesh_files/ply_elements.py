# SPDX-License-Identifier: GPL-3.0-or-later
"""The elements of a PLY file as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .raw_mesh import Unreadable

_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4",
    "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_TICK_ROWS = 1 << 14


@dataclass(frozen=True)
class Property:
    """A column of an element."""

    name: str
    type: str
    """As numpy calls it, without the order of bytes; of a list's values."""
    count_type: str = ""
    """Of a list's length; empty for a single value."""


@dataclass(frozen=True)
class Element:
    """A table of the file."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)


@dataclass(frozen=True)
class Header:
    """What the file says that it holds."""

    order: str
    """"<" or ">" for binary files, empty for text."""
    elements: list[Element]
    body: int
    """Where the values begin, in bytes."""


@dataclass(frozen=True)
class Rows:
    """The values of one element."""

    scalars: dict[str, NDArray[np.float64]]
    """[N] by name."""
    lists: dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]
    """By name all values, one list after the other, and [N] the lengths of the lists."""

    def columns(self, *names: str) -> NDArray[np.float64] | None:
        """[N, len(names)]; ``None`` when one of them is missing."""
        if not all(name in self.scalars for name in names):
            return None
        return np.stack([self.scalars[name] for name in names], axis=-1)


def read_header(data: bytes) -> Header:
    """Read what stands before the values.

    Raises:
        Unreadable: it is no header of a PLY file.
    """
    end = data.find(b"end_header")
    if not data.startswith(b"ply") or end < 0:
        raise Unreadable("is not a PLY file, or is cut off")
    body = end + len(b"end_header")
    body += 2 if data[body : body + 2] == b"\r\n" else 1
    order = ""
    elements: list[Element] = []
    for line in data[:end].decode("latin-1").splitlines()[1:]:
        match line.split():
            case ["format", name, *_] if name in _ORDERS:
                order = _ORDERS[name]
            case ["element", name, count] if count.isdecimal():
                elements.append(Element(name, int(count)))
            case ["property", "list", count, type_, name] if elements and count in _TYPES and type_ in _TYPES:
                elements[-1].properties.append(Property(name, _TYPES[type_], _TYPES[count]))
            case ["property", type_, name] if elements and type_ in _TYPES:
                elements[-1].properties.append(Property(name, _TYPES[type_]))
            case [] | ["comment" | "obj_info", *_]:
                pass
            case _:
                raise Unreadable(f"has a line in its header that is none: {line[:80]}")
    return Header(order, elements, body)


def read_rows(data: bytes, header: Header, tick: Callable[[], None]) -> dict[str, Rows]:
    """The values of all elements, by name; ``tick`` is called now and then, and may raise.

    Raises:
        Unreadable: there are fewer values than the header says.
    """
    if header.order:
        source: _Binary | _Text = _Binary(data, header.body, header.order)
    else:
        source = _Text(data[header.body :].split())
    return {element.name: _rows(source, element, tick) for element in header.elements}


def _rows(source: _Binary | _Text, element: Element, tick: Callable[[], None]) -> Rows:
    properties = element.properties
    if element.count > source.most_rows(properties):
        raise Unreadable(
            f"is cut off: it says it has {element.count:,} times {element.name!r}, and is too short for it"
        )
    tick()
    if not element.count:
        empty = np.empty(0)
        return Rows(
            {one.name: empty for one in properties if not one.count_type},
            {one.name: (empty, np.empty(0, np.int64)) for one in properties if one.count_type},
        )
    even = source.take_even(properties, element.count)
    if even is None:
        even = _take_uneven(source, element, tick)
    return even


class _Binary:
    def __init__(self, data: bytes, start: int, order: str) -> None:
        self._data, self._at, self._order = data, start, order

    def most_rows(self, properties: list[Property]) -> int:
        least = sum(np.dtype(one.count_type or one.type).itemsize for one in properties)
        return (len(self._data) - self._at) // max(least, 1)

    def take(self, type_: str, count: int) -> NDArray[np.float64]:
        dtype = np.dtype(self._order + type_)
        if not 0 <= count <= (len(self._data) - self._at) // dtype.itemsize:
            raise Unreadable("is cut off, or says that a list is longer than the file")
        values = np.frombuffer(self._data, dtype, count, self._at)
        self._at += count * dtype.itemsize
        return values.astype(np.float64)

    def take_even(self, properties: list[Property], count: int) -> Rows | None:
        """All rows at once if all have lists of the same lengths, otherwise nothing is taken."""
        begin = self._at
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        for number, one in enumerate(properties):
            if one.count_type:
                length = int(self.take(one.count_type, 1)[0])
                fields.append((f"n{number}", self._order + one.count_type))
                fields.append((f"v{number}", self._order + one.type, (length,)))
                self.take(one.type, length)
            else:
                fields.append((f"v{number}", self._order + one.type))
                self.take(one.type, 1)
        self._at = begin
        row = np.dtype(fields)
        if row.itemsize * count > len(self._data) - begin:
            return None
        table = np.frombuffer(self._data, row, count, begin)
        scalars, lists = {}, {}
        for number, one in enumerate(properties):
            values = table[f"v{number}"].astype(np.float64)
            if one.count_type:
                lengths = table[f"n{number}"].astype(np.int64)
                if (lengths != lengths[0]).any():
                    return None
                lists[one.name] = (values.reshape(-1), lengths)
            else:
                scalars[one.name] = values
        self._at = begin + row.itemsize * count
        return Rows(scalars, lists)


class _Text:
    def __init__(self, words: list[bytes]) -> None:
        self._words, self._at = words, 0

    def most_rows(self, properties: list[Property]) -> int:
        return (len(self._words) - self._at) // max(len(properties), 1)

    def take(self, type_: str, count: int) -> NDArray[np.float64]:
        del type_
        words = self._words[self._at : self._at + count]
        if count < 0 or len(words) < count:
            raise Unreadable("is cut off, or says that a list is longer than the file")
        self._at += count
        return _as_floats(words)

    def take_even(self, properties: list[Property], count: int) -> Rows | None:
        """As that of ``_Binary``."""
        begin = self._at
        offsets, lengths = [], []
        for one in properties:
            length = int(self.take("", 1)[0]) if one.count_type else 1
            offsets.append(self._at - begin)
            lengths.append(length)
            self.take("", length)
        width = self._at - begin
        self._at = begin
        words = self._words[begin : begin + width * count]
        if len(words) < width * count:
            return None
        try:
            table = _as_floats(words).reshape(count, width)
        except Unreadable:
            return None
        scalars, lists = {}, {}
        for one, offset, length in zip(properties, offsets, lengths, strict=True):
            if one.count_type:
                if (table[:, offset - 1] != length).any():
                    return None
                lists[one.name] = (table[:, offset : offset + length].reshape(-1), np.full(count, length, np.int64))
            else:
                scalars[one.name] = table[:, offset]
        self._at = begin + width * count
        return Rows(scalars, lists)


def _take_uneven(source: _Binary | _Text, element: Element, tick: Callable[[], None]) -> Rows:
    values: list[list[NDArray[np.float64]]] = [[] for _ in element.properties]
    for number in range(element.count):
        if number % _TICK_ROWS == 0:
            tick()
        for one, found in zip(element.properties, values, strict=True):
            length = int(source.take(one.count_type, 1)[0]) if one.count_type else 1
            found.append(source.take(one.type, length))
    scalars, lists = {}, {}
    for one, found in zip(element.properties, values, strict=True):
        if one.count_type:
            lists[one.name] = (np.concatenate(found), np.array([len(row) for row in found], np.int64))
        else:
            scalars[one.name] = np.concatenate(found)
    return Rows(scalars, lists)


def _as_floats(words: list[bytes]) -> NDArray[np.float64]:
    try:
        # Not as an array of words, in which each takes as much as the longest.
        return np.fromiter(map(float, words), np.float64, len(words))
    except ValueError as error:
        raise Unreadable(f"has a value that is no number: {error}") from error
