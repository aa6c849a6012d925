"""The model of a face and of what is felt: ranges, smoothness, shares, and how the tasks hang together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.labels import ACTION_UNITS_17, COMPOUND_11, EXPRESSIONS_7, EXPRESSIONS_8, relatedness
from abawbench.synthetic import relations
from abawbench.synthetic.affect import (
    FRAME_RATE,
    PUBLISHED_SHARES,
    affect_of,
    episode_shares,
    make_course,
    make_temperament,
)
from abawbench.synthetic.noise import moving_mean, stream
from abawbench.synthetic.relations import EPISODES, PROFILES


def course(seed: int, frames: int):
    return make_course(make_temperament(stream(seed, 1)), frames, stream(seed, 2), episode_shares())


@pytest.fixture(scope="module")
def many():
    return [course(seed, 1500) for seed in range(120)]


def joined(courses, field):
    return np.concatenate([getattr(part, field) for part in courses])


@given(st.integers(0, 10_000), st.integers(1, 700))
def test_intensities_and_affect_stay_in_their_ranges_and_move_smoothly(seed, frames):
    one = course(seed, frames)
    assert one.action_units.shape == (frames, 17)
    assert one.action_units.min() >= 0
    assert one.action_units.max() <= 1
    assert np.abs(one.affect).max() <= 1
    assert np.abs(np.diff(one.action_units, axis=0)).max(initial=0) < 0.5
    assert np.abs(np.diff(one.affect, axis=0)).max(initial=0) < 0.5
    assert set(one.expression.tolist()) <= set(range(8))


def test_equal_streams_give_equal_courses_and_others_do_not():
    one, same, other = course(3, 200), course(3, 200), course(4, 200)
    assert np.array_equal(one.action_units, same.action_units)
    assert np.array_equal(one.affect, same.affect)
    assert not np.array_equal(one.action_units, other.action_units)


def test_expressions_are_as_frequent_as_in_the_tenth_edition(many):
    share = np.bincount(joined(many, "expression"), minlength=8) / 180_000
    assert share == pytest.approx(PUBLISHED_SHARES, abs=0.03)


def test_every_episode_occurs_and_other_holds_the_compound_ones(many):
    episode, expression = joined(many, "episode"), joined(many, "expression")
    assert set(episode.tolist()) == set(range(len(EPISODES)))
    for name in COMPOUND_11:
        assert set(expression[episode == EPISODES.index(name)].tolist()) == {EXPRESSIONS_8.index("Other")}
    for place, name in enumerate(EXPRESSIONS_7):
        assert np.array_equal(expression == place, episode == EPISODES.index(name))


def inside(part):
    """Frames away from every border of an episode."""
    borders = np.flatnonzero(np.diff(part.episode)) + 1
    far = np.ones(len(part.episode), bool)
    for border in borders:
        far[max(border - 10, 0) : border + 10] = False
    return far


def test_prototypical_units_are_always_there_and_observational_ones_in_their_share(many):
    far = np.concatenate([inside(part) for part in many])
    units, episode = joined(many, "action_units")[far], joined(many, "episode")[far]
    for name in ("Happiness", "Sadness", "Surprise"):
        rows = units[episode == EPISODES.index(name)]
        for unit, relation in relatedness()[name].items():
            present = (rows[:, ACTION_UNITS_17.index(unit)] > 0.2).mean()
            if relation.is_prototypical:
                assert present > 0.99, (name, unit)
            else:
                assert present == pytest.approx(relation.weight, abs=0.15), (name, unit)


def test_people_differ_in_what_they_do_beside_the_prototype():
    one, two = make_temperament(stream(0, 1)), make_temperament(stream(0, 2))
    one, two = (each.restraint < PROFILES for each in (one, two))
    assert not np.array_equal(one, two)
    assert not (one & (PROFILES == 0)).any()
    assert one[PROFILES == 1].all()


def test_a_face_at_rest_has_the_resting_affect_and_mood_is_added_before_the_tangent():
    still, mood = np.zeros((60, 17)), np.zeros((60, 2))
    assert affect_of(still, mood)[30] == pytest.approx([0, np.tanh(-0.1)])
    assert affect_of(still, mood + np.array([0.3, 0.2]))[30] == pytest.approx([np.tanh(0.3), np.tanh(0.1)])


def test_affect_by_hand_for_a_held_smile_and_a_held_frown():
    still = np.zeros((60, 17))
    smile, frown = still.copy(), still.copy()
    smile[:, ACTION_UNITS_17.index("AU12")] = 0.8
    frown[:, [ACTION_UNITS_17.index("AU4"), ACTION_UNITS_17.index("AU15")]] = 1
    assert affect_of(smile, np.zeros((60, 2)))[30] == pytest.approx([np.tanh(0.76), np.tanh(0.06)])
    assert affect_of(frown, np.zeros((60, 2)))[30] == pytest.approx([np.tanh(-1), np.tanh(-0.45)])


def test_movement_raises_arousal_alone():
    moving = np.zeros((90, 17))
    moving[:, ACTION_UNITS_17.index("AU11")] = 0.5 + 0.5 * np.sin(np.arange(90))
    still = np.full_like(moving, moving.mean(axis=0))
    drawn, held = affect_of(moving, np.zeros((90, 2)))[20:70], affect_of(still, np.zeros((90, 2)))[20:70]
    assert (drawn[:, 1] > held[:, 1] + 0.01).all()


def test_happiness_is_pleasant_sadness_is_calm_and_unpleasant_fear_is_aroused(many):
    expression, values = joined(many, "expression"), joined(many, "affect")
    mean = {name: values[expression == place].mean(axis=0) for place, name in enumerate(EXPRESSIONS_8)}
    assert mean["Happiness"][0] > 0.5
    assert mean["Sadness"][0] < -0.4
    assert mean["Sadness"][1] < mean["Neutral"][1]
    assert mean["Fear"][1] > 0.5
    assert abs(mean["Neutral"][0]) < 0.1


def concordance(truth, guess):
    return 2 * np.cov(truth, guess, bias=True)[0, 1] / (truth.var() + guess.var() + (truth.mean() - guess.mean()) ** 2)


def fit(features, target):
    padded = np.column_stack([features, np.ones(len(features))])
    return np.linalg.lstsq(padded, target, rcond=None)[0]


def predict(weights, features):
    return np.column_stack([features, np.ones(len(features))]) @ weights


def halves(many):
    return many[:60], many[60:]


def test_action_units_tell_valence_arousal_and_expression_well_but_not_perfectly(many):
    seen, held_out = halves(many)
    units, affect_seen = joined(seen, "action_units"), joined(seen, "affect")
    guess = predict(fit(units, affect_seen), joined(held_out, "action_units"))
    for column in (0, 1):
        assert 0.5 < concordance(joined(held_out, "affect")[:, column], guess[:, column]) < 0.95
    one_hot = np.eye(8)[joined(seen, "expression")]
    chosen = predict(fit(units, one_hot), joined(held_out, "action_units")).argmax(axis=1)
    assert 0.55 < (chosen == joined(held_out, "expression")).mean() < 0.95


def noisy_units(courses, seed):
    """What a static network may see of a face: each frame's action units through noise of its own."""
    units = joined(courses, "action_units")
    return units + np.random.default_rng(seed).normal(0, 0.2, units.shape)


def test_one_task_helps_another(many):
    seen, held_out = halves(many)
    truth = joined(held_out, "affect")[:, 0]
    alone = fit(noisy_units(seen, 0), joined(seen, "affect")[:, 0])
    beside = np.eye(8)
    both = fit(
        np.column_stack([noisy_units(seen, 0), beside[joined(seen, "expression")]]), joined(seen, "affect")[:, 0]
    )
    without = concordance(truth, predict(alone, noisy_units(held_out, 1)))
    features = np.column_stack([noisy_units(held_out, 1), beside[joined(held_out, "expression")]])
    assert concordance(truth, predict(both, features)) > without + 0.01


def with_context(courses, seed, frames):
    units = noisy_units(courses, seed).reshape(len(courses), -1, 17)
    around = np.concatenate([moving_mean(part, frames) for part in units])
    return np.column_stack([units.reshape(-1, 17), around])


def test_what_went_before_and_after_tells_more_than_the_frame_alone(many):
    seen, held_out = halves(many)
    truth = joined(held_out, "affect")
    alone = predict(fit(noisy_units(seen, 0), joined(seen, "affect")), noisy_units(held_out, 1))
    fitted = fit(with_context(seen, 0, 2 * FRAME_RATE), joined(seen, "affect"))
    context = predict(fitted, with_context(held_out, 1, 2 * FRAME_RATE))
    for column in (0, 1):
        better = concordance(truth[:, column], context[:, column])
        assert better > concordance(truth[:, column], alone[:, column]) + 0.05


def test_every_action_unit_has_a_place_on_the_plane():
    assert tuple(relations.DRIVE) == ACTION_UNITS_17
