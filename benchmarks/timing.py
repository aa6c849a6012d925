"""Whole processes and functions in turn, so that a drift of the machine meets all of them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Median seconds of a run, and the largest resident memory in MiB (0 where not measured)."""

    seconds: float
    peak_mib: float = 0.0


def processes(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Cost]:
    """Wall time and peak memory of whole processes, run in turn after one warm-up of each."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peak = dict.fromkeys(commands, 0.0)
    for run in range(runs + 1):
        for name, command in commands.items():
            begin = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
            if run:
                seconds[name].append(time.perf_counter() - begin)
                peak[name] = max(peak[name], usage.ru_maxrss / 1024)
    return {name: Cost(statistics.median(seconds[name]), peak[name]) for name in commands}


def functions(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Cost]:
    """Wall time of functions, called in turn after one warm-up of each."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(runs + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            if run:
                seconds[name].append(time.perf_counter() - begin)
    return {name: Cost(statistics.median(values)) for name, values in seconds.items()}


def report(title: str, costs: Mapping[str, Cost], ours: str) -> None:
    """Each cost, and how many times ours it is."""
    print(f"\n{title}")
    for name, cost in costs.items():
        memory = f"  {cost.peak_mib:7,.0f} MiB" if cost.peak_mib else ""
        ratio = "" if name == ours else f"  {cost.seconds / costs[ours].seconds:10,.2f} times ours"
        print(f"  {name:<58} {cost.seconds:10.4f} s{memory}{ratio}")


PYTHON = sys.executable
