"""What scores that teams saw became on hidden tests: published pairs, a line for each metric, and its page in docs."""

from __future__ import annotations

import csv
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from abawbench.challenges import Challenge, get
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
        return get(self.challenge).metric.id


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
        beyond = "; no published score lies so far out" if self.is_beyond else ""
        return (
            f"On the hidden tests of earlier editions a score of {self.seen:.4f} became about {self.expected:.4f} "
            f"(95 % prediction interval {low:.4f} to {high:.4f}; {self.pairs} published pairs of {self.teams} teams, "
            f"{self.covered:.0%} covered when left out{beyond})."
        )


@cache
def published_pairs() -> tuple[ScorePair, ...]:
    """Every published pair, in the order of the editions."""
    text = resources.files("abawbench").joinpath("tuning/published_pairs.csv").read_text("utf-8")
    rows: list[dict[str, Any]] = list(csv.DictReader(text.splitlines()))
    return tuple(ScorePair(**{**row, "seen": float(row["seen"]), "unseen": float(row["unseen"])}) for row in rows)


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


def page() -> str:
    """The page docs/optimism.md."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    metrics = list(dict.fromkeys(pair.metric for pair in published_pairs()))
    teams = {pair.team for pair in published_pairs()} - {"organisers"}
    yield "# What validation scores became on the test"
    yield ""
    yield "`make tables` writes this page from `abawbench/tuning/published_pairs.csv`."
    yield ""
    yield from _paragraph(
        f"""{len(published_pairs())} published pairs of {len(teams)} teams and of the organisers' baselines: a score
        that could be seen before the test, and the score on the test whose labels nobody had. A team chooses among many
        systems, epochs, windows and thresholds by the first, so it flatters; the test may also be harder or easier. The
        pairs cannot tell the two apart. The baselines, which were hardly chosen, show more of the second."""
    )
    yield from _paragraph(
        """One team published what tuning did: tuned on the validation split it saw 0.741 and got 0.690 on the test; its untuned system got 0.731 (`wmivikas/ABAW2026-Task2-ECCV:README.md`; the metric is not told with these
        figures, so they are in no table). This is why `abawbench tune` and `abawbench ensemble` report cross-fitted
        figures."""
    )
    yield "## By metric"
    yield ""
    yield from _paragraph(
        """Each team counts once, however many pairs it published. The line is the regression of the test score on the
        score seen before, where four teams at least published some. The interval is the 95 % prediction interval of a further team, at the mean of the seen scores. Covered is the share of the teams whose pairs lie within the
        interval that the other teams give. The pairs are few and unlike each other, and the baselines, which lie far
        below the teams, pull at the slope: the intervals are wide, and that is the honest answer."""
    )
    heads = ("metric", "pairs", "teams", "mean seen", "mean change", "of baselines", "line", "interval", "covered")
    yield f"| {' | '.join(heads)} |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for metric in metrics:
        yield _row_of(metric, [pair for pair in published_pairs() if pair.metric == metric])
    yield ""
    yield from _paragraph(
        """`abawbench trials` prints the expectation for the trial that it names, and in Python
        `abawbench.tuning.optimism.expected_private(challenge, score)` gives it for any score. Pairs of one metric from
        several editions are put together though their tests differ. Published are the teams that wrote a paper or won;
        others may have lost more."""
    )
    yield "## The pairs"
    yield ""
    yield from _paragraph(
        """Same: `yes`, one system on both splits; `best`, the best published one on each; `assumed`, no source says
        that both belong together. Seen: on the validation split, or on the one named. Valence and arousal: the mean of the
        two CCCs."""
    )
    yield "| challenge | team: system | seen | test | change | same | source |"
    yield "|---|---|---|---|---|---|---|"
    for pair in published_pairs():
        split = "" if pair.seen_split == "validation" else f" ({pair.seen_split})"
        note = f"; {pair.note}" if pair.note else ""
        yield (
            f"| {pair.challenge} | {pair.team}: {pair.system} | {pair.seen:.4f}{split} | {pair.unseen:.4f} | "
            f"{pair.unseen - pair.seen:+.4f} | {pair.same} | {pair.source}{note} |"
        )


def _paragraph(text: str) -> Iterator[str]:
    yield from textwrap.wrap(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)
    yield ""


def _row_of(metric: str, pairs: Sequence[ScorePair]) -> str:
    counts = Counter(pair.team for pair in pairs)

    def mean(values: Sequence[float]) -> float:
        return float(np.average(values, weights=[1 / counts[pair.team] for pair in pairs]))

    baselines = [pair.unseen - pair.seen for pair in pairs if pair.team == "organisers"]
    seen = mean([pair.seen for pair in pairs])
    cells = [
        metric,
        str(len(pairs)),
        str(len(counts)),
        f"{seen:.3f}",
        f"{mean([pair.unseen - pair.seen for pair in pairs]):+.3f}",
        f"{np.mean(baselines):+.3f}" if baselines else "–",
    ]
    line = fit_line(pairs)
    if line is None or line.teams < LEAST_TEAMS:
        cells += ["–", "–", "–"]
    else:
        expected, half = line.at(seen)
        cells += [
            f"{line.intercept:.3f} {line.slope:+.3f} x seen",
            f"{expected - half:.3f} to {expected + half:.3f}",
            f"{coverage(pairs):.0%}",
        ]
    return f"| {' | '.join(cells)} |"
