"""Scores of many predictions: in this process, on several, or on the workers of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from abawbench.base.installed import missing_library
from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.fill import MOST_FILLED, Policy
from abawbench.formats.lists import read_list
from abawbench.organisers.batch.judge import Job, Judged, judge
from abawbench.organisers.batch.scratch import scratch_folder
from abawbench.organisers.batch.sources import Source
from abawbench.scoring.intervals import USUAL, Resampling
from abawbench.table import Table

# fewer predictions are scored sooner than another process starts
FEW = 8
# number of predictions that a worker of a cluster gets at a time
GROUP = 8
INTERRUPTED = Problem(
    "O55",
    "a process that was ended from outside",
    "processes that end by themselves",
    "start it again, with fewer workers if memory is short",
)
Engine = Literal["local", "ray"]
Item = tuple[str, Source]

# what a worker process works on
_process: dict[str, Job] = {}


def score_many(
    challenge: Challenge,
    truth: Table,
    sources: Mapping[str, Source],
    *,
    template: Path | None = None,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resampling: Resampling = USUAL,
    split: str | None = None,
    workers: int | None = None,
    engine: Engine = "local",
    address: str | None = None,
    tick: Callable[[int], None] = lambda _: None,
    keep: Callable[[Judged], None] = lambda _: None,
) -> tuple[Judged, ...]:
    """Score many predictions of the same truth, each exactly as `abawbench.score` does.

    The result does not depend on the engine, on the number of workers, or on the order in which they finish.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        sources: by name, a file, a folder of files of units, a prediction store, a zip of one trial, or a `Packed`
            trial. On a cluster, every machine sees them under the same paths.
        template: the organisers' list. If it is given, predictions are checked against it first, and what `check`
            refuses is not scored.
        missing: fill policy for annotated rows without a prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.
        resampling: number of resamples (0 for the jackknife alone), their seed, and the subjects to resample, if any.
        split: split of the truth; by default the one that fits, or all.
        workers: number of processes; by default one for each core, or one alone for fewer than eight predictions.
        engine: `ray` for the workers of a Ray cluster.
        address: address of the cluster, see `base.ray_pool.cluster`; by default one is started here.
        tick: called with the number of predictions that were judged since the last call.
        keep: called with what became of each prediction, as they are done.

    Returns:
        What became of each prediction, in the order of `sources`. What is wrong with one is in its problems.

    Raises:
        ProblemError: the problems of the list; O55, a process was ended from outside; C02 there is no cluster, D53 Ray
            is not installed.
    """
    if template is not None:
        read_list(challenge, template)
    job = Job(challenge, truth, template, missing, allow_filled, resampling, split)
    items = list(sources.items())
    if workers is None:
        workers = 1 if len(items) < FEW else os.cpu_count() or 1
    judged = _on_cluster(job, items, address, workers) if engine == "ray" else _here(job, items, workers)
    by_name: dict[str, Judged] = {}
    for one in judged:
        by_name[one.name] = one
        keep(one)
        tick(1)
    return tuple(by_name[name] for name in sources)


def _here(job: Job, items: Sequence[Item], workers: int) -> Iterator[Judged]:
    from concurrent.futures.process import BrokenProcessPool

    from abawbench.base.process_pool import in_processes

    with scratch_folder() as scratch:
        own = replace(job, scratch=scratch)
        if workers == 1 or len(items) < 2:
            for name, source in items:
                yield judge(own, name, source)
            return
        try:
            # the truth goes to each process once, not along with every prediction
            for _, judged in in_processes(_judge_item, items, workers, scratch, partial(_begin, own)):
                yield judged
        except BrokenProcessPool as error:
            raise ProblemError(INTERRUPTED) from error


def _begin(job: Job) -> None:
    """Keep the job in this process, and let Arrow use one thread, as every core has a process."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    _process["job"] = job


def _judge_item(item: Item) -> Judged:
    return judge(_process["job"], *item)


def _on_cluster(job: Job, items: Sequence[Item], address: str | None, workers: int | None) -> Iterator[Judged]:
    from abawbench.base.ray_pool import LOCAL, spread

    groups = [tuple(items[begin : begin + GROUP]) for begin in range(0, len(items), GROUP)]
    try:
        for _, judged in spread(partial(_judge_group, job), groups, address or LOCAL, workers):
            yield from judged
    except ModuleNotFoundError as error:
        problem = missing_library(error)
        if problem is None:
            raise
        raise ProblemError(problem) from error
    except ProblemError as error:
        # workers that died again and again
        raise ProblemError(*(INTERRUPTED if one.rule == "D37" else one for one in error.problems)) from error


def _judge_group(job: Job, group: Iterable[Item]) -> list[Judged]:
    return [judge(job, name, source) for name, source in group]
