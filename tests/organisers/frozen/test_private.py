"""Private messages are the same whatever the truth holds."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from abawbench.challenges import CHALLENGES
from abawbench.formats.read import read_truth
from abawbench.formats.write import write_annotations
from abawbench.organisers.faults import planted
from abawbench.organisers.samples import sample, write
from tests.organisers.frozen.scorers import scorer

# keys of what a scored prediction is told about the truth: its figures alone
FIGURES = {"score", "terms", "metrics", "of_probability", "intervals"}


def another(challenge, truth):
    """A truth of the same rows with other annotations, fewer of them."""
    random = np.random.default_rng(5)
    values = {task.name: truth.values[task.name].copy() for task in challenge.tasks}
    for task in challenge.tasks:
        block = values[task.name][random.permutation(len(truth))]
        if task.sentinel is not None:
            block[random.random(len(truth)) < 0.3] = np.nan if task.is_real else -1
        values[task.name] = block
    return replace(truth, values=values)


@pytest.mark.parametrize("identifier", ["abaw4-mtl", "abaw3-va", "abaw5-expr", "abaw5-eri", "abaw11-ah", "abaw10-vd"])
def test_two_truths_of_one_list_give_the_same_messages(identifier, tmp_path):
    challenge = CHALLENGES[identifier]
    made = sample(challenge)
    first = write(made.truth, tmp_path / "first")
    template = write(made.template, tmp_path / "list")
    truth = read_truth(challenge, first)
    second = tmp_path / f"second{first.suffix}"
    write_annotations(challenge, another(challenge, truth), second)
    evaluate = scorer(identifier).evaluate
    predictions = {
        fault.name: write(fault.files, tmp_path / "faults" / fault.name) for fault in planted(challenge, made)
    }
    predictions["good"] = write(made.prediction, tmp_path / "good")
    scored = 0
    for name, path in predictions.items():
        for listed in (str(template), None):
            told = []
            for known in (first, second):
                found = evaluate(str(known), str(path), listed, private=True)
                scored += found["ok"]
                assert str(known) not in json.dumps(found)
                told.append({key: value for key, value in found.items() if key not in FIGURES})
            assert told[0] == told[1], name
    assert scored


def test_a_private_message_names_no_row_of_the_truth(tmp_path):
    challenge = CHALLENGES["abaw4-mtl"]
    made = sample(challenge)
    truth = write(made.truth, tmp_path / "truth")
    ((name, data),) = made.prediction.items()
    lines = data.splitlines(keepends=True)
    short = write({name: b"".join(lines[:-3])}, tmp_path / "short")
    open_one = scorer("abaw4-mtl").evaluate(str(truth), str(short))
    private = scorer("abaw4-mtl").evaluate(str(truth), str(short), private=True)
    assert [one["rule"] for one in private["problems"]] == ["T01"]
    assert "6-30-1920x1080 frame" in open_one["problems"][0]["found"] or "/" in open_one["problems"][0]["found"]
    assert private["problems"][0]["count"] == 1
    assert "6-30" not in json.dumps(private["problems"][0]["found"])
    assert (private["ok"], private["score"], private["rows"], private["flags"]) == (False, None, {}, [])


def test_a_faulty_truth_is_not_quoted_in_private(tmp_path):
    challenge = CHALLENGES["abaw3-expr"]
    made = sample(challenge)
    prediction = write(made.prediction, tmp_path / "prediction")
    files = {name: data.replace(b"\n3\n", b"\n93\n") for name, data in made.truth.items()}
    truth = write(files, tmp_path / "truth")
    (found,) = scorer("abaw3-expr").evaluate(str(truth), str(prediction), private=True)["problems"]
    assert (found["rule"], found["file"], found["line"]) == ("V09", None, None)
    assert "93" not in json.dumps(found)
    (shown, *_) = scorer("abaw3-expr").evaluate(str(truth), str(prediction))["problems"]
    assert "93" in shown["found"]
