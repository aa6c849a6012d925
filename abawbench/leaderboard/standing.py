"""Places of rows: rank ranges and tiers, from what resampling or the number of videos leaves open."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from abawbench.challenges import Categorical, Challenge, Continuous, MultiLabel, Task
from abawbench.leaderboard.columns import COLUMNS
from abawbench.leaderboard.rows import Row, Section, part_of_score
from abawbench.table import Floats

Basis = Literal["resamples", "intervals", "videos", ""]
BASES: Mapping[Basis, str] = {
    "resamples": "come from comparing the records video by video, as they were scored on one truth",
    "intervals": "are approximate: from the records' intervals, as if their errors were independent",
    "videos": "are approximate: standard errors are assumed from the number of videos, with a correlation of 0.5",
    "": "are not known: no source gives the number of videos, or the rows have another measure",
}
LEVEL = 0.95
RESAMPLES = 4000
# share of the greatest error that a mean over videos can have, by kind of task: the largest that a committed record of
# abaw4-mtl asks for, rounded up; a class that few videos have makes a macro F1 vary more than a mean
SHARES: Mapping[type[Task], float] = {Continuous: 0.65, Categorical: 1.6, MultiLabel: 0.6}
# correlation of the errors of rows that were scored on the same videos; 0.54 to 0.95 among the same records
SHARED = 0.5
# half-width of a 95 % interval in standard errors
HALF_WIDTH = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a row among the ranked rows of its section.

    Attributes:
        best: best rank that the data leave open.
        worst: worst rank that they leave open.
        tier: tier from 1; rows of a tier are not told apart from its highest row.
        error: standard error of the score; None where records of one truth gave the places.
    """

    best: int
    worst: int
    tier: int
    error: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The places of a section's rows.

    Attributes:
        basis: what the places rest on; empty where there are none.
        places: by row of the section, None for a row that cannot be ranked.
    """

    basis: Basis
    places: tuple[Place | None, ...]

    @property
    def text(self) -> str:
        """What the places rest on, in words."""
        return BASES[self.basis]


def standing(section: Section, challenge: Challenge | None, controls: Iterable[int] = ()) -> Standing:
    """Find the places of a section's rows.

    Rows whose records were scored on one truth are resampled together. Elsewhere a row has the standard error of its
    interval, or, if it is published, the one of `assumed_error`.

    Args:
        section: the rows, the highest first.
        challenge: their challenge; None for rows of no challenge of the catalogue.
        controls: numbers of the rows that are negative controls, which have no place.
    """
    from abawbench.scoring.ranks import rank_ranges, rank_ranges_from, separated

    unranked = Standing("", (None,) * len(section.rows))
    if challenge is None or section.ordered_by != "score" or not challenge.metric.terms:
        return unranked
    left_out = set(controls)
    ranked = [place for place, row in enumerate(section.rows) if place not in left_out and not math.isnan(row.position)]
    rows = [section.rows[place] for place in ranked]
    if not rows:
        return unranked
    points = [row.position for row in rows]
    together = _together(rows, challenge)
    if together is not None:
        basis, errors = "resamples", [None] * len(rows)
        samples, without = together
        ranks = rank_ranges(points, samples, above=separated(points, without, level=LEVEL))
    else:
        errors = [_error(row, challenge) for row in rows]
        known = [error for error in errors if error is not None]
        if len(known) < len(rows):
            return unranked
        if all(row.record is not None for row in rows):
            basis, ranks = "intervals", rank_ranges_from(points, known, level=LEVEL, resamples=RESAMPLES)
        else:
            basis, ranks = "videos", rank_ranges(points, _assumed_samples(points, known), level=LEVEL)
    places: list[Place | None] = [None] * len(section.rows)
    for place, (best, worst), tier, error in zip(
        ranked, ranks.ranges.tolist(), ranks.tiers.tolist(), errors, strict=True
    ):
        places[place] = Place(best, worst, tier, error)
    return Standing(basis, tuple(places))


def _together(rows: Sequence[Row], challenge: Challenge) -> tuple[Floats, Floats] | None:
    """Scores of records of one truth in the same resamples, and with the same cluster left out; None for other rows.

    A row that shows the cross-fitted score in place of the record's own is another row, too.

    Returns:
        Shape (rows, resamples) and (rows, clusters).
    """
    import numpy as np

    from abawbench import records
    from abawbench.metrics.bootstrap import left_out, resampled
    from abawbench.scoring.criteria import evaluate

    made = [row.record for row in rows if row.record is not None]
    truths = {(record.truth_sha256, tuple(record.statistics.groups)) for record in made}
    is_own = all(row.record is not None and row.position == row.record.score for row in rows)
    if not is_own or len(truths) > 1 or len(made[0].statistics.groups) < 2:
        return None
    tables = [records.statistics_of(record) for record in made]
    # one call for all, so that every row meets the same resamples
    sums = {f"{place} {task}": cube for place, one in enumerate(tables) for task, cube in one.tasks.items()}

    def scores(drawn: Mapping[str, Floats]) -> dict[int, Floats]:
        return {
            place: evaluate(challenge, {task: drawn[f"{place} {task}"] for task in one.tasks}, one.pilots)[("score",)]
            for place, one in enumerate(tables)
        }

    found = resampled(sums, scores, resamples=RESAMPLES, seed=0), left_out(sums, scores)
    samples, without = (np.stack([one[place] for place in range(len(tables))]) for one in found)
    return samples, without


def _assumed_samples(points: Sequence[float], errors: Sequence[float]) -> Floats:
    """Scores around their points whose errors are correlated by `SHARED`, shape (rows, resamples)."""
    import numpy as np

    draws = np.random.default_rng(0).standard_normal((len(points) + 1, RESAMPLES))
    common = math.sqrt(SHARED) * draws[0] + math.sqrt(1 - SHARED) * draws[1:]
    return np.asarray(points)[:, None] + np.asarray(errors)[:, None] * common


def _error(row: Row, challenge: Challenge) -> float | None:
    """Standard error of a row's score: from its interval, else from the number of videos of its split."""
    figure = row.figures.get("score")
    if figure is not None and figure.interval is not None:
        low, high = figure.interval
        return (high - low) / 2 / HALF_WIDTH
    size = challenge.sizes.get(row.split)
    if row.group or size is None or not size.units:
        return None
    return assumed_error(row, challenge, size.units)


def assumed_error(row: Row, challenge: Challenge, videos: int) -> float:
    """The standard error that a published score is given: an assumption.

    A mean over independent videos of values from `low` to `high` whose mean is x has at most the variance
    (high - x)(x - low) / videos (Bhatia & Davis 2000, American Mathematical Monthly 107(4), "A Better Bound on the
    Variance"). Pooled scores are no such means: the error of a term is the share of that bound that records ask for, by
    kind of task. The terms of a sum, which a source may not print, are each taken at the score's share of the range,
    and as independent.

    Args:
        row: row of the challenge's own measure.
        challenge: its challenge.
        videos: number of videos, or other units, of the split.
    """
    values = {COLUMNS[name].path: figure.value for name, figure in row.figures.items()}
    tasks = [challenge.task(term.task) for term in challenge.metric.terms]
    ranges = [(-1.0 if task.is_real else 0.0, 1.0) for task in tasks]
    least, greatest = sum(low for low, _ in ranges), sum(high for _, high in ranges)
    share = (row.position - least) / (greatest - least)
    variance = 0.0
    for term, task, (low, high) in zip(challenge.metric.terms, tasks, ranges, strict=True):
        value = part_of_score(term, task, values)
        value = low + share * (high - low) if math.isnan(value) else value
        variance += SHARES[type(task)] ** 2 * max(0.0, (high - value) * (value - low)) / videos
    return math.sqrt(variance)
