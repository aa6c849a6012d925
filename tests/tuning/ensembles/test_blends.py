"""Blends and the searches for their weights: equal to the plain loop, to Caruana by hand, and honest on noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abawbench.challenges import get
from abawbench.tuning.ensembles.blends import blend_of
from abawbench.tuning.ensembles.rank_average import LabelRanks, from_ranks, ranks_for, ranks_of_classes, to_ranks
from abawbench.tuning.ensembles.searches import Greedy, joint, simplex
from abawbench.tuning.inputs.labelled import Labelled, whole_figure_of
from abawbench.tuning.search.crossfit import Plan, crossfit, deal_folds

CHALLENGES = [get("abaw6-va"), get("abaw6-expr"), get("abaw6-au")]
CLUSTERS = 7


def rows_of(challenge, seed, *, members=4, rows=120, skill=0.5, certain=False):
    """Rows of imaginary members, in no order of their clusters; one cluster has none."""
    generator = np.random.default_rng(seed)
    (task,) = challenge.tasks
    cluster = generator.integers(0, CLUSTERS - 1, rows)
    shape = (members, rows, task.width)
    if task.is_real:
        truth = generator.uniform(-1, 1, (rows, task.width))
        answers = np.clip(skill * truth + generator.normal(0, 0.3, shape), -1, 1)
    elif task.is_vector:
        truth = (generator.random((rows, task.width)) < 0.3).astype(np.int8)
        answers = skill * truth + (1 - skill) * generator.random(shape)
        answers = np.rint(answers) if certain else answers
    else:
        truth = generator.integers(0, task.width, rows).astype(np.int8)
        answers = generator.dirichlet(np.ones(task.width), (members, rows))
        answers[:, np.arange(rows), truth] += skill
        answers /= answers.sum(-1, keepdims=True)
        answers = np.eye(task.width)[answers.argmax(-1)] if certain else answers
    return of_rows(task, answers, truth, cluster, CLUSTERS)


def of_rows(task, answers, truth, cluster, clusters):
    index = np.arange(len(truth))
    pilots = np.repeat(truth.mean(0)[:, None], 2, axis=1) if task.is_real else None
    return Labelled(task, truth, cluster, clusters, index, index, pilots), answers


def plain(rows, answers, weights):
    """The statistics of the mean with these weights by the functions that score a table, row by row."""
    mean = sum(weight * own for weight, own in zip(weights, answers, strict=True)) / sum(weights)
    return rows.statistics(mean)


@pytest.mark.parametrize("challenge", CHALLENGES, ids=lambda challenge: challenge.id)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any))
def test_statistics_of_any_weights_are_those_of_the_plain_loop(challenge, seed, counts):
    rows, answers = rows_of(challenge, seed)
    blend = blend_of(rows, answers)
    weights = np.array(counts, float)
    assert blend.of(weights) == pytest.approx(plain(rows, answers, counts), abs=1e-10)
    moves = [(0, 1.0), (1, 1.0), (2, 0.25), (counts.index(max(counts)), -0.5)]
    for (member, amount), found in zip(moves, blend.moved(weights, moves), strict=True):
        more = weights + amount * np.eye(4)[member]
        assert found == pytest.approx(plain(rows, answers, more), abs=1e-10)


@pytest.mark.parametrize("challenge", CHALLENGES[1:], ids=lambda challenge: challenge.id)
def test_ties_of_certain_members_are_decided_as_in_the_mean_itself(challenge):
    rows, answers = rows_of(challenge, 3, certain=True)
    blend = blend_of(rows, answers)
    for counts in ((1, 1, 0, 0), (1, 1, 1, 1), (3, 1, 1, 1), (2, 1, 2, 1)):
        assert np.array_equal(blend.of(np.array(counts, float)), plain(rows, answers, counts))


def label_rows(answers, truth):
    width = get("abaw6-au").tasks[0].width
    columns = [np.repeat(np.array(column)[:, None], width, axis=1) for column in answers]
    known = np.repeat(np.array(truth, np.int8)[:, None], width, axis=1)
    return of_rows(get("abaw6-au").tasks[0], np.stack(columns), known, np.arange(len(truth)) % 2, 2)


def test_a_selection_by_hand():
    # alone, F1 = 2 TP / (2 TP + FP + FN): a finds two of three, 4 / 5; b one, and one that is none, 2 / 5; c none, 0
    truth = [1, 1, 1, 0, 0, 0]
    a = [0.9, 0.9, 0.2, 0.1, 0.1, 0.1]
    b = [0.4, 0.1, 0.9, 0.6, 0.1, 0.1]
    c = [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]
    rows, answers = label_rows([a, b, c], truth)
    blend, figure = blend_of(rows, answers), whole_figure_of(get("abaw6-au"), rows)
    singles = figure(blend.moved(np.zeros(3), [(0, 1.0), (1, 1.0), (2, 1.0)]).sum(1))
    assert singles == pytest.approx([4 / 5, 2 / 5, 0])
    # means of a and b: .65 .5 .55 .35 .1 .1, so all six rows are right
    (bag,) = Greedy(blend, figure).fit(np.ones((1, 2)))
    assert bag == (1, 1, 0)
    assert figure(blend.of(np.array(bag, float)).sum(0)) == pytest.approx(1)


def test_a_member_is_taken_twice_where_that_is_better():
    truth = [1, 1, 0, 0]
    a = [0.9, 0.45, 0.2, 0.2]
    b = [0.2, 0.70, 0.8, 0.1]
    rows, answers = label_rows([a, b], truth)
    blend, figure = blend_of(rows, answers), whole_figure_of(get("abaw6-au"), rows)
    # a alone misses the second row, the mean of both takes the third in: .55 .575 .5 .15; two parts of a do neither
    assert figure(blend.of(np.ones(2)).sum(0)) == pytest.approx(4 / 5)
    (bag,) = Greedy(blend, figure).fit(np.ones((1, 2)))
    assert bag == (2, 1)
    assert figure(blend.of(np.array(bag, float)).sum(0)) == pytest.approx(1)


def loop_over_bags(rows, answers, figure, picks, patience, first):
    """Greedy selection as a plain loop that scores every bag by its rows."""

    def value(bag):
        return float(figure(plain(rows, answers, bag).sum(0)))

    members = len(answers)
    order = sorted(range(members), key=lambda member: -value([int(member == other) for other in range(members)]))
    sizes = [*range(1, min(first, members - 1) + 1), members]
    starts = [tuple(int(member in order[:size]) for member in range(members)) for size in sizes]
    bag = best = max(starts, key=value)
    since = 0
    for _ in range(picks):
        if since == patience:
            break
        larger = [tuple(count + (other == member) for other, count in enumerate(bag)) for member in range(members)]
        bag = max(larger, key=value)
        best, since = (bag, 0) if value(bag) > value(best) + 1e-12 else (best, since + 1)
    return best


@pytest.mark.parametrize("challenge", CHALLENGES, ids=lambda challenge: challenge.id)
@pytest.mark.parametrize("seed", range(4))
def test_the_greedy_selection_is_that_of_a_loop(challenge, seed):
    rows, answers = rows_of(challenge, seed)
    blend, figure = blend_of(rows, answers), whole_figure_of(challenge, rows)
    search = Greedy(blend, figure)
    (bag,) = search.fit(np.ones((1, CLUSTERS)))
    expected = loop_over_bags(rows, answers, figure, 20, 3, 10)
    assert bag == expected
    found = figure(search.sums([bag], np.ones((1, CLUSTERS))))[0]
    assert found == pytest.approx(float(figure(plain(rows, answers, expected).sum(0))), abs=1e-12)


@pytest.mark.parametrize("challenge", CHALLENGES, ids=lambda challenge: challenge.id)
@pytest.mark.parametrize("make", [Greedy, simplex], ids=["greedy", "simplex"])
def test_a_search_is_never_below_equal_weights_where_it_searches(challenge, make):
    for seed in range(5):
        rows, answers = rows_of(challenge, seed)
        blend, figure = blend_of(rows, answers), whole_figure_of(challenge, rows)
        search, everything = make(blend, figure), np.ones((1, CLUSTERS))
        chosen = search.fit(everything)
        found = figure(search.sums(chosen, everything))[0]
        assert found >= figure(search.untouched(everything))[0] - 1e-12
        assert sum(chosen[0]) == pytest.approx(1 if make is simplex else sum(chosen[0]))
        assert min(chosen[0]) >= 0


def test_every_weighting_finds_what_it_finds_alone():
    challenge = CHALLENGES[1]
    rows, answers = rows_of(challenge, 1)
    blend, figure = blend_of(rows, answers), whole_figure_of(challenge, rows)
    weights = np.random.default_rng(0).integers(0, 3, (6, CLUSTERS)).astype(float)
    together = Greedy(blend, figure).fit(weights)
    assert together == [Greedy(blend, figure).fit(row[None])[0] for row in weights]


def test_a_search_among_members_of_noise_promises_more_than_it_keeps():
    challenge = get("abaw6-expr")
    optimism = []
    for seed in range(6):
        rows, answers = rows_of(challenge, seed, members=8, rows=300, skill=0.0)
        blend, figure = blend_of(rows, answers), whole_figure_of(challenge, rows)
        folds = deal_folds(np.bincount(rows.cluster, minlength=CLUSTERS)[:-1] + 0.0, folds=3, repeats=3)
        folds = np.column_stack([folds, np.zeros(3, np.int64)])
        found = crossfit(Greedy(blend, figure), Plan(folds))
        optimism.append(found.optimism)
        fixed = crossfit(joint(blend.of(np.ones(8))[None], figure), Plan(folds))
        assert fixed.optimism == pytest.approx(0, abs=1e-12)
    assert np.mean(optimism) > 0.02


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_ranks_of_one_member_bring_its_decisions_back(seed):
    (task,) = get("abaw6-au").tasks
    answers = np.random.default_rng(seed).random((1, 500, task.width)) ** 2
    ranks, known = ranks_for(task, answers)
    assert known is not None
    weights = np.ones(1)
    back = from_ranks(ranks[0], weights, known.members, known.mean_quantiles(weights))
    assert np.abs(back - answers[0]).max() < 0.05
    assert np.mean((back >= 0.5) != (answers[0] >= 0.5)) < 0.01
    assert np.array_equal(ranks[0] >= known.threshold(weights), back >= 0.5)


def test_ranks_ignore_how_sure_a_member_says_it_is():
    (task,) = get("abaw6-au").tasks
    answers = np.random.default_rng(0).random((2, 400, task.width))
    bent = np.stack([answers[0], answers[1] ** 9])
    plain_ranks, bent_ranks = ranks_for(task, answers)[0], ranks_for(task, bent)[0]
    assert np.abs(plain_ranks - bent_ranks).max() < 0.01


def test_ranks_of_certain_labels_and_of_labels_that_never_occur_are_defined():
    (task,) = get("abaw6-au").tasks
    answers = (np.random.default_rng(0).random((3, 100, task.width)) < 0.2).astype(float)
    answers[..., 0] = 0.0
    answers[..., 1] = 1.0
    known = LabelRanks.of(answers)
    weights = np.array([1.0, 2.0, 0.0])
    mean = np.tensordot(weights / 3, to_ranks(answers, known.members), axes=1)
    back = from_ranks(mean, weights, known.members, known.mean_quantiles(weights))
    assert np.isfinite(back).all()
    assert not (back[:, 0] >= 0.5).any()
    assert (back[:, 1] >= 0.5).all()
    assert np.array_equal(mean >= known.threshold(weights), back >= 0.5)


def test_ranks_within_a_frame_are_probabilities():
    answers = np.random.default_rng(0).dirichlet(np.ones(8), (2, 50))
    answers[0, 0] = 1 / 8
    ranks = ranks_of_classes(answers)
    assert ranks.sum(-1) == pytest.approx(np.ones((2, 50)), abs=1e-12)
    assert ranks[0, 0] == pytest.approx(np.full(8, 1 / 8), abs=1e-12)
    assert np.array_equal(ranks.argmax(-1), answers.argmax(-1))
