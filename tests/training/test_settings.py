"""What may be chosen of losses, and what is counted on the training labels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from abawbench.base.problems import ProblemError
from abawbench.challenges import Categorical, Continuous, MultiLabel
from abawbench.table import Table
from abawbench.training.losses import class_shares_of, class_weights_of, positive_weights_of, resolve
from abawbench.training.settings import LossSettings, WeightingSettings

VA = Continuous("va", ("valence", "arousal"), -1, 1, -5)
EXPRESSION = Categorical("expression", ("Neutral", "Anger", "Fear", "Other"), -1)
UNITS = MultiLabel("action_units", ("AU1", "AU2", "AU4"), -1)


@pytest.fixture
def truth() -> Table:
    # Neutral 5, Anger 3, Fear 2, Other none, one row without; AU1 on in 2 of 8, AU2 never, AU4 always
    units = np.zeros((11, 3), np.int8)
    units[:2, 0], units[:, 2] = 1, 1
    units[8:] = -1
    return Table(
        videos=("a",),
        video=np.zeros(11, np.int32),
        frame=np.arange(11, dtype=np.int32),
        values={
            "expression": np.array([0] * 5 + [1] * 3 + [2] * 2 + [-1], np.int8),
            "action_units": units,
        },
    )


def test_balanced_weights_are_frames_over_classes_times_frames_of_the_class(truth):
    assert class_weights_of(EXPRESSION, truth) == pytest.approx((10 / 20, 10 / 12, 10 / 8, 1))


def test_a_class_without_frames_has_the_share_of_a_single_one(truth):
    assert class_shares_of(EXPRESSION, truth) == pytest.approx((5 / 11, 3 / 11, 2 / 11, 1 / 11))


def test_positive_weights_are_off_over_on(truth):
    assert positive_weights_of(UNITS, truth) == (3.0, 1.0, 1.0)


def test_settled_settings_name_the_kind_and_the_numbers(truth):
    assert resolve(LossSettings(), VA, truth) == LossSettings("ccc")
    chosen = resolve(LossSettings(class_weights="balanced", logit_adjustment=1.0), EXPRESSION, truth)
    assert chosen.kind == "cross_entropy"
    assert chosen.class_weights == class_weights_of(EXPRESSION, truth)
    assert chosen.class_shares == class_shares_of(EXPRESSION, truth)
    assert resolve(LossSettings("focal", positive_weights="balanced"), UNITS, truth).positive_weights == (3.0, 1.0, 1.0)


def test_numbers_that_are_given_stay(truth):
    given = LossSettings("cross_entropy", class_weights=(1, 2, 3, 4), logit_adjustment=2, class_shares=(0.1,) * 4)
    assert resolve(given, EXPRESSION, truth) == given
    assert resolve(resolve(given, EXPRESSION, truth), EXPRESSION, truth) == given


@pytest.mark.parametrize(
    ("task", "chosen", "found"),
    [
        (VA, LossSettings("bce"), ["a loss of kind bce for va"]),
        (VA, LossSettings(denominator="all"), ["denominator for the loss ccc of va"]),
        (UNITS, LossSettings("cross_entropy"), ["a loss of kind cross_entropy for action_units"]),
        (UNITS, LossSettings(focus=1.0, label_smoothing=0.1), ["label_smoothing for", "focus for the loss bce"]),
        (EXPRESSION, LossSettings(class_weights=(1.0, 2.0)), ["2 class_weights for expression"]),
        (UNITS, LossSettings(positive_weights=(1.0,)), ["1 positive_weights for action_units"]),
    ],
)
def test_what_does_not_fit_the_task_is_refused_at_once(truth, task, chosen, found):
    with pytest.raises(ProblemError) as caught:
        resolve(chosen, task, truth)
    problems = caught.value.problems
    assert [problem.rule for problem in problems] == ["E19"] * len(found)
    for problem, text in zip(problems, found, strict=True):
        assert text in problem.found


@pytest.mark.parametrize(
    "given",
    [
        {"label_smoothing": 1.0},
        {"focus": -1.0},
        {"logit_adjustment": float("nan")},
        {"class_weights": [1.0, 0.0]},
        {"positive_weights": [float("inf")]},
        {"class_weights": "even"},
        {"kind": "hinge"},
    ],
)
def test_numbers_and_names_out_of_range_are_refused(given):
    with pytest.raises(ValidationError):
        TypeAdapter(LossSettings).validate_python(given)


@pytest.mark.parametrize("given", [{"weights": {"va": -1.0}}, {"temperature": 0.0}, {"kind": "even"}])
def test_weightings_out_of_range_are_refused(given):
    with pytest.raises(ValidationError):
        TypeAdapter(WeightingSettings).validate_python(given)


def test_lists_of_a_settings_file_become_numbers():
    read = TypeAdapter(LossSettings).validate_python({"kind": "bce", "positive_weights": [1, 2.5]})
    assert read == LossSettings("bce", positive_weights=(1.0, 2.5))


def test_settings_need_no_torch():
    names = ("settings", "batching")
    program = "import sys\n" + "\n".join(f"import abawbench.training.{name}" for name in names)
    program += "\nprint('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
