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
    """Seconds that runs took.

    Attributes:
        seconds: median duration.
        least: least duration.
        processor: least processor time, summed over cores; other programs on the machine change it little.
        peak_mib: largest resident memory in MiB; 0 if it was not measured.
    """

    seconds: float
    least: float
    processor: float
    peak_mib: float = 0.0

    @staticmethod
    def of(runs: Sequence[tuple[float, float]], peak_mib: float = 0.0) -> Cost:
        """The cost of runs of these durations and processor times."""
        seconds, processor = zip(*runs, strict=True)
        return Cost(statistics.median(seconds), min(seconds), min(processor), peak_mib)


# a small process of its own starts the command; otherwise the memory of the benchmark itself would count
LAUNCHER = """
import json, os, resource, subprocess, sys, time
begin = time.perf_counter()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
seconds = time.perf_counter() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


def process(command: Sequence[str]) -> tuple[float, float, float]:
    """Wall time, processor time and peak memory in MiB of a whole process. Raises: RuntimeError, it fails."""
    output = subprocess.run([PYTHON, "-c", LAUNCHER, *command], capture_output=True, check=True).stdout
    code, seconds, processor, memory = json.loads(output)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return seconds, processor, memory


def processes(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Cost]:
    """Cost of whole processes, run in turn after one warm-up of each."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    peak = dict.fromkeys(commands, 0.0)
    for run in range(runs + 1):
        for name, command in commands.items():
            seconds, processor, memory = process(command)
            if run:
                times[name].append((seconds, processor))
                peak[name] = max(peak[name], memory)
    return {name: Cost.of(times[name], peak[name]) for name in commands}


def functions(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Cost]:
    """Cost of functions without their memory, called in turn after one warm-up of each."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for run in range(runs + 1):
        for name, call in calls.items():
            begin, processor = time.perf_counter(), time.process_time()
            call()
            if run:
                times[name].append((time.perf_counter() - begin, time.process_time() - processor))
    return {name: Cost.of(values) for name, values in times.items()}


def report(title: str, costs: Mapping[str, Cost], ours: str) -> None:
    """Print the durations and processor time of each way, and their ratios to ours."""
    print(f"\n{title}\n  {'':58} {'median':>10}  {'least':>10}  {'processor':>10}")
    for name, cost in costs.items():
        memory = f"  {cost.peak_mib:7,.0f} MiB" if cost.peak_mib else ""
        print(f"  {name:<58} {cost.seconds:10.4f}s {cost.least:10.4f}s {cost.processor:10.4f}s{memory}")
        if name != ours:
            own = costs[ours]
            ratios = (cost.seconds / own.seconds, cost.least / own.least, cost.processor / own.processor)
            print(f"  {'    times ours':<58} " + "  ".join(f"{ratio:10,.2f}" for ratio in ratios))
