from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from abawbench.training.synthesis.enlarge import plan_faces

FACES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=60)


@given(FACES, st.integers(0, 5))
def test_the_plan_fills_every_cell_and_makes_the_classes_even(faces, seed):
    person, label = np.array(faces).T
    plan = plan_faces(person, label, 5, seed)
    # no face becomes what it is, nor the same twice
    assert (label[plan.source] != plan.target).all()
    assert len({*zip(plan.source.tolist(), plan.target.tolist(), strict=True)}) == len(plan.source)
    known = np.unique(label)
    whole = {*faces, *zip(person[plan.source].tolist(), plan.target.tolist(), strict=True)}
    assert whole == {(a, b) for a in {a for a, _ in faces} for b in known.tolist()}
    counts = np.bincount(np.concatenate([label, plan.target]), minlength=5)
    assert len({*counts[known].tolist()}) == 1
    assert counts[np.setdiff1d(np.arange(5), known)].sum() == 0


def test_one_person_lacks_one_expression():
    person, label = np.array([0, 0, 1]), np.array([0, 1, 0])
    plan = plan_faces(person, label, 2, 0)
    # the second person's other expression comes first, and evens the classes
    assert (plan.source.tolist(), plan.target.tolist()) == ([2], [1])
