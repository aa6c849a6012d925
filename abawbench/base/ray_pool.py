"""Work on a Ray cluster: one item at a time, on machines that see the same folders."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from abawbench.base.problems import Problem, ProblemError, os_reason

Item = TypeVar("Item")
Result = TypeVar("Result")
LOCAL = "local"
# an item whose worker dies is started again this many times
TRIES = 3


@contextmanager
def cluster(address: str, workers: int | None) -> Generator[Any]:
    """A Ray cluster; a cluster that is started here ends with the block.

    Args:
        address: address of a running cluster (`auto`, `ray://host:10001`), or `local` to start one on this machine.
        workers: number of processes of a local cluster; one for each core by default.

    Raises:
        ProblemError: C02, there is no cluster at the address.
    """
    # workers look for the package where this process found it
    paths = os.pathsep.join(path for path in sys.path if path)
    options: dict[str, Any] = {
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": "ERROR",
        "runtime_env": {"env_vars": {"PYTHONPATH": paths}},
    }
    # hides the GPUs from a worker that asks for none, and silences Ray's warning about it
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if address == LOCAL:
        # nobody else on the network can reach it
        options["_node_ip_address"] = "127.0.0.1"
        options["num_cpus"] = workers or os.cpu_count() or 1
    else:
        _refuse_silence(address)
        del options["include_dashboard"]
        options["address"] = address
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _no_cluster(address, str(error).splitlines()[0]) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def spread(
    work: Callable[[Item], Result], items: Sequence[Item], address: str, workers: int | None = None, *, gpus: int = 0
) -> Generator[tuple[Item, Result]]:
    """Each item with the result of a function for it, in the order in which they are finished.

    An item whose worker dies is started again by another worker, up to three times.

    Args:
        work: function of one item that can be pickled; its errors are raised here.
        items: items of the work; each should take seconds at least.
        address: address of the cluster, see `cluster`.
        workers: number of processes of a local cluster, see `cluster`.
        gpus: number of GPUs that one item takes.

    Raises:
        ProblemError: C02 no cluster, D37 the workers of an item died again and again.
    """
    with cluster(address, workers) as ray:
        remote = ray.remote(max_retries=TRIES, num_gpus=gpus)(_call)
        shared = ray.put(work)
        waiting: dict[Any, Item] = {remote.remote(shared, item): item for item in items}
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            item = waiting.pop(done)
            try:
                result = ray.get(done)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError) as error:
                found = "workers that were killed again and again"
                fix = "run again, with fewer workers where memory is short"
                raise ProblemError(Problem("D37", found, "a run to its end", fix)) from error
            if isinstance(result, ProblemError):
                raise result
            yield item, result


def _call(work: Callable[[Item], Result], item: Item) -> Result | ProblemError:
    try:
        return work(item)
    except ProblemError as error:
        return error


def _refuse_silence(address: str) -> None:
    """Refuse an address that does not answer, which Ray would try for ever."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise _no_cluster(address, os_reason(error)) from error


def _no_cluster(address: str, found: str) -> ProblemError:
    fix = "start one with `ray start --head`, or use --address local"
    return ProblemError(Problem("C02", f"--address {address}: {found}", "a running Ray cluster", fix))
