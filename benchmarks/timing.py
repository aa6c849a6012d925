"""Timing of whole processes and functions, which run in turn so that a drift of the machine affects all of them."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PYTHON = sys.executable


@dataclass(frozen=True, slots=True)
class Cost:
    """Durations of the runs in seconds: their median and the least.

    `peak_mib` is the largest resident memory in MiB, 0 if it was not measured.
    """

    seconds: float
    least: float
    peak_mib: float = 0.0

    @staticmethod
    def of(seconds: Sequence[float], peak_mib: float = 0.0) -> Cost:
        """The cost of runs that took so many seconds."""
        return Cost(statistics.median(seconds), min(seconds), peak_mib)


# a small process of its own starts the command; otherwise the memory of the benchmark itself would count
LAUNCHER = """
import json, os, resource, subprocess, sys, time
begin = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
seconds = time.perf_counter() - begin
print(json.dumps([code, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""


def processes(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Cost]:
    """Wall time and peak memory of whole processes, run in turn after one warm-up of each."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peak = dict.fromkeys(commands, 0.0)
    for run in range(runs + 1):
        for name, command in commands.items():
            output = subprocess.run([PYTHON, "-c", LAUNCHER, *command], capture_output=True, check=True).stdout
            code, duration, memory = json.loads(output)
            if code:
                raise RuntimeError(f"{' '.join(command)} ended with {code}")
            if run:
                seconds[name].append(duration)
                peak[name] = max(peak[name], memory)
    return {name: Cost.of(seconds[name], peak[name]) for name in commands}


def functions(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Cost]:
    """Wall time of functions, called in turn after one warm-up of each."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(runs + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            if run:
                seconds[name].append(time.perf_counter() - begin)
    return {name: Cost.of(values) for name, values in seconds.items()}


def report(title: str, costs: Mapping[str, Cost], ours: str) -> None:
    """Print each cost, median and least duration, and their ratios to ours."""
    print(f"\n{title}")
    for name, cost in costs.items():
        memory = f"  {cost.peak_mib:7,.0f} MiB" if cost.peak_mib else ""
        ratios = [cost.seconds / costs[ours].seconds, cost.least / costs[ours].least]
        ratio = "" if name == ours else f"  {ratios[0]:10,.2f} times ours (least {ratios[1]:,.2f})"
        print(f"  {name:<58} {cost.seconds:10.4f} s (least {cost.least:.4f}){memory}{ratio}")
