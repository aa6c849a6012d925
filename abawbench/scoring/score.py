"""The official score of a prediction, with intervals, statistics and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from abawbench.base.notebook import NotebookTable
from abawbench.base.number_text import format_figure, format_interval
from abawbench.base.problems import Problem, ProblemError, remarks
from abawbench.challenges import Challenge
from abawbench.challenges.split_sizes import Counts, SizeOfTruth, official_counts, size_of_truth
from abawbench.fill import MOST_FILLED, Answers, Policy, count_answers, fill, limit_filled
from abawbench.formats.identity import identify
from abawbench.scoring.criteria import evaluate, figure_name, flat, nested, number, part_of
from abawbench.scoring.intervals import USUAL, Resampling, intervals, quoted
from abawbench.scoring.statistics import Statistics, annotated_rows, collect, kind_of, rows_of
from abawbench.table import Alignment, Floats, Mask, Table


@dataclass(frozen=True, eq=False)
class Paired:
    """A truth and its prediction, paired row by row.

    Attributes:
        truth: the annotated rows.
        prediction: one row for each row of `truth`; rows of `unpredicted` hold no prediction of the task.
        alignment: rows of the prediction for the rows of the truth, before filling.
        valid: by task, mask of the rows that are annotated, and so have a prediction, of their own or filled.
        unpredicted: by task, mask of the rows that are not annotated and have no prediction.
        answers: numbers of annotated rows that are predicted and that the fill policy filled.
        notes: what is odd about truth and prediction, and how they were read.
        flags: remarks for the reader of the score; the notes are among them.
    """

    truth: Table
    prediction: Table
    alignment: Alignment
    valid: Mapping[str, Mask]
    unpredicted: Mapping[str, Mask]
    answers: Answers
    notes: tuple[Problem, ...]
    flags: tuple[str, ...]

    @property
    def filled(self) -> Mapping[str, int]:
        """Number of filled rows, by fill policy."""
        return self.answers.policies


@dataclass(frozen=True, eq=False)
class Score:
    """A score and its parts; undefined figures are None.

    Attributes:
        challenge: id of the challenge.
        fingerprint: fingerprint of the challenge's definition.
        score: the official total.
        terms: by task, its part of the total.
        metrics: figures by name; those of classes, units and emotions are one level down.
        rows: numbers of rows: truth, predicted, valid by task, and where a policy filled some, `fill.Answers`.
        counts: size of the truth.
        size: what the size of the truth says about the data.
        official: by split, its known counts; see `split_sizes.official_counts`.
        intervals: intervals of score, terms and metrics; see `intervals.intervals`.
        flags: remarks for the reader: degenerate cases, fills, how rows were matched.
        statistics: additive statistics by cluster.
        filled: number of filled rows, by fill policy.
        notes: what is odd about truth and prediction, and how they were read; the flags have them in words.
    """

    challenge: str
    fingerprint: str
    score: float | None
    terms: Mapping[str, float | None]
    metrics: Mapping[str, float | Mapping[str, float | None] | None]
    rows: Mapping[str, Any]
    counts: Counts
    size: SizeOfTruth
    official: Mapping[str, Mapping[str, Any]]
    intervals: Mapping[str, Any]
    flags: tuple[str, ...]
    statistics: Statistics
    filled: Mapping[str, int]
    notes: tuple[Problem, ...] = ()

    def _repr_html_(self) -> str:
        return self._shown().html()

    def _repr_markdown_(self) -> str:
        return self._shown().markdown()

    def _shown(self) -> NotebookTable:
        """Score, terms and figures with the interval to quote of each."""
        terms = {"terms": self.terms} if len(self.terms) > 1 else {}
        rows: list[list[str]] = []
        for path, value in flat({"score": self.score, **terms, "metrics": self.metrics}).items():
            bounds = quoted(part_of(self.intervals, path))
            within = format_interval(None if bounds is None else bounds[1])
            rows.append([figure_name(path), format_figure(value), within])
        head = self.intervals
        size = f"{self.challenge}: {self.counts.rows:,} rows, intervals over {head['clusters']:,} {head['unit']}s"
        notes = [*self.flags, *([str(head["warning"])] if head["warning"] else [])]
        return NotebookTable(size, ["", "value", f"{head['level']:.0%} interval"], rows, notes)

    def size_to_json(self) -> dict[str, Any]:
        """The counts of the truth, what they say about the data, and the official counts of each split."""
        return {**asdict(self.size), "truth": asdict(self.counts), "official": dict(self.official)}

    def to_json(self) -> dict[str, Any]:
        """The score as plain data, with the keys challenge, fingerprint, score, terms, metrics, rows and intervals."""
        return {
            "challenge": self.challenge,
            "fingerprint": self.fingerprint,
            "score": self.score,
            "terms": dict(self.terms),
            "metrics": dict(self.metrics),
            "rows": dict(self.rows),
            "intervals": dict(self.intervals),
        }


def pair(
    challenge: Challenge,
    truth: Table,
    prediction: Table,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
) -> Paired:
    """Pair a truth with its prediction, in the order of the truth.

    Args:
        challenge: the challenge.
        truth: annotated rows.
        prediction: rows with the same keys, in any order.
        missing: fill policy for annotated rows that have no prediction.
        allow_filled: greatest share of filled rows among the annotated ones, from 0 to 1.

    Raises:
        ProblemError: T01 annotated rows without prediction and V04 rows of sentinels (policy `error`), T02 surplus
            rows, T03 or T06 it is not clear which row of the truth a prediction is (as in `formats.identity`), T10
            nothing to score, T12 too many rows are filled.
    """
    flags: list[str] = []
    valid: dict[str, Mask] = {}
    for task in challenge.tasks:
        valid[task.name], partly = annotated_rows(task, truth)
        if partly:
            flags.append(
                f"T11 {partly:,} rows are annotated for some columns of {task.name} only: left out as whole rows; "
                "--lens gives the other reading"
            )
    if not any(mask.any() for mask in valid.values()):
        fix = "give the truth, not a list"
        raise ProblemError(Problem("T10", "no annotated row", "annotated rows in the truth", fix, truth.source))
    annotated = np.logical_or.reduce(list(valid.values()))
    known = identify(challenge, prediction, truth, annotated)
    prediction, alignment = known.table, known.alignment
    surplus = None if prediction.is_store else _surplus(truth, prediction, alignment)
    if surplus is not None:
        flags.append(surplus)
    missing_rows = alignment.rows < 0
    lacking = prediction.unanswered()
    # a row that is missing is filled as a whole
    needed = {task: mask | (missing_rows & annotated) for task, mask in valid.items()}
    answers = Answers(int(annotated.sum()), 0, {}, ())
    notes = (*truth.notes, *prediction.notes)
    nowhere: Mask = missing_rows & ~annotated
    unpredicted = dict.fromkeys(valid, nowhere)
    if lacking or missing_rows.any():
        aligned, counts = fill(prediction, truth, missing, needed, alignment=alignment, option="--missing")
        unpredicted |= {task: (missing_rows | rows[alignment.rows]) & ~needed[task] for task, rows in lacking.items()}
        if counts and aligned.filled is not None:
            called_for = np.flatnonzero(annotated)
            answers = count_answers(truth.take(called_for), aligned.filled[called_for], counts)
            notes = (*notes, *limit_filled(answers, allow_filled, prediction.source))
            flags.append(f"rows without prediction were filled: {answers.describe()}")
    else:
        aligned = prediction if alignment.same_order else prediction.take(alignment.rows)
    if not missing_rows.any() and not alignment.same_order and (np.diff(alignment.rows) < 0).any():
        flags.append("N04 rows were in another order than the truth and were matched by name")
    return Paired(truth, aligned, alignment, valid, unpredicted, answers, notes, (*remarks(notes), *flags))


def _surplus(truth: Table, prediction: Table, alignment: Alignment) -> str | None:
    """A flag for one line more than a unit has annotations; every other surplus row is an error."""
    if not len(alignment.surplus):
        return None
    last = np.full(len(truth.videos), -1, np.int64)
    np.maximum.at(last, truth.video, truth.frame)
    index = {name: place for place, name in enumerate(truth.videos)}
    places = np.array([index.get(name, -1) for name in prediction.videos])[prediction.video[alignment.surplus]]
    behind = (places >= 0) & (prediction.frame[alignment.surplus] == last[places] + 1)
    behind &= prediction.frame[alignment.surplus] > 0
    wrong = alignment.surplus[~behind]
    if len(wrong):
        raise ProblemError(
            *(
                Problem(
                    "T02",
                    prediction.name(int(row)),
                    f"only rows of the truth ({len(wrong):,} rows are not in it)",
                    "score against the truth of the same split, or leave these rows out",
                    prediction.source,
                    count=len(wrong),
                )
                for row in wrong[:3]
            )
        )
    # editions 1 to 3 count one frame more than the container says
    return f"{int(behind.sum()):,} units have one line more than the truth; it is not scored"


def score(
    challenge: Challenge,
    truth: Table,
    prediction: Table,
    *,
    missing: Policy = "error",
    allow_filled: float = MOST_FILLED,
    resampling: Resampling = USUAL,
    split: str | None = None,
) -> Score:
    """Score two tables, with intervals; options as for `abawbench.score`.

    Raises:
        ProblemError: the problems that `pair` raises; C02, a scored video has no subject.
    """
    paired = pair(challenge, truth, prediction, missing=missing, allow_filled=allow_filled)
    return score_paired(challenge, paired, resampling, split)


def score_paired(
    challenge: Challenge, paired: Paired, resampling: Resampling = USUAL, split: str | None = None
) -> Score:
    """Score rows that are already paired; options as for `score`."""
    statistics = collect(challenge, paired.truth, paired.prediction, valid=paired.valid)
    if resampling.subjects is not None:
        statistics = by_subject(statistics, resampling.subjects)
    total = statistics.total
    nowhere = np.logical_and.reduce(list(paired.unpredicted.values()))
    figures = evaluate(challenge, total, statistics.pilots)
    tree = nested({path: number(value[()]) for path, value in figures.items()})
    flags = [*paired.flags, *_degenerate(challenge, statistics, total)]
    counts = _counts(paired)
    return Score(
        challenge=challenge.id,
        fingerprint=challenge.fingerprint,
        score=tree["score"],
        terms=tree.get("terms", {}),
        metrics=tree["metrics"],
        rows={
            "truth": counts.rows,
            "predicted": int(len(paired.truth) - nowhere.sum() - sum(paired.filled.values())),
            "valid": {task.name: int(rows_of(task, total[task.name])) for task in challenge.tasks},
            **({"answers": paired.answers.to_json()} if paired.filled else {}),
        },
        counts=counts,
        size=size_of_truth(challenge, counts, split=split, source=paired.truth.source),
        official={name: official_counts(challenge, name) for name in challenge.sizes},
        intervals=intervals(
            challenge, statistics, unit=resampling.unit, resamples=resampling.resamples, seed=resampling.seed
        ),
        flags=tuple(flags),
        statistics=statistics,
        filled=paired.filled,
        notes=paired.notes,
    )


def _counts(paired: Paired) -> Counts:
    truth, valid = paired.truth, paired.valid
    return Counts(
        units=int(np.count_nonzero(np.bincount(truth.video, minlength=1))),
        rows=len(truth),
        labelled=int(np.count_nonzero(np.logical_or.reduce(list(valid.values())))),
        valid={task: int(np.count_nonzero(mask)) for task, mask in valid.items()},
    )


def by_subject(statistics: Statistics, subjects: Mapping[str, str]) -> Statistics:
    """Add up statistics by subject.

    Raises:
        ProblemError: C02, a video has no subject.
    """
    of_group = subjects_of(statistics.groups, subjects)
    place: dict[str, int] = {}
    index = np.array([place.setdefault(subject, len(place)) for subject in of_group], np.int64)
    return statistics.merged(index, tuple(place))


def subjects_of(videos: Sequence[str], subjects: Mapping[str, str]) -> list[str]:
    """The subject of each video. Raises: ProblemError C02, a video has none."""
    without = [video for video in videos if video not in subjects]
    if without:
        found, expected = f"no subject for {', '.join(without[:3])}", "a subject for every video"
        raise ProblemError(Problem("C02", found, expected, "add a line 'video,subject' for each", count=len(without)))
    return [subjects[video] for video in videos]


def _degenerate(challenge: Challenge, statistics: Statistics, total: Mapping[str, Floats]) -> Iterator[str]:
    """Remarks on figures that are undefined, or defined by a rule for degenerate cases."""
    for task in challenge.tasks:
        sums = total[task.name]
        if not rows_of(task, sums):
            yield f"{task.name}: no annotated row, so no figure, and no total that needs it"
        else:
            yield from kind_of(task).remarks(task, sums, statistics.pilots.get(task.name))
    if not challenge.metric.terms:
        yield f"{challenge.id}: the official metric is not settled, so there is no score; --lens gives the readings"
