"""The figures of a record, each with its interval, its range, and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from abawbench.base.problems import Problem, ProblemError
from abawbench.challenges import Challenge, get
from abawbench.records.model import Record
from abawbench.records.quote import is_in_sample, quote
from abawbench.scoring.criteria import Path, criterion_of, spans

SCORE: Path = ("score",)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a record.

    Attributes:
        path: its place in the record, as `("metrics", "ccc_valence")`.
        criterion: criterion that it is of, as `f1`; the name of the metric for the score and its terms.
        low: least possible value.
        high: greatest possible value.
        value: the value.
        interval: kind of the interval to quote, and its bounds; None where there is none.
    """

    path: Path
    criterion: str
    low: float
    high: float
    value: float
    interval: tuple[str, Sequence[float]] | None

    @property
    def name(self) -> str:
        """Its place in dotted form, without the word `metrics`."""
        return ".".join(self.path[1:] if self.path[0] == "metrics" else self.path)


def figures_of(record: Record) -> tuple[Figure, ...]:
    """The figures to quote of a record: the score, its terms, and what is reported beside it.

    Raises:
        ProblemError: C02, values were tuned on the scored videos, and are not cross-fitted.
    """
    if is_in_sample(record):
        found, expected = f"in-sample figures of {record.entry}", "figures that can be quoted"
        fix = "score it on videos that its values were not tuned on"
        raise ProblemError(Problem("C02", found, expected, fix))
    figures: list[Figure] = []
    for path, (criterion, low, high) in _described(get(record.challenge)).items():
        own = quote(record, path)
        if own is not None:
            figures.append(Figure(path, criterion, low, high, own.value, own.interval))
    return tuple(figures)


def _described(challenge: Challenge) -> dict[Path, tuple[str, float, float]]:
    """Criterion and range of every figure of a challenge, the score first."""
    metric, ranges = challenge.metric, spans(challenge)
    whole = [SCORE, *(("terms", term.task) for term in metric.terms)] if metric.terms else []
    criteria = dict.fromkeys(whole, metric.id) | dict(_reported(challenge))
    return {path: (criterion, *ranges[path]) for path, criterion in criteria.items()}


def _reported(challenge: Challenge) -> Iterator[tuple[Path, str]]:
    for task in challenge.tasks:
        term = challenge.metric.term(task.name)
        named = (
            *challenge.metric.reports(task.name).criteria,
            *(part.criterion for part in (term.parts if term else ())),
        )
        for name in dict.fromkeys(named):
            criterion = criterion_of(task, name)
            whole = criterion.whole_path(task)
            for path in (*(() if whole is None else (whole,)), *criterion.part_paths(task)):
                yield path, name
