from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from abawbench.base.problems import ProblemError
from abawbench.tuning.steps.kinds import STEPS, Smoothing, Thresholds, describe, name_of, steps_for
from abawbench.tuning.steps.tuned import Estimate, identity_of, read_tuned, truth_hash, write_tuned
from tests.tuning.conftest import CARD, MTL, random_truth, write_store


def test_what_is_written_is_read(tmp_path, tuned):
    write_tuned(tuned, tmp_path / "tuned.json")
    assert read_tuned(tmp_path / "tuned.json") == tuned
    assert tuned.names == tuple(STEPS)


def test_every_step_has_words(tuned):
    words = [describe(step) for steps in tuned.tasks.values() for step in steps]
    assert all(words)
    assert len({name_of(step) for steps in tuned.tasks.values() for step in steps}) == len(STEPS)


def test_steps_are_those_of_the_kind_of_a_task():
    of = {task.name: steps_for(task) for task in MTL.tasks}
    assert of["expression"] == ("smoothing", "offsets", "lag", "gate", "fill")
    assert of["action_units"] == ("smoothing", "thresholds", "lag", "gate", "fill")


def test_optimism_is_what_the_in_sample_figure_flatters():
    assert Estimate(0.70, 0.75, 0.72).optimism == pytest.approx(0.03)


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path, tuned):
    content = tuned.to_json()
    content["form"] = 99
    content["surprise"] = 1
    del content["report"]["folds"]
    content["tasks"]["va"][0]["kind"] = "wiener"
    content["tasks"]["va"][1]["values"]["pitch"] = {"scale": 1, "offset": 0}
    content["tasks"]["va"][2]["seconds"] = float("nan")
    content["tasks"]["expression"].append({"step": "smothe", "kind": "mean", "seconds": 1})
    content["tasks"]["action_units"].append({"step": "affine", "values": {}})
    content["tasks"]["gaze"] = []
    (tmp_path / "tuned.json").write_text(json.dumps(content))
    with pytest.raises(ProblemError) as caught:
        read_tuned(tmp_path / "tuned.json")
    found = "\n".join(problem.found for problem in caught.value.problems)
    assert {problem.rule for problem in caught.value.problems} == {"R03"}
    for part in (
        "form",
        "surprise",
        "report.folds",
        "tasks.va.0.kind",
        "pitch",
        "tasks.va.2: seconds nan",
        "tasks.expression.2: step 'smothe'",
        "tasks.action_units.3: a task of MultiLabel",
        "tasks.gaze",
    ):
        assert part in found, part


@pytest.mark.parametrize("text", ["", "[]", "{", '{"form": 1}', '{"tasks": {"va": 3}, "challenge": "abaw4-mtl"}'])
def test_what_is_no_file_of_tuned_values_is_a_problem(tmp_path, text):
    (tmp_path / "tuned.json").write_text(text)
    with pytest.raises(ProblemError, match="R03"):
        read_tuned(tmp_path / "tuned.json")


@pytest.mark.parametrize("field", ["before", "interval"])
def test_a_figure_that_is_no_number_is_a_problem(tmp_path, tuned, field):
    content = tuned.to_json()
    content["report"]["figures"]["score"][field] = [0, float("inf")] if field == "interval" else float("nan")
    (tmp_path / "tuned.json").write_text(json.dumps(content))
    with pytest.raises(ProblemError, match=r"report\.figures\.score"):
        read_tuned(tmp_path / "tuned.json")


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(ProblemError, match="F01"):
        read_tuned(tmp_path / "tuned.json")


def test_an_entry_is_the_same_on_another_machine_and_over_other_units(tmp_path, units):
    first = write_store(tmp_path / "one", units[:1], device="cpu", fill="none")
    other = write_store(tmp_path / "two", units[1:], device="cuda", fill="nearest")
    assert first.key != other.key
    assert identity_of(first) == identity_of(other)


def test_an_entry_with_another_card_or_seed_is_another(tmp_path, units):
    first = write_store(tmp_path / "one", units)
    seeded = write_store(tmp_path / "two", units, seed=1)
    fitted = write_store(tmp_path / "three", units, replace(CARD, trained_videos=("a",)))
    assert len({identity_of(one) for one in (first, seeded, fitted)}) == 3


def test_the_hash_of_a_truth_is_that_of_its_rows_in_any_order(units):
    random = np.random.default_rng(1)
    truth = random_truth(units, random)
    shuffled = truth.take(random.permutation(len(truth)))
    renamed = replace(
        shuffled, videos=tuple(reversed(truth.videos)), video=(len(truth.videos) - 1 - shuffled.video).astype(np.int32)
    )
    assert truth_hash(MTL, truth) == truth_hash(MTL, shuffled) == truth_hash(MTL, renamed)
    values = dict(truth.values)
    values["va"] = values["va"].copy()
    values["va"][3, 0] += 1e-9
    assert truth_hash(MTL, replace(truth, values=values)) != truth_hash(MTL, truth)
    assert truth_hash(MTL, replace(truth, videos=("a", "b", "d"))) != truth_hash(MTL, truth)


def test_numbers_outside_their_range_are_problems(tmp_path, tuned):
    wrong = replace(tuned, tasks={"va": (Smoothing("mean", -1.0),), "action_units": (Thresholds({"AU1": 9.0}),)})
    write_tuned(wrong, tmp_path / "tuned.json")
    with pytest.raises(ProblemError) as caught:
        read_tuned(tmp_path / "tuned.json")
    assert len(caught.value.problems) == 2


def test_tuned_values_show_themselves_with_what_they_are_worth(tuned):
    for text in (tuned._repr_html_(), tuned._repr_markdown_()):
        for shown in ("1.1000", "1.0000 to 1.2000", "+0.1000", "cross-fitted", "expression: exponential"):
            assert shown in text
