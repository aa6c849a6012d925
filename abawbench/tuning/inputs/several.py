"""Reading several predictions for one truth, with the problems of all of them reported at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge
from abawbench.scoring.score import Paired, by_subject
from abawbench.scoring.statistics import Statistics, collect, pilots_of

Source = TypeVar("Source")
Read = TypeVar("Read")


def read_each(sources: Iterable[Source], read: Callable[[Source], Read]) -> list[Read]:
    """Read every source, and refuse all bad ones together, each with its first problem of each rule.

    Args:
        sources: what is to be read.
        read: function that reads one source.

    Raises:
        ProblemError: the problems of all sources that cannot be read.
    """
    results: list[Read] = []
    problems: dict[tuple[int, str], Problem] = {}
    for place, source in enumerate(sources):
        try:
            results.append(read(source))
        except ProblemError as error:
            for problem in error.problems:
                problems.setdefault((place, problem.rule), problem)
    if problems:
        raise ProblemError(*problems.values())
    return results


def comparable_statistics(
    challenge: Challenge, paired: Paired, subjects: Mapping[str, str] | None = None
) -> Statistics:
    """Collect statistics by video (or subject) about the means of the truth, so that predictions share their pilots.

    Groups without a valid row are left out; these are the same for every prediction of one truth.
    """
    truth = paired.truth
    pilots = {
        task.name: pilots_of(task, truth, truth, paired.valid[task.name]) for task in challenge.tasks if task.is_real
    }
    statistics = collect(challenge, truth, paired.prediction, valid=paired.valid, pilots=pilots)
    statistics = statistics.by_video if subjects is None else by_subject(statistics, subjects)
    return statistics.counted
