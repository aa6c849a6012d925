from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

from abawbench import records
from abawbench.challenges import get
from abawbench.leaderboard.collect import collect
from abawbench.leaderboard.controls import constant_of
from abawbench.leaderboard.published import Fact
from abawbench.leaderboard.rows import from_fact, from_record, sections
from abawbench.leaderboard.standing import HALF_WIDTH, SHARED, _together, assumed_error, standing
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import Table
from tests.leaderboard.conftest import made
from tests.leaderboard.test_build import COMMITTED

VA, MTL, EXPR = get("abaw6-va"), get("abaw11-mtl"), get("abaw6-expr")


@functools.cache
def committed():
    """The rows of the committed records that have a score, all of one truth."""
    rows = collect(COMMITTED)["abaw4-mtl"].rows
    return [row for row in rows if row.record is not None and "score" in row.figures]


def published(value: str, challenge=VA, split: str = "test", **figures):
    fact = Fact(
        kind="organiser",
        edition=f"ABAW{challenge.edition}",
        challenge=challenge.id.partition("-")[2].upper(),
        dataset=challenge.dataset,
        split=split,
        rank="",
        team=value,
        method="",
        metric_name=challenge.metric.id,
        figures={"score": value, **figures},
        note="",
        source="a paper",
    )
    return from_fact(fact, challenge)


def places(rows, challenge=VA, controls=()):
    (section,) = sections(rows)
    found = standing(section, challenge, controls)
    return found.basis, [place and (place.best, place.worst, place.tier) for place in found.places]


def test_published_scores_that_the_videos_cannot_tell_apart_share_places():
    basis, found = places([published("0.60"), published("0.59"), published("0.10")])
    assert (basis, found) == ("videos", [(1, 2, 1), (1, 2, 1), (3, 3, 2)])


def test_the_assumed_error_is_a_share_of_the_largest_of_a_mean_in_the_range():
    # (1 - 0.6)(0.6 + 1) / 162 videos
    assert assumed_error(published("0.6"), VA, 162) == pytest.approx(0.65 * (0.4 * 1.6 / 162) ** 0.5, abs=1e-15)


def test_the_error_of_a_sum_takes_printed_terms_and_shares_of_the_range_for_the_others():
    # 1.0 is half of -1 to 3: valence and arousal at 0, the others at 0.5; then with an expression term of 0.8
    va, expression, action_units = 0.65**2, 1.6**2, 0.6**2
    alone = assumed_error(published("1.0", MTL), MTL, 50)
    assert alone == pytest.approx(((va + 0.25 * expression + 0.25 * action_units) / 50) ** 0.5, abs=1e-15)
    told = assumed_error(published("1.0", MTL, f1_expr="0.8"), MTL, 50)
    assert told == pytest.approx(((va + 0.16 * expression + 0.25 * action_units) / 50) ** 0.5, abs=1e-15)


def test_a_row_at_the_end_of_the_range_has_no_error():
    assert assumed_error(published("1.0"), VA, 162) == 0.0


def test_without_a_number_of_videos_there_are_no_places():
    four = get("abaw4-mtl")
    assert places([published("1.0", four), published("1.1", four)], four) == ("", [None, None])


def test_rows_of_another_measure_have_no_places():
    rows = [replace(published(value), group="other measure: accuracy") for value in ("0.6", "0.5")]
    assert places(rows) == ("", [None, None])


def test_a_control_has_no_place():
    assert places([published("0.60"), published("0.10")], controls=(1,)) == ("videos", [(1, 1, 1), None])


def test_records_of_one_truth_are_resampled_together():
    # equal predictions but for one frame: told apart by nothing but the pairing
    basis, found = places([from_record(made(VA, entry=f"2026_team_{name}"), VA) for name in ("one", "two")])
    assert (basis, found) == ("resamples", [(1, 2, 1), (1, 2, 1)])


def test_joint_resamples_tell_apart_what_independent_errors_would_not():
    # 40 videos of very different difficulty; the second prediction is a little worse on each of them
    generator = np.random.default_rng(1)
    video = np.repeat(np.arange(40, dtype=np.int32), 30)
    frame = np.tile(np.arange(30, dtype=np.int32), 40)
    names = tuple(f"video {number}" for number in range(40))
    values = generator.uniform(-1, 1, (1200, 2))
    noise = generator.normal(0, 1, (1200, 2)) * np.repeat(generator.uniform(0, 1.2, 40), 30)[:, None]
    truth = Table(names, video, frame, {"va": values})
    rows = []
    for name, share in (("better", 1.0), ("worse", 1.1)):
        table = Table(names, video, frame, {"va": np.clip(values + share * noise, -1, 1)})
        provenance = records.Provenance(
            f"2026_team_{name}", "validation", "noise", "2026-01-31", "0" * 64, "f" * 64, made(VA).disclosure
        )
        rows.append(from_record(records.make(score(VA, truth, table, resampling=Resampling(200)), provenance), VA))
    assert places(rows) == ("resamples", [(1, 1, 1), (2, 2, 2)])
    apart = [
        replace(row, record=row.record.model_copy(update={"truth_sha256": f"{place}" * 64}))
        for place, row in enumerate(rows)
    ]
    assert places(apart) == ("intervals", [(1, 2, 1), (1, 2, 1)])


@pytest.mark.parametrize(
    ("column", "challenge"), [("ccc_va", "abaw6-va"), ("f1_expr", "abaw6-expr"), ("f1_au", "abaw6-au")]
)
def test_the_assumed_errors_of_terms_are_the_least_round_ones_that_no_committed_record_passes(column, challenge):
    ratios = []
    for row in committed():
        interval = row.figures[column].interval
        assert row.record is not None
        assert interval is not None
        low, high = interval
        alone = replace(row, figures={"score": row.figures[column]}, position=row.figures[column].value)
        error = assumed_error(alone, get(challenge), row.record.intervals.clusters)
        ratios.append(error / ((high - low) / 2 / HALF_WIDTH))
    assert len(ratios) == 4
    assert 1.0 <= min(ratios) < 1.1


def test_committed_records_err_together_by_more_than_is_assumed():
    together = _together(committed(), get("abaw4-mtl"))
    assert together is not None
    samples, _ = together
    assert SHARED < np.corrcoef(samples).min() < SHARED + 0.1


@pytest.mark.parametrize(
    ("challenge", "value", "is_bound", "has_labels"),
    [
        ("abaw6-va", 0.0, False, False),
        ("abaw6-expr", 1 / 8, True, False),
        ("abaw6-au", 0.0, False, True),
        ("abaw4-mtl", 1 / 8, True, True),
    ],
)
def test_one_answer_for_every_row_scores_what_the_definition_says(challenge, value, is_bound, has_labels):
    found = constant_of(get(challenge))
    assert found is not None
    assert (found.value, found.is_bound) == (value, is_bound)
    # labels that are always on score more, so the row must not stand for every constant
    assert found.method.endswith("no label on") == has_labels


def test_what_one_answer_scores_is_not_known_where_it_depends_on_the_data():
    assert constant_of(get("ck-plus-expression")) is None


def test_a_constant_prediction_scores_as_the_control_says():
    generator = np.random.default_rng(0)
    video, frame = np.zeros(90, np.int32), np.arange(90, dtype=np.int32)
    classes = np.where(np.arange(90) < 60, 0, generator.integers(0, 8, 90)).astype(np.int8)
    truth = Table(("one",), video, frame, {"expression": classes})
    constant = Table(("one",), video, frame, {"expression": np.zeros(90, np.int8)})
    found, known = score(EXPR, truth, constant).score, constant_of(EXPR)
    assert found is not None
    assert known is not None
    assert 0 < found <= known.value
    assert score(EXPR, constant, constant).score == known.value
