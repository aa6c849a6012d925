from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.prefetch import iterate_ahead, map_ahead


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
def test_work_ahead_keeps_the_order(items, threads):
    assert list(map_ahead(lambda item: item * 2, items, threads)) == [item * 2 for item in items]


def test_work_ahead_runs_no_further_than_its_threads():
    begun: list[int] = []
    work = map_ahead(begun.append, range(100), 2)
    next(work)
    assert len(begun) <= 4
    work.close()
    assert len(begun) <= 6


def test_work_ahead_runs_as_deep_as_it_is_told():
    begun: list[int] = []
    work = map_ahead(begun.append, range(100), 1, depth=5)
    next(work)
    time.sleep(0.1)
    assert begun == [0, 1, 2, 3, 4, 5]
    work.close()


def test_an_error_of_the_work_reaches_whoever_uses_it():
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda item: 1 // item, [1, 0], 1))


def test_items_made_ahead_keep_their_order():
    assert list(iterate_ahead(iter(range(100)), 3)) == list(range(100))


def test_no_more_items_than_asked_for_are_made_iterate_ahead():
    made = []

    def items():
        for number in range(50):
            made.append(number)
            yield number

    running = iterate_ahead(items(), 3)
    next(running)
    time.sleep(0.3)
    # one taken, three waiting, one in the hand of the thread
    assert len(made) <= 5
    running.close()


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("two")

    running = iterate_ahead(items(), 3)
    assert next(running) == 1
    with pytest.raises(ValueError, match="two"):
        next(running)


def test_the_thread_ends_when_nobody_wants_more():
    before = threading.active_count()
    running = iterate_ahead(iter(range(10**9)), 2)
    next(running)
    running.close()
    assert threading.active_count() == before
