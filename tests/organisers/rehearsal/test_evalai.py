"""EvalAI's worker, and bundles that are broken in the ways that show with the first submission."""

from __future__ import annotations

import json

import pytest

from abawbench.organisers.rehearsal import read_profiles, rehearse
from abawbench.organisers.rehearsal.bundle_files import Opened
from abawbench.organisers.rehearsal.sandbox import Limits
from abawbench.organisers.rehearsal.sent import as_sent
from tests.organisers.rehearsal.conftest import zipped

CONFIG = """title: An event
description: description.html
evaluation_details: evaluation_details.html
terms_and_conditions: terms_and_conditions.html
submission_guidelines: submission_guidelines.html
evaluation_script: script.zip
start_date: '2026-07-01 00:00:00'
end_date: '2026-07-17 11:59:59'
worker_python_version: '3.9'
tags: [a, b]
leaderboard:
- id: 1
  schema: {labels: [Score, Other], default_order_by: Score}
challenge_phases:
- id: 1
  name: Test
  codename: test
  description: phase.html
  start_date: '2026-07-01 00:00:00'
  end_date: '2026-07-17 11:59:59'
  test_annotation_file: truth.zip
dataset_splits:
- {id: 1, name: Test, codename: split}
challenge_phase_splits:
- {challenge_phase_id: 1, leaderboard_id: 1, dataset_split_id: 1}
"""
NAMES = ("description", "evaluation_details", "terms_and_conditions", "submission_guidelines", "phase")
RESULT = {"result": [{"split": {"Score": 0.5, "Other": 1}}]}
BARS = {"error_Score": 0.1, "error_Other": 0.1}


def returns(value):
    """A script that returns this, whatever was sent."""
    return f"def evaluate(annotation, submission, phase, **more):\n    return {value!r}\n"


REFUSES = 'def evaluate(*places, **more):\n    raise ValueError("line 3 is bad")\n'


def bundle(script=None, *, text=CONFIG, files=None):
    parts = {
        "challenge_config.yaml": text.encode(),
        **{f"{name}.html": b"<p>text" for name in NAMES},
        "truth.zip": zipped({"truth.txt": "1\n"}),
        "script.zip": zipped({"__init__.py": "from .main import evaluate\n", "main.py": script or returns(RESULT)}),
        **(files or {}),
    }
    return Opened("evalai", parts, "bundle")


def run(bundle, *, is_refused=False, limits=None):
    sent = as_sent("one", {"a.txt": b"1\n"}, is_refused=is_refused)
    return rehearse(bundle, [sent], profiles=read_profiles(["plain"]), limits=limits)


def rules(rehearsal):
    return {problem.rule for problem in rehearsal.all_problems}


def test_a_sound_bundle_scores_and_refuses():
    done = run(bundle())
    assert rules(done) == set()
    (outcome,) = done.outcomes
    assert (outcome.state, outcome.platform_says, outcome.stage) == ("scored", "finished", "test")
    assert outcome.scores == {"Score": 0.5, "Other": 1.0}
    done = run(bundle(REFUSES), is_refused=True)
    assert rules(done) == set()
    assert (done.outcomes[0].state, done.outcomes[0].platform_says) == ("refused", "failed")
    assert "line 3 is bad" in done.outcomes[0].errors


@pytest.mark.parametrize(
    ("answer", "rule", "on_board"),
    [
        ({"result": [{"other": {"Score": 0.5, "Other": 1}}]}, "O26", False),
        ({"result": []}, "O26", False),
        ({}, "O26", False),
        ([], "O26", False),
        ({"result": [{"split": {"Score": 0.5}}]}, "O26", True),
        ({"result": [{"split": {"Score": None, "Other": 1}}]}, "O25", True),
        ({"result": [{"split": {"Score": "0.5", "Other": 1}}]}, "O25", True),
    ],
)
def test_other_answers_are_told(answer, rule, on_board):
    done = run(bundle(returns(answer)))
    assert {rule, "O28"} == rules(done)
    assert done.outcomes[0].is_on_board == on_board


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_numbers_that_are_not_finite_are_told(number):
    script = (
        f"def evaluate(*a, **k):\n    return {{'result': [{{'split': {{'Score': float('{number}'), 'Other': 1}}}}]}}\n"
    )
    assert {"O25", "O28"} == rules(run(bundle(script)))


def test_an_answer_that_is_no_json_is_told():
    assert "O28" in rules(run(bundle("def evaluate(*a, **k):\n    return {1, 2}\n")))


def test_error_bars_are_for_every_label_or_for_none():
    assert rules(run(bundle(returns({**RESULT, "error": [{"split": BARS}]})))) == set()
    assert rules(run(bundle(returns({**RESULT, "error": [{"split": {"error_Score": 0.1}}]})))) == {"O26"}


def test_a_bad_submission_that_is_scored_is_told():
    assert rules(run(bundle(), is_refused=True)) == {"O27"}


def test_a_script_that_never_ends_is_ended():
    done = run(bundle("def evaluate(*a, **k):\n    while True: pass\n"), limits=Limits(1.0))
    assert {"O28", "O29"} == rules(done)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("start_date: '2026-07-01 00:00:00'", "start_date: 2026-07-01 00:00:00", "O22"),
        ("title: An event", f"title: {'t' * 101}", "O21"),
        ("tags: [a, b]", "tags: [a, b, c, d, e]", "O21"),
        ("description: phase.html", "description: phase.md", "O20"),
        ("description: description.html", "description: other.html", "O20"),
        ("test_annotation_file: truth.zip", "test_annotation_file: other.zip", "O20"),
        ("evaluation_script: script.zip", "evaluation_script: other.zip", "O20"),
        ("default_order_by: Score", "default_order_by: Rank", "O26"),
        ("dataset_split_id: 1", "dataset_split_id: 2", "O26"),
        ("challenge_phase_splits:\n- {challenge_phase_id: 1, leaderboard_id: 1, dataset_split_id: 1}\n", "", "O20"),
        ("worker_python_version: '3.9'", "worker_python_version: '3.12'", "O24"),
        ("  codename: test\n", "", "O20"),
    ],
)
def test_what_the_upload_refuses_is_told(old, new, rule):
    assert old in CONFIG
    text = CONFIG.replace(old, new)
    assert rule in rules(run(bundle(text=text)))


@pytest.mark.parametrize(
    "script",
    [
        {"script/__init__.py": "from .main import evaluate\n", "script/main.py": returns(RESULT)},
        {"main.py": returns(RESULT)},
        {"__init__.py": "import os\n", "main.py": returns(RESULT)},
    ],
)
def test_a_script_that_offers_no_evaluate_in_its_root_is_told(script):
    done = run(bundle(files={"script.zip": zipped(script)}))
    assert rules(done) == {"O24"}
    assert not done.is_ok
    assert json.dumps(done.to_json())
