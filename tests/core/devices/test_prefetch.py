# SPDX-License-Identifier: GPL-3.0-or-later
"""Items made ahead arrive in order, failures reach who waits for them, and no thread stays behind."""

import itertools
import threading
import time

import pytest

from core.devices.prefetch import Prefetch


def test_items_arrive_in_order():
    with Prefetch(iter(range(100)), ahead=3) as items:
        assert list(items) == list(range(100))


def test_the_next_item_is_made_while_the_present_one_is_used():
    second_made = threading.Event()

    def items():
        yield 1
        second_made.set()
        yield 2

    with Prefetch(items(), ahead=1) as ahead:
        assert next(ahead) == 1
        assert second_made.wait(5.0)


def test_no_more_than_ahead_items_are_kept():
    made = []

    def items():
        for number in itertools.count():
            made.append(number)
            yield number

    with Prefetch(items(), ahead=2) as ahead:
        deadline = time.monotonic() + 5.0
        while len(made) < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.05)
        assert made == [0, 1]
        next(ahead)


def test_an_exception_reaches_the_consumer_in_its_place():
    def items():
        yield 1
        raise ZeroDivisionError("on the thread")

    with Prefetch(items()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(ZeroDivisionError, match="on the thread"):
            next(ahead)
        with pytest.raises(StopIteration):
            next(ahead)


def test_closing_ends_the_thread_even_when_nothing_was_taken():
    before = threading.active_count()
    ahead = Prefetch(itertools.count(), ahead=2)
    ahead.close()
    ahead.close()
    assert threading.active_count() == before
    with pytest.raises(StopIteration):
        next(ahead)


def test_an_exception_of_the_consumer_ends_the_thread():
    before = threading.active_count()
    with pytest.raises(KeyError), Prefetch(itertools.count()) as ahead:
        next(ahead)
        raise KeyError
    assert threading.active_count() == before
