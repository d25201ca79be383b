# SPDX-License-Identifier: GPL-3.0-or-later
"""Accessors of glTF 2.0 (specification, 3.6.2) as arrays: all component types, normalised, strided and sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gltf_document import MESHOPT, Document, is_meshopt
from .raw_mesh import Unreadable

_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_FEW = 10_000
"""Elements of an accessor that no data stand behind, as of a morph target that moves a few vertices; more only where
the file holds as many bytes."""


def read_accessor(document: Document, index: Any, kind: str) -> NDArray[np.float64]:
    """Values [count, width] of an accessor of the type ``kind``; those of normalised integers in [-1, 1].

    Raises:
        Unreadable: it is of another type, or reaches beyond its buffer.
    """
    accessor = document.item("accessors", index)
    raw = _raw(document, accessor, kind)
    if raw.dtype.kind == "f" or not accessor.get("normalized", False):
        return raw.astype(np.float64)
    return np.maximum(raw / float(np.iinfo(raw.dtype).max), -1.0)


def read_integers(document: Document, index: Any, kind: str) -> NDArray[np.int64]:
    """As ``read_accessor``, of indices: [count, width].

    Raises:
        Unreadable: likewise, and when they are no integers.
    """
    raw = _raw(document, document.item("accessors", index), kind)
    if raw.dtype.kind == "f":
        raise Unreadable("has indices that are no integers")
    return raw.astype(np.int64)


def element_count(document: Document, index: Any) -> int:
    """How many values an accessor says that it has.

    Raises:
        Unreadable: that is no number of values.
    """
    return _count(document.item("accessors", index))


def has_data(document: Document, index: Any) -> bool:
    """Whether anything stands behind an accessor; what is compressed may have none."""
    accessor = document.item("accessors", index)
    return "bufferView" in accessor or "sparse" in accessor


def differs_from_its_bounds(document: Document, index: Any, values: NDArray[np.float64]) -> bool:
    """Whether the least and the greatest values [N, width] are not those that the file says."""
    accessor = document.item("accessors", index)
    if "min" not in accessor or "max" not in accessor or not np.isfinite(values).all():
        return False
    said = np.array([accessor["min"], accessor["max"]], np.float64)
    found = np.stack([values.min(axis=0), values.max(axis=0)])
    if said.shape != found.shape:
        return True
    return bool(np.abs(said - found).max() > 1e-3 * max(np.ptp(found, axis=0).max(), np.ptp(said, axis=0).max()))


def _count(accessor: dict[str, Any]) -> int:
    count = accessor["count"]
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise Unreadable(f"has an array of {count} values")
    return count


def _raw(document: Document, accessor: dict[str, Any], kind: str) -> NDArray[Any]:
    if accessor.get("type") != kind or accessor.get("componentType") not in _COMPONENTS:
        raise Unreadable(
            f"has values of the type {accessor.get('type')} of {accessor.get('componentType')} where {kind} is expected"
        )
    dtype, width, count = np.dtype(_COMPONENTS[accessor["componentType"]]), _WIDTHS[kind], _count(accessor)
    if "bufferView" in accessor:
        values = _strided(document, accessor, dtype, count, width).copy()
    elif count > max(_FEW, document.loaded_bytes):
        raise Unreadable(f"says that it has {count:,} values, without data for them")
    else:
        values = np.zeros((count, width), dtype)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        size, places = sparse["count"], sparse["indices"]
        place = _strided(document, places, np.dtype(_COMPONENTS[places["componentType"]]), size, 1)[:, 0]
        if size and int(place.max()) >= count:
            raise Unreadable(f"replaces value {place.max()} of an array of {count}")
        values[place.astype(np.int64)] = _strided(document, sparse["values"], dtype, size, width)
    return values


def _strided(document: Document, where: dict[str, Any], dtype: np.dtype[Any], count: int, width: int) -> NDArray[Any]:
    """[``count``, ``width``] at the ``byteOffset`` of the ``bufferView`` that ``where`` names."""
    view = document.item("bufferViews", where["bufferView"])
    described = document.item("buffers", view["buffer"])
    for name in MESHOPT:
        fallback = described.get("extensions", {}).get(name, {}).get("fallback", False)
        if name in view.get("extensions", {}) and fallback and "uri" not in described:
            raise is_meshopt()
    buffer = document.buffer(view["buffer"])
    size = width * dtype.itemsize
    stride = view.get("byteStride", size)
    offset, start, length = where.get("byteOffset", 0), view.get("byteOffset", 0), view["byteLength"]
    needed = offset + stride * (count - 1) + size if count else 0
    if min(offset, start, length, count) < 0 or stride < size or needed > length or start + length > len(buffer):
        raise Unreadable(f"has an array of {count} values that reaches beyond its data, or is cut off")
    if not count:
        return np.empty((0, width), dtype)
    return np.ndarray((count, width), dtype, buffer, start + offset, (stride, dtype.itemsize))
