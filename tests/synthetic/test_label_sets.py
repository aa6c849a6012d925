"""Numbers of labels, their overlap and wrong labels are as asked, in training alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abawbench.base.problems import ProblemError
from abawbench.synthetic.corpus import make_footage
from abawbench.synthetic.label_sets import choose_labelled, flip_labels
from abawbench.synthetic.noise import stream
from abawbench.synthetic.quirks import Labels
from abawbench.synthetic.settings import CorpusSettings

PLAIN = CorpusSettings(12, 60, 5, pictures=False)
ROWS = np.arange(10, 210)


def chosen(**dials):
    masks = {task: np.ones(220, bool) for task in ("va", "expression", "action_units")}
    tasks = choose_labelled(replace(PLAIN, **dials), ROWS, masks, stream(5))
    assert all(mask[:10].all() and mask[210:].all() for mask in masks.values())
    return tasks, {task: mask[10:210] for task, mask in masks.items()}


@given(st.integers(1, 200), st.integers(1, 200), st.floats(0, 1))
def test_counts_and_overlap_are_exact_or_refused(one, other, overlap):
    shared = round(overlap * min(one, other))
    dials = {"labelled": {"expression": one, "action_units": other}, "overlap": overlap}
    if one + other - shared > 200:
        with pytest.raises(ProblemError, match=r"D52[\s\S]*at most 200"):
            chosen(**dials)
        return
    tasks, masks = chosen(**dials)
    assert set(tasks) == {"expression", "action_units"}
    assert (masks["expression"].sum(), masks["action_units"].sum()) == (one, other)
    assert (masks["expression"] & masks["action_units"]).sum() == shared
    assert masks["va"].all()


@given(st.floats(0, 1))
def test_an_overlap_alone_leaves_as_many_labels_of_both_as_there_is_room_for(overlap):
    _, masks = chosen(overlap=overlap)
    one, both = masks["expression"].sum(), (masks["expression"] & masks["action_units"]).sum()
    assert one == masks["action_units"].sum()
    assert both == round(overlap * one)
    assert 2 * one - both <= 200
    assert 2 * (one + 1) - overlap * (one + 1) > 200


def test_without_dials_nothing_changes_and_more_labels_contain_fewer():
    assert chosen()[0] == ()
    few, many = (chosen(labelled={"va": count})[1]["va"] for count in (20, 90))
    assert (few <= many).all()
    assert (few.sum(), many.sum()) == (20, 90)


def test_the_training_rows_of_a_corpus_have_as_many_labels_as_asked_and_other_splits_theirs():
    asked = replace(PLAIN, labelled={"expression": 30, "action_units": 50}, overlap=0.5)
    dialled, plain = make_footage(asked), make_footage(PLAIN)
    train = np.unique(dialled.listed["train"])
    assert dialled.annotated["expression"][train].sum() == 30
    assert dialled.annotated["action_units"][train].sum() == 50
    assert (dialled.annotated["expression"] & dialled.annotated["action_units"])[train].sum() == 15
    assert np.array_equal(dialled.annotated["va"], plain.annotated["va"])
    for split in ("validation", "test"):
        rows = dialled.listed[split]
        assert np.array_equal(dialled.annotated["expression"][rows], plain.annotated["expression"][rows])
    # a unit is in the files of a task if it has a label of it
    for place in dialled.of_split("train"):
        rows = dialled.rows_of([place])
        assert dialled.lacking["action_units"][place] == (not dialled.annotated["action_units"][rows].any())


def test_a_share_of_the_training_labels_is_wrong_and_the_truth_is_not():
    right, wrong = make_footage(PLAIN), make_footage(replace(PLAIN, flipped=0.2))
    train = np.unique(right.listed["train"])
    others = np.setdiff1d(np.arange(len(right.episode)), train)
    for name in ("expression", "action_units"):
        differs = getattr(right.labels, name) != getattr(wrong.labels, name)
        assert differs[train].mean() == pytest.approx(0.2, abs=0.05)
        assert not differs[others].any()
    assert np.array_equal(right.labels.affect, wrong.labels.affect)
    assert np.array_equal(right.action_units, wrong.action_units)
    assert np.array_equal(right.episode, wrong.episode)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 100))
def test_what_is_wrong_for_a_share_is_wrong_for_a_greater_one(one, other, seed):
    def flipped(share):
        labels = Labels(np.zeros((50, 2)), np.zeros(50, np.int8), np.zeros((50, 12), np.int8))
        flip_labels(labels, np.arange(50), share, stream(seed))
        return labels

    less, more = flipped(min(one, other)), flipped(max(one, other))
    assert ((less.expression > 0) <= (more.expression > 0)).all()
    assert (less.action_units <= more.action_units).all()
    assert set(more.expression.tolist()) <= set(range(8))
