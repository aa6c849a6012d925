"""Labels of a batch: what is annotated, in the types that losses take."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.table import Table
from abawbench.training.targets import targets_of

VA = Continuous("va", ("valence", "arousal"), -1, 1, -5)
EXPRESSION = Categorical("expression", ("Neutral", "Anger", "Fear"), -1)
UNITS = MultiLabel("action_units", ("AU1", "AU2"), -1)
TASKS = (VA, EXPRESSION, UNITS)


def truth() -> Table:
    return Table(
        videos=("a",),
        video=np.zeros(3, np.int32),
        frame=np.arange(1, 4, dtype=np.int32),
        values={
            "va": np.array([[0.5, -0.25], [np.nan, np.nan], [0.0, np.nan]]),
            "expression": np.array([2, -1, 0], np.int8),
            "action_units": np.array([[1, 0], [-1, 1], [-1, -1]], np.int8),
        },
    )


def test_labels_come_in_the_order_that_is_asked_for():
    targets = targets_of(TASKS, truth(), np.array([2, 0, 0]))
    assert targets["va"].values.tolist() == [[0, 0], [0.5, -0.25], [0.5, -0.25]]
    assert targets["va"].annotated.tolist() == [[True, False], [True, True], [True, True]]
    assert targets["expression"].values.tolist() == [0, 2, 2]
    assert targets["action_units"].values.tolist() == [[0, 0], [1, 0], [1, 0]]


def test_types_are_those_of_losses():
    targets = targets_of(TASKS, truth(), np.array([0]))
    kinds = [targets[name].values.dtype for name in ("va", "expression", "action_units")]
    assert kinds == [torch.float32, torch.int64, torch.float32]
    assert all(target.annotated.dtype == torch.bool for target in targets.values())


def test_sentinels_are_not_annotated():
    targets = targets_of(TASKS, truth(), np.arange(3))
    assert targets["expression"].annotated.tolist() == [True, False, True]
    assert targets["action_units"].annotated.tolist() == [[True, True], [False, True], [False, False]]
    assert {name: target.numbers for name, target in targets.items()} == {
        "va": (2, 1),
        "expression": (2,),
        "action_units": (1, 2),
    }


def test_a_frame_without_a_row_has_no_label():
    targets = targets_of(TASKS, truth(), np.array([-1, 0]))
    assert [target.annotated[0].any().item() for target in targets.values()] == [False] * 3
    assert [target.annotated[1].all().item() for target in targets.values()] == [True] * 3


def test_a_task_that_the_table_does_not_know_has_no_labels():
    other = MultiLabel("attributes", ("hat", "beard", "glasses"), None)
    target = targets_of([other], truth(), np.arange(3))["attributes"]
    assert target.values.shape == (3, 3)
    assert target.numbers == (0, 0, 0)


def test_everything_that_does_not_fit_is_told_at_once():
    fewer = (Categorical("expression", ("Neutral", "Anger"), -1), MultiLabel("action_units", ("AU1",), -1))
    with pytest.raises(ProblemError, match="class 2") as caught:
        targets_of(fewer, truth(), np.arange(3))
    assert [problem.rule for problem in caught.value.problems] == ["E19", "E19"]


def test_counts_follow_the_frames_that_are_taken():
    target = targets_of(TASKS, truth(), np.arange(3))["va"]
    assert target.take(torch.tensor([2, 2])).numbers == (2, 0)
    assert target.take(torch.tensor([True, False, False])).numbers == (1, 1)
    assert target.to("cpu").numbers == (2, 1)
