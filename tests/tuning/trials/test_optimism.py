"""Published pairs: facts with sources, the weighted regression, intervals that cover, a page that is current."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from abawbench.challenges import CHALLENGES, get
from abawbench.tuning.trials.optimism import ScorePair, coverage, expected_private, fit_line, published_pairs
from abawbench.tuning.trials.optimism_page import page

ROOT = Path(__file__).parent.parent.parent.parent


def pair(team, seen, unseen, challenge="abaw6-va"):
    return ScorePair(challenge, team, "system", "validation", seen, "test", unseen, "yes", "a source", "")


def test_every_pair_has_a_challenge_two_scores_and_a_source():
    pairs = published_pairs()
    assert len(pairs) > 40
    for one in pairs:
        assert one.challenge in CHALLENGES
        assert all((one.source, one.team, one.system))
        assert one.same in {"yes", "best", "assumed"}
        most = 3 if one.metric == "mtl-sum" else 1
        assert 0 < one.seen <= most
        assert 0 < one.unseen <= most
    assert len({(one.challenge, one.team, one.system) for one in pairs}) == len(pairs)


def scores_on_the_board(challenge):
    """Every published figure of a challenge, and the mean of each pair of CCCs."""
    with (ROOT / "leaderboard" / "published" / f"{challenge}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["value"]]
    by_result = {}
    for row in rows:
        key = tuple(row[name] for name in ("split", "team", "method", "note", "source"))
        by_result.setdefault(key, {})[row["figure"]] = float(row["value"])
    means = [(own["ccc_v"] + own["ccc_a"]) / 2 for own in by_result.values() if {"ccc_v", "ccc_a"} <= own.keys()]
    return [*(float(row["value"]) for row in rows), *means]


@pytest.mark.parametrize("challenge", sorted({one.challenge for one in published_pairs()}))
def test_both_scores_of_every_pair_stand_on_the_board_of_published_facts(challenge):
    known = np.array(scores_on_the_board(challenge))
    for one in published_pairs():
        if one.challenge == challenge:
            # four decimals, in some sources rounded
            assert np.abs(known - one.seen).min() < 6e-5
            assert np.abs(known - one.unseen).min() < 6e-5


def test_the_line_is_the_regression_where_each_team_counts_once():
    pairs = [pair("a", 0.2, 0.1), pair("b", 0.4, 0.35), pair("c", 0.6, 0.5), pair("c", 0.7, 0.4), pair("d", 0.5, 0.45)]
    line = fit_line(pairs)
    assert line is not None
    weights = np.array([1, 1, 0.5, 0.5, 1])
    seen, unseen = np.array([one.seen for one in pairs]), np.array([one.unseen for one in pairs])
    slope, intercept = np.polyfit(seen, unseen, 1, w=np.sqrt(weights))
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept), abs=1e-12)
    residuals = unseen - intercept - slope * seen
    assert line.spread == pytest.approx(np.sqrt((weights * residuals**2).sum() / 2), abs=1e-12)
    assert (line.pairs, line.teams) == (5, 4)


def test_the_same_pair_twice_by_one_team_changes_nothing():
    pairs = [pair("a", 0.2, 0.1), pair("b", 0.4, 0.35), pair("c", 0.6, 0.5), pair("d", 0.5, 0.45)]
    once, twice = fit_line(pairs), fit_line([*pairs, pairs[1]])
    assert once is not None
    assert twice is not None
    assert twice.at(0.5) == pytest.approx(once.at(0.5), abs=1e-12)


def test_the_prediction_interval_covers_a_further_team():
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(1000):
        seen = generator.uniform(0.2, 0.7, 9)
        unseen = 0.05 + 0.8 * seen + generator.normal(0, 0.05, 9)
        line = fit_line([pair(str(team), x, y) for team, (x, y) in enumerate(zip(seen[:8], unseen[:8], strict=True))])
        assert line is not None
        expected, half = line.at(seen[8])
        inside += abs(unseen[8] - expected) <= half
    # 95 % give or take four standard errors
    assert 922 <= inside <= 978


def test_coverage_leaves_each_team_out_of_its_own_interval():
    straight = [
        pair(team, seen, 0.9 * seen + wiggle)
        for team, seen, wiggle in (
            ("a", 0.2, 0.001),
            ("b", 0.3, -0.001),
            ("c", 0.4, 0.001),
            ("d", 0.5, -0.001),
            ("e", 0.6, 0.001),
        )
    ]
    assert coverage(straight) == 1
    assert coverage([*straight, pair("far", 0.45, 0.1)]) < 1
    assert np.isnan(coverage(straight[:3]))


def test_too_few_teams_give_no_expectation():
    assert expected_private(get("abaw4-mtl"), 1.5) is None
    assert expected_private(get("abaw8-ah"), 0.5) is None
    assert fit_line([pair("a", 0.2, 0.1), pair("b", 0.3, 0.2)]) is None


def test_the_expectation_of_a_validation_score_is_below_it_and_wide():
    found = expected_private(get("abaw10-va"), 0.65)
    assert found is not None
    low, high = found.interval
    assert low < found.expected < 0.65
    assert high - low > 0.2
    assert found.teams >= 8
    assert not found.is_beyond
    beyond = expected_private(get("abaw10-va"), 0.9)
    assert beyond is not None
    assert beyond.is_beyond
    assert "no published score lies so far out" in beyond.describe()


def test_the_page_is_the_one_that_make_tables_writes():
    assert (ROOT / "docs" / "optimism.md").read_text("utf-8") == page()
