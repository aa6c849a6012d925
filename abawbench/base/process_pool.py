"""Work on several processes, which end with the run that started them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeVar

from abawbench.base.run_lock import end_workers, stay_with_parent, without_interrupts

Item = TypeVar("Item")
Result = TypeVar("Result")

# the lock that a process holds while it lives
_process: dict[str, Any] = {}


def in_processes(
    call: Callable[[Item], Result],
    items: Sequence[Item],
    processes: int,
    locked: Path,
    start: Callable[[], None] | None = None,
) -> Iterator[tuple[int, Result]]:
    """Call a function for each item, on several processes or, with one, in this process.

    Args:
        call: function of a module.
        items: items.
        processes: number of processes.
        locked: folder that this run has locked with `only_run`.
        start: function that each process calls first, and that can be pickled; this process does not call it.

    Yields:
        Index of the item and the result, as they are done.

    Raises:
        BrokenProcessPool: a process was ended from outside.
    """
    if processes == 1 or len(items) < 2:
        for index, item in enumerate(items):
            yield index, call(item)
        return
    import multiprocessing

    # fresh processes, since a forked process may hang if its parent has threads
    with ProcessPoolExecutor(
        min(processes, len(items)),
        multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(locked, os.getpid(), start),
    ) as pool:
        try:
            with without_interrupts():
                index_of = {pool.submit(call, item): index for index, item in enumerate(items)}
            for future in as_completed(index_of):
                yield index_of[future], future.result()
        except BaseException:
            end_workers()
            pool.shutdown(cancel_futures=True)
            raise


def _start(locked: Path, parent: int, start: Callable[[], None] | None) -> None:
    if start is not None:
        start()
    _process["lock"] = stay_with_parent(locked, parent)
