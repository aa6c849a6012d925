from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench import challenges
from abawbench.base.problems import ProblemError
from abawbench.challenges import MultiLabel
from abawbench.entries.coverage import Coverage, coverage_scores
from abawbench.entries.model import Card
from abawbench.scoring import pair
from abawbench.table import Table

CHALLENGE = replace(challenges.get("abaw4-mtl"), tasks=(MultiLabel("action_units", ("AU1", "AU2", "AU4"), -1),))


def table(rows: list[list[int]]) -> Table:
    return Table(
        videos=("v",),
        video=np.zeros(len(rows), np.int32),
        frame=np.arange(1, len(rows) + 1, dtype=np.int32),
        values={"action_units": np.array(rows, np.int8)},
    )


def card(*covered: str) -> Card:
    tasks = (MultiLabel("action_units", covered, -1),) if covered else ()
    return Card("2026_test_coverage", "test", tasks, None)


def scores(challenge, truth, prediction, card, missing="error") -> dict[str, Coverage]:
    return coverage_scores(challenge, pair(challenge, truth, prediction, missing=missing), card)


# AU1: 2 hits, 1 miss, 1 false alarm; AU2: 1 hit, 0 misses, 0 false alarms; the last row is not annotated
TRUTH = [[1, 1, 1], [1, 0, 1], [1, 0, 0], [0, 0, 1], [-1, -1, -1]]
PREDICTION = [[1, 1, 1], [1, 0, 1], [0, 0, 0], [1, 0, 1], [1, 1, 1]]
F1_OF_AU1, F1_OF_AU2 = 4 / 6, 1.0


def test_the_two_totals_of_a_case_worked_by_hand():
    result = scores(CHALLENGE, table(TRUTH), table(PREDICTION), card("AU2", "AU1"))["action_units"]
    assert result.covered == ("AU1", "AU2")
    assert result.absent == ("AU4",)
    assert result.per_label == {"AU1": pytest.approx(F1_OF_AU1), "AU2": F1_OF_AU2}
    assert result.of_covered == pytest.approx((F1_OF_AU1 + F1_OF_AU2) / 2, abs=1e-12)
    assert result.absent_as_zero == pytest.approx((F1_OF_AU1 + F1_OF_AU2) / 3, abs=1e-12)


def test_the_published_pair_of_openface_3_comes_out_of_its_coverage():
    # F1 of the 8 units it has; cosanlab/py-feat:docs/benchmarks/competitors/openface3_disfaplus.json
    published = [0.847569, 0.689946, 0.835449, 0.420206, 0.801598, 0.737450, 0.933843, 0.591940]
    names = tuple(f"AU{place}" for place in range(12))
    challenge = replace(CHALLENGE, tasks=(MultiLabel("action_units", names, -1),))
    count = 10_000
    # of `count` positives, hits without false alarms: F1 = 2 h / (h + count)
    hits = [round(f1 * count / (2 - f1)) for f1 in published]
    prediction = np.zeros((count, 12), np.int8)
    for column, number in enumerate(hits):
        prediction[:number, column] = 1
    truth = table(np.ones((count, 12), np.int8).tolist())
    result = scores(challenge, truth, table(prediction.tolist()), card(*names[:8]))["action_units"]
    assert result.of_covered == pytest.approx(0.732, abs=5e-4)
    assert result.absent_as_zero == pytest.approx(0.488, abs=5e-4)


def test_an_entry_that_covers_everything_has_one_total():
    result = scores(CHALLENGE, table(TRUTH), table(PREDICTION), card("AU1", "AU2", "AU4"))["action_units"]
    assert result.absent == ()
    assert result.of_covered == result.absent_as_zero


def test_an_entry_that_covers_nothing_has_no_total_of_covered_labels():
    result = scores(CHALLENGE, table(TRUTH), table(PREDICTION), card())["action_units"]
    assert result.of_covered is None
    assert result.absent_as_zero == 0


def test_rows_without_prediction_are_a_problem_or_filled():
    part = table(PREDICTION[:3])
    with pytest.raises(ProblemError, match="T01"):
        scores(CHALLENGE, table(TRUTH), part, card("AU1"))
    # the fourth row becomes that of the third: AU1 has 2 hits and 1 miss
    filled = scores(CHALLENGE, table(TRUTH), part, card("AU1"), missing="previous")["action_units"]
    assert filled.of_covered == pytest.approx(4 / 5, abs=1e-12)
