"""One ranked table of many scores, with what their split leaves open."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abawbench.base.notebook import NotebookTable
from abawbench.base.number_text import format_figure, format_interval
from abawbench.base.problems import Problem, inert
from abawbench.base.rules import RULES
from abawbench.challenges import Challenge
from abawbench.organisers.batch.judge import Judged
from abawbench.scoring import Score
from abawbench.scoring.criteria import Path, figure_name, flat, part_of
from abawbench.scoring.intervals import figure_left_out, quoted
from abawbench.scoring.ranks import rank_ranges, separated
from abawbench.table import Floats

# first characters with which a spreadsheet takes a cell for a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, eq=False)
class Standing:
    """The place of one prediction.

    Attributes:
        name: name of the prediction.
        rank: rank, 1 for the highest figure; equal figures share the better one.
        best: best rank that the split leaves open.
        worst: worst rank that the split leaves open.
        tier: from 1; every prediction of a tier is not separated from its leader.
        value: the figure that ranks.
        interval: the interval to quote of it; None where there is none.
        score: the whole score.
        problems: notes on the prediction.
    """

    name: str
    rank: int
    best: int
    worst: int
    tier: int
    value: float
    interval: tuple[float, float] | None
    score: Score
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """The place, and the score as `abawbench score --json` prints it."""
        return {
            "name": self.name,
            "rank": self.rank,
            "range": [self.best, self.worst],
            "tier": self.tier,
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "flags": list(self.score.flags),
            "problems": [problem.to_json() for problem in self.problems],
            **{key: value for key, value in self.score.to_json().items() if key not in {"challenge", "fingerprint"}},
        }


@dataclass(frozen=True, eq=False)
class Ranking:
    """All predictions: those that are scored, the best first, and those that are refused.

    Attributes:
        challenge: id of the challenge.
        fingerprint: fingerprint of the challenge's definition.
        figure: path of the figure that ranks: the score or, where the challenge has none, the first defined figure.
        standings: the scored predictions; those with equal figures in the order of their names.
        refused: the refused predictions, in the order of their names.
        unread: names of files in the folder that are no predictions.
        notes: what is odd about the folder.
    """

    challenge: str
    fingerprint: str
    figure: Path
    standings: tuple[Standing, ...]
    refused: tuple[Judged, ...]
    unread: tuple[str, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of the score, where there are several."""
        terms = tuple(self.standings[0].score.terms) if self.standings else ()
        return terms if len(terms) > 1 else ()

    def to_json(self) -> dict[str, Any]:
        """challenge, fingerprint, figure, predictions (`Standing.to_json`), refused (name, problems), unread."""
        return {
            "challenge": self.challenge,
            "fingerprint": self.fingerprint,
            "figure": ".".join(self.figure),
            "predictions": [standing.to_json() for standing in self.standings],
            "refused": [
                {"name": judged.name, "problems": [problem.to_json() for problem in judged.problems]}
                for judged in self.refused
            ],
            "unread": list(self.unread),
        }

    def to_csv(self) -> str:
        """One line for each prediction: figures with all digits; of a refused one the first problem.

        Names are inert, and none is taken for a formula by a spreadsheet.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        bounds = [f"{term}{end}" for term in self.terms for end in ("", "_low", "_high")]
        heads = ["rank", "best_rank", "worst_rank", "tier", "name", figure_head(self.figure), "low", "high"]
        writer.writerow([*heads, *bounds, "rule", "problem"])
        for one in self.standings:
            cells: list[Any] = [one.rank, one.best, one.worst, one.tier, _cell(one.name), repr(one.value)]
            cells += _numbers(one.interval)
            for term in self.terms:
                interval = quoted(one.score.intervals["terms"][term])
                value = one.score.terms[term]
                cells += ["" if value is None else repr(value), *_numbers(None if interval is None else interval[1])]
            writer.writerow([*cells, "", ""])
        for judged in self.refused:
            problem = first_problem(judged)
            empty = [""] * (len(heads) - 5 + len(bounds))
            writer.writerow(["", "", "", "", _cell(judged.name), *empty, problem.rule, _cell(describe(problem))])
        return out.getvalue()

    def _repr_html_(self) -> str:
        return self._shown().html()

    def _repr_markdown_(self) -> str:
        return self._shown().markdown()

    def _shown(self) -> NotebookTable:
        rows = [
            [
                inert(one.name),
                str(one.rank),
                f"{one.best} to {one.worst}",
                format_figure(one.value),
                format_interval(one.interval),
                *(format_figure(one.score.terms[term]) for term in self.terms),
            ]
            for one in self.standings
        ]
        title = f"{self.challenge}: {len(self.standings):,} predictions, {len(self.refused):,} refused"
        notes = [f"{inert(one.name)}: {describe(first_problem(one))}" for one in self.refused]
        heads = ["", "rank", "range", figure_name(self.figure), "interval", *self.terms]
        return NotebookTable(title, heads, rows, notes)


def rank(challenge: Challenge, judged: Sequence[Judged]) -> Ranking:
    """Rank the predictions that `score_many` has scored; the order in which they are given does not matter.

    The range of a rank leaves out what the videos (or subjects) exclude: two predictions are separated where the
    jackknife interval of their difference excludes 0, at one error rate for all pairs, as `scoring.ranks.separated`
    says.

    Args:
        challenge: the challenge.
        judged: what became of each prediction, all of the same truth.
    """
    refused = tuple(sorted((one for one in judged if one.score is None), key=lambda one: one.name))
    scored = [(one, one.score) for one in sorted(judged, key=lambda one: one.name) if one.score is not None]
    if not scored:
        return Ranking(challenge.id, challenge.fingerprint, ("score",), (), refused)
    figure, points = _figures([score for _, score in scored])
    without = np.stack(
        [figure_left_out(challenge, one.statistics, figure, unit=one.intervals["unit"]) for _, one in scored]
    )
    # how probable each rank is would take resamples of all predictions together
    no_samples = np.empty((len(scored), 0))
    ranks = rank_ranges(points, no_samples, above=separated(points, without))
    standings: list[Standing] = []
    for place in np.argsort(-points, kind="stable").tolist():
        one, score = scored[place]
        interval = quoted(part_of(score.intervals, figure))
        low, high = (None, None) if interval is None else interval[1]
        standings.append(
            Standing(
                name=one.name,
                rank=int(ranks.ranks[place]),
                best=int(ranks.ranges[place, 0]),
                worst=int(ranks.ranges[place, 1]),
                tier=int(ranks.tiers[place]),
                value=float(points[place]),
                interval=None if low is None or high is None else (low, high),
                score=score,
                problems=one.problems,
            )
        )
    return Ranking(challenge.id, challenge.fingerprint, figure, tuple(standings), refused)


def first_problem(judged: Judged) -> Problem:
    """The first problem for which a prediction was refused."""
    return next((problem for problem in judged.problems if not problem.is_note), judged.problems[0])


def describe(problem: Problem) -> str:
    """A problem in one inert line: rule, title, line, what was found and what is expected."""
    line = "" if problem.line is None else f"line {problem.line:,}: "
    times = "" if problem.count == 1 else f", {problem.count:,} times"
    title = RULES[problem.rule].title
    return inert(f"{problem.rule} {title}{times}: {line}found {problem.found}; expected {problem.expected}")


def figure_head(figure: Path) -> str:
    """The name of a figure at the head of a column."""
    return figure[-1]


def _figures(scores: Sequence[Score]) -> tuple[Path, Floats]:
    """The path of the figure that ranks, which the truth decides, and its value for each score."""
    first = scores[0]
    figures = flat({"score": first.score, "terms": first.terms, "metrics": first.metrics})
    path = next(path for path, value in figures.items() if value is not None)
    trees = ({"score": one.score, "terms": one.terms, "metrics": one.metrics} for one in scores)
    return path, np.array([part_of(tree, path) for tree in trees], np.float64)


def _numbers(interval: tuple[float, float] | Sequence[float] | None) -> list[str]:
    return ["", ""] if interval is None else [repr(interval[0]), repr(interval[1])]


def _cell(text: str) -> str:
    """A text from outside that no spreadsheet takes for a formula."""
    shown = inert(text)
    return f"'{shown}" if shown.startswith(FORMULA) else shown
