"""One case worked by hand for every metric, run under every challenge that uses it."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.challenges import CHALLENGES, Categorical, Challenge, Continuous, MultiLabel, get
from abawbench.scoring import score
from abawbench.scoring.intervals import Resampling
from abawbench.table import Table

# four rows of one video; columns beyond the first are all alike, so that means over them are the first one's
NUMBERS = ([0.0, 0.2, 0.4, 0.6], [0.1, 0.1, 0.5, 0.5])
# means 0.3 and 0.3; population variances 0.05 and 0.04; covariance 0.04
CCC = 2 * 0.04 / (0.05 + 0.04)
PEARSON = 0.04 / np.sqrt(0.05 * 0.04)
CLASSES = ([0, 0, 1, 1], [0, 1, 1, 1])
# class 0: precision 1, recall 1/2; class 1: precision 2/3, recall 1
F1_OF_TWO = 2 / 3 + 4 / 5
ACCURACY = 3 / 4
# recall of class 0 and of class 1
BALANCED_ACCURACY = (1 / 2 + 1) / 2
LABELS = ([1, 1, 0, 0], [1, 0, 1, 0])
# one hit, one false positive, one false negative; two cells of four right
LABEL_F1, LABEL_ACCURACY = 1 / 2, 1 / 2


def table(challenge: Challenge, which: int) -> Table:
    values = {}
    for task in challenge.tasks:
        match task:
            case Continuous():
                values[task.name] = np.repeat(np.array(NUMBERS[which])[:, None], len(task.columns), 1)
            case Categorical():
                values[task.name] = np.array(CLASSES[which], np.int8)
            case MultiLabel():
                values[task.name] = np.repeat(np.array(LABELS[which], np.int8)[:, None], len(task.columns), 1)
    return Table(("v",), np.zeros(4, np.int32), np.arange(1, 5, dtype=np.int32), values)


EXPECTED = {
    "va-ccc": CCC,
    "expr-f1-acc": 0.67 * F1_OF_TWO / 7 + 0.33 * ACCURACY,
    "expr-f1": F1_OF_TWO / 8,
    "au-f1-acc": 0.5 * LABEL_F1 + 0.5 * LABEL_ACCURACY,
    "au-f1": LABEL_F1,
    "mtl-sum": CCC + F1_OF_TWO / 8 + LABEL_F1,
    "lsd-f1": F1_OF_TWO / 6,
    "expr-accuracy": ACCURACY,
    "identity-attributes": ACCURACY + 1 / 2,
    "raf-uar": BALANCED_ACCURACY,
    "ce-f1": F1_OF_TWO / 7,
    "eri-pearson": PEARSON,
    "emi-pearson": PEARSON,
    "ah-frame": None,
    "ah-video-f1": F1_OF_TWO / 2,
    "vd-f1": F1_OF_TWO / 2,
}


def test_every_metric_has_a_case():
    assert {challenge.metric.id for challenge in CHALLENGES.values()} == set(EXPECTED)


@pytest.mark.parametrize("identifier", CHALLENGES)
def test_the_score_is_the_one_worked_by_hand(identifier):
    challenge = get(identifier)
    result = score(challenge, table(challenge, 0), table(challenge, 1), resampling=Resampling(100))
    expected = EXPECTED[challenge.metric.id]
    assert result.score == (None if expected is None else pytest.approx(expected, abs=1e-12))


@pytest.mark.parametrize("identifier", CHALLENGES)
def test_a_truth_scored_against_itself_is_right_wherever_it_has_rows(identifier):
    challenge = get(identifier)
    truth = table(challenge, 0)
    result = score(challenge, truth, truth, resampling=Resampling(100))
    for task in challenge.tasks:
        if f"f1_{task.name}_per_class" in result.metrics and isinstance(task, Categorical):
            assert result.to_json()["metrics"][f"f1_{task.name}_per_class"][task.classes[1]] == 1
        else:
            assert result.terms[task.name] == pytest.approx(1, abs=1e-12)
