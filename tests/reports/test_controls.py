"""Controls that are made from the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.api import read_table
from abawbench.reports.controls import WHAT, control_tables, controls
from abawbench.scoring import Resampling, pair, score
from tests.reports.corpus import MTL

QUICK = Resampling(200)


@pytest.fixture(scope="module")
def truth(corpus):
    return read_table(MTL, corpus.truth, "truth")


@pytest.fixture(scope="module")
def tables(truth):
    return dict(control_tables(MTL, truth))


def test_there_is_a_control_of_each_kind(tables):
    assert list(tables) == list(WHAT)


def test_constants_have_no_concordance_and_the_f1_of_their_answer(truth, tables):
    classes, labels = truth.classes("expression"), truth.classes("action_units")
    found = score(MTL, truth, tables["always on"], resampling=QUICK)
    assert found.metrics["ccc_valence"] == 0
    rates = labels.mean(0)
    assert found.metrics["f1_action_units"] == pytest.approx((2 * rates / (1 + rates)).mean(), abs=1e-12)
    share = (classes == 0).mean()
    assert found.metrics["f1_expression"] == pytest.approx(2 * share / (1 + share) / 8, abs=1e-12)
    assert score(MTL, truth, tables["constant"], resampling=QUICK).metrics["f1_action_units"] == 0


def test_the_prior_answers_the_means_the_commonest_class_and_common_labels(truth, tables):
    prior = tables["prior"]
    np.testing.assert_allclose(prior.numbers("va")[0], truth.numbers("va").mean(0), atol=1e-12)
    assert set(prior.classes("expression")) == {np.bincount(truth.classes("expression")).argmax()}
    expected = (truth.classes("action_units").mean(0) >= 0.5).astype(int)
    assert prior.classes("action_units")[0].tolist() == expected.tolist()


def test_the_shuffled_control_has_the_values_of_each_video(truth, tables):
    shuffled = tables["shuffled"]
    for place in range(len(truth.videos)):
        own, other = (np.sort(table.numbers("va")[table.video == place], axis=0) for table in (truth, shuffled))
        np.testing.assert_array_equal(own, other)


def test_a_difference_is_the_score_minus_that_of_the_control(corpus, truth):
    paired = pair(MTL, truth, read_table(MTL, corpus.second, "prediction"))
    own = score(MTL, truth, paired.prediction, resampling=QUICK).score
    assert own is not None
    for control in controls(MTL, paired, QUICK):
        assert control.score is not None
        assert control.difference is not None
        assert control.interval is not None
        assert control.difference == pytest.approx(own - control.score, abs=1e-12)
        low, high = control.interval
        assert low <= control.difference <= high
        assert control.what == WHAT[control.name]


def test_a_control_that_answers_as_another_is_left_out(truth):
    from abawbench.challenges import get

    task = get("abaw6-va")
    only = replace(truth, values={"va": truth.values["va"]})
    paired = pair(task, only, only)
    assert [one.name for one in controls(task, paired, QUICK)] == ["constant", "prior", "shuffled"]
