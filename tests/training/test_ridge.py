"""Ridge regression in closed form against scikit-learn, and what its probabilities promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.entries.outputs import sigmoid, softmax
from abawbench.training.ridge import NEVER, calibrate, fit_ridge, fit_task

PENALTIES = (0.01, 1.0, 100.0, 1e4)
VA = Continuous("va", ("valence", "arousal"), -1, 1, -5)
EXPRESSION = Categorical("expression", ("Neutral", "Anger", "Fear", "Other"), -1)
UNITS = MultiLabel("action_units", ("AU1", "AU2", "AU4"), -1)


def drawn(seed: int = 0, rows: int = 120, width: int = 7):
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, width)).astype(np.float32)
    return random, features, random.integers(0, 5, rows)


def targets_of(random, features, columns: int = 3, noise: float = 2.0):
    slopes = random.normal(size=(features.shape[1], columns))
    return features @ slopes + 3 + noise * random.normal(size=(len(features), columns))


@pytest.mark.parametrize("penalty", PENALTIES)
def test_weights_and_biases_are_those_of_scikit_learn(penalty):
    random, features, fold = drawn()
    targets = targets_of(random, features)
    fit = fit_ridge(features, np.arange(len(features)), targets, fold, [penalty])
    expected = Ridge(alpha=penalty).fit(features.astype(np.float64), targets)
    np.testing.assert_allclose(fit.weight, expected.coef_.T, atol=1e-10)
    np.testing.assert_allclose(fit.bias, expected.intercept_, atol=1e-10)


def test_each_column_gets_the_penalty_that_a_search_over_the_same_folds_finds():
    random, features, fold = drawn(1, rows=40, width=30)
    targets = targets_of(random, features, noise=np.array([0.1, 5.0, 60.0]))
    fit = fit_ridge(features, np.arange(len(features)), targets, fold, PENALTIES)
    for column in range(targets.shape[1]):
        # pooled over rows, and not averaged over folds of several sizes
        errors = []
        for penalty in PENALTIES:
            off = np.concatenate(
                [
                    Ridge(alpha=penalty)
                    .fit(features[fold != number].astype(np.float64), targets[fold != number, column])
                    .predict(features[fold == number].astype(np.float64))
                    - targets[fold == number, column]
                    for number in range(5)
                ]
            )
            errors.append((off**2).mean())
        assert fit.penalty[column] == PENALTIES[int(np.argmin(errors))]
        assert fit.error[column] == pytest.approx(min(errors), rel=1e-9)
    assert len(set(fit.penalty.tolist())) > 1


def test_one_penalty_for_all_columns_is_that_of_a_grid_search():
    random, features, fold = drawn(2, rows=100, width=60)
    fold = np.arange(100) % 5
    targets = targets_of(random, features, noise=9.0)
    fit = fit_ridge(features, np.arange(100), targets, fold, PENALTIES, is_one_penalty=True)
    search = GridSearchCV(Ridge(), {"alpha": PENALTIES}, cv=PredefinedSplit(fold), scoring="neg_mean_squared_error")
    search.fit(features.astype(np.float64), targets)
    assert set(fit.penalty.tolist()) == {search.best_params_["alpha"]}
    assert fit.error.mean() == pytest.approx(-search.best_score_, rel=1e-9)


def test_held_out_scores_are_those_of_the_fit_without_the_fold():
    random, features, fold = drawn(3)
    targets = targets_of(random, features)
    fit = fit_ridge(features, np.arange(len(features)), targets, fold, [10.0])
    for number in range(5):
        without = Ridge(alpha=10.0).fit(features[fold != number].astype(np.float64), targets[fold != number])
        expected = without.predict(features[fold == number].astype(np.float64))
        np.testing.assert_allclose(fit.held_out[fold == number], expected, atol=1e-9)


@given(st.integers(0, 1000), st.integers(1, 60))
def test_rows_that_are_not_named_and_the_order_of_the_others_change_nothing(seed, more):
    random, features, fold = drawn(seed, rows=40, width=4)
    targets = targets_of(random, features)
    rows = random.permutation(40)
    longer = np.concatenate([features, random.normal(size=(more, 4)).astype(np.float32) * 100])
    one = fit_ridge(features, np.arange(40), targets, fold, PENALTIES)
    other = fit_ridge(longer, rows, targets[rows], fold[rows], PENALTIES)
    np.testing.assert_allclose(one.weight, other.weight, atol=1e-8)
    np.testing.assert_allclose(one.held_out[rows], other.held_out, atol=1e-8)


def test_chunks_add_up_to_the_whole(monkeypatch):
    random, features, fold = drawn(4)
    targets = targets_of(random, features)
    whole = fit_ridge(features, np.arange(len(features)), targets, fold, PENALTIES)
    monkeypatch.setattr("abawbench.training.ridge.CHUNK", 7)
    parts = fit_ridge(features, np.arange(len(features)), targets, fold, PENALTIES)
    np.testing.assert_allclose(whole.weight, parts.weight, atol=1e-10)
    np.testing.assert_allclose(whole.held_out, parts.held_out, atol=1e-10)


def test_calibration_finds_the_scale_and_the_offsets_that_made_the_classes():
    random = np.random.default_rng(5)
    scores = random.normal(size=(40_000, 3))
    odds = softmax(2.5 * scores + [0.0, 1.0, -1.0])
    classes = (random.random(len(odds))[:, np.newaxis] > odds.cumsum(axis=1)).sum(axis=1)
    scale, offsets = calibrate(scores, classes)
    assert scale == pytest.approx(2.5, rel=0.03)
    np.testing.assert_allclose(offsets - offsets[0], [0.0, 1.0, -1.0], atol=0.06)


def test_scores_that_separate_the_classes_do_not_make_certain_probabilities():
    classes = np.repeat([0, 1], 20)
    scores = np.eye(2)[classes] + np.random.default_rng(6).normal(size=(40, 2)) * 0.01
    scale, offsets = calibrate(scores, classes)
    # 21 / 22 by Platt
    assert softmax(scale * scores + offsets).max(axis=1) == pytest.approx(21 / 22, abs=0.01)


def test_scores_against_the_classes_count_for_nothing():
    classes = np.repeat([0, 1], [30, 10])
    scale, offsets = calibrate(-np.eye(2)[classes], classes)
    assert scale == 0
    assert softmax(offsets[np.newaxis])[0] == pytest.approx([0.73, 0.27], abs=0.02)


def test_a_class_that_never_occurs_has_the_probability_0():
    _, features, fold = drawn(7)
    classes = np.where(features[:, 0] > 0, 2, 0)
    fit = fit_task(EXPRESSION, classes, np.ones(120, bool), features, fold, PENALTIES)
    odds = softmax(features @ fit.weight + fit.bias)
    assert fit.unseen == ("Anger", "Other")
    assert (odds[:, [1, 3]] == 0).all()
    assert (odds.argmax(axis=1) == classes).mean() > 0.9


def test_one_class_alone_is_always_answered():
    _, features, fold = drawn(8)
    fit = fit_task(EXPRESSION, np.full(120, 2), np.ones(120, bool), features, fold, PENALTIES)
    assert (softmax(features @ fit.weight + fit.bias)[:, 2] == 1).all()


def test_labels_are_fitted_each_on_its_own_rows():
    random, features, fold = drawn(9)
    values = np.stack([features[:, 0] > 0, features[:, 1] > 1, np.zeros(120)], axis=1).astype(np.float32)
    annotated = np.ones((120, 3), bool)
    annotated[:60, 1] = False
    scrambled = values.copy()
    scrambled[:60, 1] = random.integers(0, 2, 60)
    one, other = (fit_task(UNITS, own, annotated, features, fold, PENALTIES) for own in (values, scrambled))
    np.testing.assert_array_equal(one.weight, other.weight)
    odds = sigmoid(features @ one.weight + one.bias)
    assert ((odds[:, 0] >= 0.5) == values[:, 0]).mean() > 0.95
    assert ((odds[60:, 1] >= 0.5) == values[60:, 1]).mean() > 0.85
    assert (odds[:, 2] == 0).all()


def test_a_label_without_annotation_is_never_on():
    _, features, fold = drawn(10)
    annotated = np.ones((120, 3), bool)
    annotated[:, 1] = False
    fit = fit_task(UNITS, (features[:, :3] > 0).astype(np.float32), annotated, features, fold, PENALTIES)
    assert fit.unseen == ("AU2",)
    assert (sigmoid(features @ fit.weight + fit.bias)[:, 1] == 0).all()
    assert fit.bias[1] == NEVER


def test_continuous_columns_are_plain_ridge_regressions():
    random, features, fold = drawn(11)
    values = targets_of(random, features, columns=2).astype(np.float32)
    fit = fit_task(VA, values, np.ones((120, 2), bool), features, fold, [10.0])
    expected = Ridge(alpha=10.0).fit(features.astype(np.float64), values)
    np.testing.assert_allclose(fit.weight, expected.coef_.T, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_random_features_give_the_shares_of_the_classes(seed):
    random, features, fold = drawn(seed, rows=400, width=40)
    classes = random.choice(4, 400, p=[0.55, 0.25, 0.15, 0.05])
    fit = fit_task(EXPRESSION, classes, np.ones(400, bool), features, fold, [10.0**power for power in range(-2, 8)])
    fresh = random.normal(size=(1000, 40)).astype(np.float32)
    odds = softmax(fresh @ fit.weight + fit.bias)
    shares = np.bincount(classes, minlength=4) / 400
    assert np.abs(odds.mean(axis=0) - shares).max() < 0.05
    drawn_classes = random.choice(4, 1000, p=[0.55, 0.25, 0.15, 0.05])
    entropy = -(shares * np.log(shares)).sum()
    assert -np.log(odds[np.arange(1000), drawn_classes]).mean() < entropy + 0.12
