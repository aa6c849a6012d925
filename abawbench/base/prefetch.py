"""Reading ahead: threads prepare the next items while the current one is used."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import repeat
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None, *, depth: int | None = None
) -> Generator[Result]:
    """The result of a function for each item, in order, computed by threads ahead of its use.

    An error of the function is raised when its item is reached.

    Args:
        function: called with one item; calls run side by side.
        items: iterated in the thread of the caller.
        threads: number of threads; one for each core by default.
        depth: results that are computed or under way beyond the current one; as many as threads by default.
    """
    threads = threads or os.cpu_count() or 1
    depth = threads if depth is None else depth
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def iterate_ahead(items: Iterable[Item], depth: int) -> Generator[Item]:
    """The same items in the same order, iterated in a thread of its own, at most `depth` items ahead of their use.

    An error of the items is raised in its place in the order.
    """
    iterator, end = iter(items), object()
    with closing(map_ahead(lambda _: next(iterator, end), repeat(None), 1, depth=depth)) as results:
        for item in results:
            if item is end:
                return
            yield item  # pyright: ignore[reportReturnType]
