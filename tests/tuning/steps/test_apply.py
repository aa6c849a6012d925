from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.challenges import get
from abawbench.inference.store import read_store
from abawbench.tuning.inputs.stream import read_stream, table_of_stream
from abawbench.tuning.steps.apply import apply_tuned, read_tuned_store
from abawbench.tuning.steps.kinds import Gate
from abawbench.tuning.steps.transforms import apply_step
from abawbench.tuning.steps.tuned import identity_of
from tests.tuning.conftest import CARD, MTL, random_unit, write_store
from tests.tuning.inputs.test_stream import same_rows

OTHER = replace(CARD, name="2026_test_other")


@pytest.fixture
def other(tmp_path):
    random = np.random.default_rng(9)
    units = [random_unit(name, frames, random, card=OTHER) for name, frames in (("a", 40), ("b", 25), ("c", 1))]
    return write_store(tmp_path / "other", units, OTHER)


@pytest.fixture
def fitting(tuned, store, other):
    """Values with a step of every kind for the two stores."""
    tasks = {
        name: tuple(replace(step, identity=identity_of(other)) if isinstance(step, Gate) else step for step in steps)
        for name, steps in tuned.tasks.items()
    }
    return replace(tuned, tasks=tasks, fitted=replace(tuned.fitted, identity=identity_of(store)))


def test_steps_are_applied_one_after_the_other(store, other, fitting):
    expected = read_stream(store, MTL)
    second = read_stream(other, MTL)
    for task in MTL.tasks:
        for step in fitting.tasks[task.name]:
            expected = apply_step(expected, task, step, second)
    found = read_tuned_store(MTL, store, fitting, gate=other)
    same_rows(found, table_of_stream(expected, MTL))
    untuned = read_store(MTL, store.root)
    assert len(found) > len(untuned)


def test_values_without_steps_change_nothing(store, fitting):
    same_rows(read_tuned_store(MTL, store, replace(fitting, tasks={})), read_store(MTL, store.root))


def test_values_fitted_on_one_split_apply_to_the_store_of_another(tmp_path, fitting, other):
    units = [random_unit("test1", 30, np.random.default_rng(4))]
    elsewhere = write_store(tmp_path / "elsewhere", units, device="cuda", fill="nearest")
    found = read_tuned_store(MTL, elsewhere, fitting, gate=other)
    stream = read_stream(elsewhere, MTL)
    same_rows(found, table_of_stream(apply_tuned(fitting, stream, MTL, read_stream(other, MTL)), MTL))


def problems_of(*arguments, **options):
    with pytest.raises(ProblemError) as caught:
        read_tuned_store(*arguments, **options)
    return caught.value.problems


def test_values_of_another_entry_are_refused_unless_the_user_says_so(tmp_path, units, fitting, other):
    seeded = write_store(tmp_path / "seeded", units, seed=7)
    (problem,) = problems_of(MTL, seeded, fitting, gate=other)
    assert problem.rule == "R04"
    assert "other weights, seed or code" in problem.found
    assert "--any-entry" in problem.fix
    assert len(read_tuned_store(MTL, seeded, fitting, gate=other, any_entry=True))


def test_values_for_another_challenge_or_definition_are_refused(store, fitting, other):
    va = get("abaw10-va")
    rules = [problem.rule for problem in problems_of(va, store, replace(fitting, tasks={}))]
    assert rules == ["R04"]
    old = replace(fitting, fingerprint="0" * 16)
    assert "fingerprint" in problems_of(MTL, store, old, gate=other)[0].found
    assert len(read_tuned_store(va, store, fitting, any_entry=True))
    # a challenge without any of the tasks cannot take them at all
    alone = replace(fitting, tasks={"expression": fitting.tasks["expression"]})
    assert "expression" in problems_of(va, store, alone, any_entry=True)[0].found


def test_a_gate_needs_its_store(store, fitting, other):
    (problem,) = problems_of(MTL, store, fitting)
    assert problem.rule == "C02"
    assert OTHER.name in problem.expected
    (problem,) = problems_of(MTL, store, fitting, gate=store)
    assert problem.rule == "R04"
    # values for which no gate was chosen need none
    same_rows(read_tuned_store(MTL, store, replace(fitting, tasks={}), gate=other), read_store(MTL, store.root))


def test_a_gate_answers_all_of_its_task(tmp_path, store, fitting):
    card = replace(OTHER, tasks=tuple(task for task in MTL.tasks if task.name == "va"))
    gate = write_store(tmp_path / "part", [random_unit("a", 5, np.random.default_rng(0), card=card)], card)
    (problem,) = problems_of(MTL, store, fitting, gate=gate, any_entry=True)
    assert "does not answer all of action_units" in problem.found
