"""The board: each team's best trial, or last, ranked with what the videos leave open, and every trial that came."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from abawbench.challenges import Challenge
from abawbench.organisers.mail.account import Account, said
from abawbench.organisers.mail.terms import Outcome, Terms
from abawbench.organisers.mail.verdicts import Verdict
from abawbench.scoring.criteria import Path, part_of, spans
from abawbench.scoring.intervals import LEVEL, figure_left_out, quoted
from abawbench.scoring.ranks import rank_ranges, separated
from abawbench.scoring.statistics import Statistics

WORDS = {
    "repeated": "sent before",
    "outside": "outside the phase",
    "undated": "without a date",
    "beyond": "beyond the quota",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A team on the board.

    Attributes:
        rank: rank from 1; teams with equal figures share the better one.
        range: best and worst rank that the videos leave open.
        team: name of the team.
        value: the figure that ranks.
        interval: its interval; None where there is none.
        parts: the terms of the score, where it has several.
        trial: name of the trial.
        sha256: its hash.
        when: time of its mail.
        scored: number of the team's trials that were scored.
        sent: number of all its trials.
    """

    rank: int
    range: tuple[int, int]
    team: str
    value: float
    interval: tuple[float, float] | None
    parts: Mapping[str, float | None]
    trial: str
    sha256: str
    when: str
    scored: int
    sent: int


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial on the list of all: its team, name, hash and time, what became of it, and its figure where it counts."""

    team: str
    trial: str
    sha256: str
    when: str
    state: str
    rules: tuple[str, ...]
    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes:
        challenge: the challenge.
        terms: the terms.
        figure: path of the figure that ranks: the score, or the first figure of a challenge without one.
        clusters: number of videos of the truth.
        standings: the teams with a scored trial, the best first.
        trials: every trial of every team, by time.
        without: names of the teams without a scored trial.
        newest: time of the newest mail; None where no mail has one.
    """

    challenge: Challenge
    terms: Terms
    figure: Path
    clusters: int
    standings: tuple[Standing, ...]
    trials: tuple[TrialRow, ...]
    without: tuple[str, ...]
    newest: datetime | None

    def to_json(self) -> dict[str, Any]:
        """The board as plain data."""
        return {
            "schema": 1,
            "challenge": self.challenge.id,
            "fingerprint": self.challenge.fingerprint,
            "title": self.terms.title,
            "phase": self.terms.phase or None,
            "figure": ".".join(self.figure),
            "counts": self.terms.counts,
            "level": LEVEL,
            "clusters": self.clusters,
            "newest": None if self.newest is None else said(self.newest),
            "teams": [
                {name: _plain(getattr(one, name)) for name in Standing.__dataclass_fields__} for one in self.standings
            ],
            "trials": [
                {name: _plain(getattr(one, name)) for name in TrialRow.__dataclass_fields__} for one in self.trials
            ],
            "without": list(self.without),
        }


def make_board(
    challenge: Challenge, terms: Terms, accounts: Sequence[Account], statistics: Callable[[str], Statistics]
) -> Board:
    """Make the board of all teams.

    Args:
        challenge: the challenge.
        terms: the terms; they say whether the best or the last trial of a team counts.
        accounts: the account of each team.
        statistics: function that gives the statistics of a scored trial by its hash.
    """
    figure: Path = ("score",) if challenge.metric.terms else _first_figure(challenge, accounts)
    chosen = [(account, _chosen(account, figure, terms)) for account in accounts]
    ranked = [(account, best) for account, best in chosen if best is not None]
    values = [_value(verdict, figure) for _, (_, verdict) in ranked]
    known = [place for place, value in enumerate(values) if value is not None]
    points = np.array([values[place] for place in known], np.float64)
    left = [figure_left_out(challenge, statistics(ranked[place][1][1].trial), figure, unit="video") for place in known]
    above = separated(points, np.stack(left)) if len(left) > 1 else np.zeros((len(left), len(left)), np.bool_)
    # ranges come from the jackknife of differences; no resamples are needed for them
    ranks = rank_ranges(points, points[:, None].repeat(2, 1), above=above) if known else None
    standings: list[Standing] = []
    for number, place in enumerate(known):
        account, (outcome, verdict) = ranked[place]
        assert ranks is not None
        best, worst = ranks.ranges[number].tolist()
        row = _row(account, outcome, verdict, figure)
        standings.append(row(int(ranks.ranks[number]), (best, worst)))
    standings.sort(key=lambda one: (one.rank, one.team))
    dates = [mail.when for account in accounts for mail in account.mails if mail.when is not None]
    every = [(account, outcome) for account in accounts for outcome in account.outcomes]
    every.sort(key=lambda pair: (pair[1].sent.when is None, said(pair[1].sent.when), pair[0].team.name))
    on_board = {one.team for one in standings}
    return Board(
        challenge,
        terms,
        figure,
        len(left[0]) if left else 0,
        tuple(standings),
        tuple(_trial_row(account, outcome, figure) for account, outcome in every),
        tuple(sorted(account.team.name for account in accounts if account.team.name not in on_board)),
        max(dates, default=None),
    )


def _first_figure(challenge: Challenge, accounts: Sequence[Account]) -> Path:
    """The first figure that some trial has, of a challenge without a score."""
    scores = [verdict.score for account in accounts for _, verdict in account.accepted if verdict.score is not None]
    paths = [path for path in spans(challenge) if path != ("score",)]
    return next((path for path in paths if any(_known(part_of(score, path)) for score in scores)), ("score",))


def _chosen(account: Account, figure: Path, terms: Terms) -> tuple[Outcome, Verdict] | None:
    """The trial that stands for a team: the best, of equal ones the first; or the last."""
    ranked = [(one, verdict) for one, verdict in account.accepted if _value(verdict, figure) is not None]
    if not ranked:
        return None
    return ranked[-1] if terms.counts == "last" else max(ranked, key=lambda pair: _value(pair[1], figure) or 0.0)


def _value(verdict: Verdict, figure: Path) -> float | None:
    value: Any = None if verdict.score is None else part_of(verdict.score, figure)
    return float(value) if _known(value) else None


def _known(value: object) -> bool:
    return isinstance(value, float | int) and not math.isnan(value)


def _interval(verdict: Verdict, figure: Path) -> tuple[float, float] | None:
    assert verdict.score is not None
    kinds = part_of(verdict.score["intervals"], figure)
    found = None if kinds is None else quoted(kinds)
    return None if found is None else (float(found[1][0]), float(found[1][1]))


def _row(
    account: Account, outcome: Outcome, verdict: Verdict, figure: Path
) -> Callable[[int, tuple[int, int]], Standing]:
    value, score = _value(verdict, figure), verdict.score
    assert value is not None
    assert score is not None
    parts: Mapping[str, float | None] = score["terms"] if len(score["terms"]) > 1 else {}

    def standing(rank: int, reach: tuple[int, int]) -> Standing:
        return Standing(
            rank,
            reach,
            account.team.name,
            value,
            _interval(verdict, figure),
            dict(parts),
            outcome.sent.trial.name,
            outcome.sent.trial.sha256,
            said(outcome.sent.when),
            len(account.accepted),
            len(account.outcomes),
        )

    return standing


def _trial_row(account: Account, outcome: Outcome, figure: Path) -> TrialRow:
    trial = outcome.sent.trial
    verdict = account.verdicts.get(trial.sha256) if outcome.state == "judged" else None
    problems = outcome.problems if verdict is None else verdict.problems
    is_scored = verdict is not None and verdict.is_accepted
    state = "scored" if is_scored else "refused" if verdict is not None else WORDS[outcome.state]
    return TrialRow(
        account.team.name,
        trial.name,
        trial.sha256,
        said(outcome.sent.when),
        state,
        tuple(dict.fromkeys(problem.rule for problem in problems if not problem.is_note)),
        _value(verdict, figure) if verdict is not None and is_scored else None,
        _interval(verdict, figure) if verdict is not None and is_scored else None,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
