"""Expressions and action units hang together as the table says, as another one says, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from abawbench.labels import ACTION_UNITS_12, ACTION_UNITS_17, COMPOUND_11, EXPRESSIONS_7
from abawbench.synthetic.corpus import make_footage
from abawbench.synthetic.noise import stream
from abawbench.synthetic.relations import EPISODES, PROFILES, TRUE_RELATIONS, make_relations
from abawbench.synthetic.settings import CorpusSettings

TWELVE = [ACTION_UNITS_17.index(unit) for unit in ACTION_UNITS_12]


@pytest.mark.parametrize("seed", range(20))
def test_permuted_rows_are_those_of_other_expressions(seed):
    profiles = make_relations("permuted", stream(seed)).profiles
    for names in (EXPRESSIONS_7[1:], COMPOUND_11):
        rows = [EPISODES.index(name) for name in names]
        assert all(not np.array_equal(profiles[row], PROFILES[row]) for row in rows)
        assert sorted(map(tuple, profiles[rows])) == sorted(map(tuple, PROFILES[rows]))
    assert not profiles[EPISODES.index("Neutral")].any()


def test_the_seed_decides_who_has_whose_row():
    found = {make_relations("permuted", stream(seed)).profiles.tobytes() for seed in range(10)}
    assert len(found) > 5
    assert make_relations("true", stream(0)) is TRUE_RELATIONS


def table(kind):
    """Share of the frames of each expression that show each of the 12 action units, and of all frames."""
    footage = make_footage(CorpusSettings(250, 300, 2, ("imbalance",), pictures=False, relatedness=kind))
    shown, expression = footage.action_units[:, TWELVE] >= 0.25, footage.expression
    return np.stack([shown[expression == row].mean(axis=0) for row in range(8)]), shown.mean(axis=0), footage


def test_in_a_permuted_corpus_expressions_show_the_rows_of_others():
    found, _, footage = table("permuted")
    relations = make_relations("permuted", stream(2, 8))
    for row, name in enumerate(EXPRESSIONS_7[1:], 1):
        own, drawn = PROFILES[EPISODES.index(name), TWELVE], relations.profiles[EPISODES.index(name), TWELVE]
        assert np.corrcoef(found[row], drawn)[0, 1] > 0.95
        assert np.corrcoef(found[row], own)[0, 1] < 0.9
    assert footage.settings.relatedness == "permuted"


def test_in_an_unrelated_corpus_the_twelve_do_not_tell_the_expression_and_the_other_five_do():
    found, overall, footage = table("unrelated")
    true, base, _ = table("true")
    unrelated, related = np.abs(found - overall), np.abs(true - base)
    assert unrelated.mean() < related.mean() / 5
    assert unrelated.max() < 0.15
    assert overall == pytest.approx(base, abs=0.05)
    others = np.setdiff1d(np.arange(17), TWELVE)
    shown = footage.action_units[:, others] >= 0.25
    # the usual combination of the five names the expression
    codes = shown @ (1 << np.arange(5))
    counts = np.zeros((32, 8))
    np.add.at(counts, (codes, footage.expression), 1)
    assert counts.max(axis=1).sum() / counts.sum() > 0.75
