"""What scores that teams saw became on hidden tests: published pairs, and a line for each metric."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from abawbench.challenges import CHALLENGES, Challenge
from abawbench.metrics.jackknife import student_quantile
from abawbench.scoring.intervals import LEVEL

# fewer teams give no line
LEAST_TEAMS = 4


@dataclass(frozen=True, slots=True)
class ScorePair:
    """A score that a team saw before the test, and the one that it got there.

    Attributes:
        challenge: id of the challenge.
        team: name of the team; `organisers` for baselines.
        system: name of the system.
        seen_split: split that the team could score on.
        seen: score there.
        unseen_split: split whose labels the team did not have.
        unseen: score there.
        same: `yes` for the same system on both splits, `best` where each is the best that the team published,
            `assumed` where the source does not say that both belong together.
        source: papers and files that the two scores come from.
        note: remark on the pair.
    """

    challenge: str
    team: str
    system: str
    seen_split: str
    seen: float
    unseen_split: str
    unseen: float
    same: str
    source: str
    note: str

    @property
    def metric(self) -> str:
        """Id of the challenge's metric, by which pairs are compared."""
        return CHALLENGES[self.challenge].metric.id


@dataclass(frozen=True, slots=True)
class Line:
    """The regression of unseen on seen scores, each team with the same weight.

    Attributes:
        pairs: number of pairs.
        teams: number of teams.
        slope: rise of the unseen score with the seen one.
        intercept: unseen score at a seen score of 0.
        spread: standard deviation of the unseen scores about the line.
        centre: mean of the seen scores.
        squares: sum of the squared distances of the seen scores from their mean.
        low: lowest seen score.
        high: highest seen score.
    """

    pairs: int
    teams: int
    slope: float
    intercept: float
    spread: float
    centre: float
    squares: float
    low: float
    high: float

    def at(self, seen: float) -> tuple[float, float]:
        """The expected unseen score, and half the width of its 95 % prediction interval for a further team."""
        error = self.spread * np.sqrt(1 + 1 / self.teams + (seen - self.centre) ** 2 / self.squares)
        half = student_quantile((1 + LEVEL) / 2, self.teams - 2) * float(error)
        return self.intercept + self.slope * seen, half


@dataclass(frozen=True, slots=True)
class ExpectedPrivate:
    """What a score on a seen split is expected to become on a hidden test.

    Attributes:
        metric: id of the metric whose published pairs were used.
        seen: score on the seen split.
        expected: expected score on the hidden test.
        interval: 95 % prediction interval.
        pairs: number of published pairs.
        teams: number of teams that they are of.
        covered: share of the teams whose pairs lie within the interval that the other teams give.
        is_beyond: True if no published system had so low or so high a seen score.
    """

    metric: str
    seen: float
    expected: float
    interval: tuple[float, float]
    pairs: int
    teams: int
    covered: float
    is_beyond: bool

    def to_json(self) -> dict[str, Any]:
        """The fields as plain data."""
        return {**asdict(self), "interval": list(self.interval)}

    def describe(self) -> str:
        """The expectation in words."""
        low, high = self.interval
        beyond = "; no published score lies so far out, so this is a guess" if self.is_beyond else ""
        return (
            f"On the hidden tests of earlier editions a score of {self.seen:.4f} became about {self.expected:.4f} "
            f"(95 % prediction interval {low:.4f} to {high:.4f}; {self.pairs} published pairs of {self.teams} teams, "
            f"{self.covered:.0%} covered when left out{beyond})."
        )


@cache
def published_pairs() -> tuple[ScorePair, ...]:
    """Every published pair, in the order of the editions."""
    text = resources.files("abawbench").joinpath("tuning/trials/published_pairs.csv").read_text("utf-8")
    return tuple(_pair(row) for row in csv.DictReader(text.splitlines()))


def _pair(row: dict[str, str]) -> ScorePair:
    numbers = {name: float(row[name]) for name in ("seen", "unseen")}
    values: dict[str, Any] = {**row, **numbers}
    return ScorePair(**values)


def fit_line(pairs: Sequence[ScorePair]) -> Line | None:
    """Fit the line of some pairs of one metric; None for fewer than three teams, or where all saw the same score."""
    counts = Counter(pair.team for pair in pairs)
    teams = len(counts)
    seen, unseen = (np.array([getattr(pair, name) for pair in pairs]) for name in ("seen", "unseen"))
    if teams < 3 or np.ptp(seen) == 0:
        return None
    weights = np.array([1 / counts[pair.team] for pair in pairs])
    centre = float(weights @ seen) / teams
    level = float(weights @ unseen) / teams
    squares = float(weights @ (seen - centre) ** 2)
    slope = float(weights @ ((seen - centre) * (unseen - level))) / squares
    residuals = unseen - level - slope * (seen - centre)
    spread = float(np.sqrt(weights @ residuals**2 / (teams - 2)))
    low, high = float(seen.min()), float(seen.max())
    return Line(len(pairs), teams, slope, level - slope * centre, spread, centre, squares, low, high)


def coverage(pairs: Sequence[ScorePair]) -> float:
    """Mean over the teams of the share of a team's pairs within the prediction interval of all other teams; or NaN."""
    shares: list[float] = []
    for team in dict.fromkeys(pair.team for pair in pairs):
        line = fit_line([pair for pair in pairs if pair.team != team])
        own = [pair for pair in pairs if pair.team == team]
        if line is not None:
            inside = [abs(pair.unseen - line.at(pair.seen)[0]) <= line.at(pair.seen)[1] for pair in own]
            shares.append(sum(inside) / len(inside))
    return float(np.mean(shares)) if shares else float("nan")


def expected_private(challenge: Challenge, seen: float) -> ExpectedPrivate | None:
    """Expect the score on a hidden test from one on a split that was seen, by published pairs of the same metric.

    The line holds what teams did with their validation data, which was mostly to select on it, and how much harder the
    test is. A cross-fitted score lacks the first, so less of it should be lost.

    Args:
        challenge: the challenge.
        seen: score on a split that the team could score on, as the validation split.

    Returns:
        The expectation; None where pairs of fewer than four teams are published.
    """
    pairs = [pair for pair in published_pairs() if pair.metric == challenge.metric.id]
    line = fit_line(pairs)
    if line is None or line.teams < LEAST_TEAMS:
        return None
    expected, half = line.at(seen)
    return ExpectedPrivate(
        metric=challenge.metric.id,
        seen=seen,
        expected=expected,
        interval=(expected - half, expected + half),
        pairs=line.pairs,
        teams=line.teams,
        covered=coverage(pairs),
        is_beyond=not line.low <= seen <= line.high,
    )
