# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the next item on a thread while the present one is being used."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Condition, Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Prefetch(Iterator[T], Generic[T]):
    """Iterate over ``items`` with up to ``ahead`` of them made beforehand, in their own order.

    The iterator runs on one thread of its own, so it may keep state; what it needs to go on after an interruption
    must travel with each item (the consumer is up to ``ahead`` + 1 items behind it). An exception of the iterator
    is raised at the place in the order where its item would have been. Use it as a context manager, or call
    ``close``; both wait until the item in the making is done.
    """

    def __init__(self, items: Iterator[T], ahead: int = 2) -> None:
        self._items = items
        self._ahead = max(1, ahead)
        self._ready: deque[T] = deque()
        self._change = Condition()
        self._closed = False
        self._ended = False
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._produce, name="prefetch", daemon=True)
        self._thread.start()

    def __next__(self) -> T:
        """The next item.

        Raises:
            StopIteration: the iterator is exhausted, or this object was closed.
            Exception: whatever the iterator raised.
        """
        with self._change:
            self._change.wait_for(lambda: self._ready or self._ended or self._closed)
            if self._ready and not self._closed:
                item = self._ready.popleft()
                self._change.notify_all()
                return item
            if self._failure is not None and not self._closed:
                failure, self._failure = self._failure, None
                raise failure
            raise StopIteration

    def close(self) -> None:
        """Stop the thread and drop what it has made."""
        with self._change:
            self._closed = True
            self._ready.clear()
            self._change.notify_all()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _produce(self) -> None:
        try:
            while self._has_room():
                item = next(self._items)
                with self._change:
                    self._ready.append(item)
                    self._change.notify_all()
        except StopIteration:
            pass
        except BaseException as error:
            # It belongs to the consumer, who gets it from __next__.
            self._failure = error
        finally:
            with self._change:
                self._ended = True
                self._change.notify_all()

    def _has_room(self) -> bool:
        with self._change:
            self._change.wait_for(lambda: len(self._ready) < self._ahead or self._closed)
            return not self._closed
