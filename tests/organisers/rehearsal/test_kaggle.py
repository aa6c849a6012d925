"""Kaggle's call of a metric, and metrics that are broken."""

from __future__ import annotations

import pytest

from abawbench.organisers.rehearsal import read_profiles, rehearse
from abawbench.organisers.rehearsal.bundle_files import Opened
from abawbench.organisers.rehearsal.sent import Sent

HEAD = """
import pandas as pd
class ParticipantVisibleError(Exception): pass
class HostVisibleError(Exception): pass
def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str) -> float:
"""
GOOD = """
    if list(submission) != ["id", "value"] or sorted(submission["id"]) != sorted(solution["id"]):
        raise ParticipantVisibleError("rows or columns are missing")
    values = pd.to_numeric(submission["value"], errors="coerce")
    if not values.between(0, 1).all():
        raise ParticipantVisibleError("values from 0 to 1")
    return float(values.mean())
"""


def run(body, head=HEAD, sent=(), **files):
    parts = {
        "metric.py": (head + body).encode(),
        "solution.csv": b"id,value,Usage\na,0,Public\nb,1,Private\nc,1,Private\n",
        "sample_submission.csv": b"id,value\na,0\nb,0\nc,0\n",
        **files,
    }
    kept = {name: data for name, data in parts.items() if data is not None}
    return rehearse(Opened("kaggle", kept, "bundle"), sent, profiles=read_profiles(["plain"]))


def rules(done):
    return {problem.rule for problem in done.all_problems}


def test_a_sound_metric_scores_the_sample_and_refuses_tables_with_a_fault():
    done = run(GOOD)
    assert done.all_problems == ()
    assert [outcome.state for outcome in done.outcomes[:2]] == ["scored", "scored"]
    assert {outcome.state for outcome in done.outcomes[2:]} == {"refused"}
    assert len(done.outcomes) > 12


@pytest.mark.parametrize(
    ("body", "is_refused", "rule"),
    [
        ("    return float('nan')\n", False, "O25"),
        ("    return '0.5'\n", False, "O25"),
        ("    return 0.5\n", True, "O27"),
        ("    raise HostVisibleError('the solution is wrong')\n", False, "O28"),
        ("    raise KeyError('value')\n", True, "O27"),
    ],
)
def test_a_metric_that_is_broken_is_told(body, is_refused, rule):
    sent = Sent("one", "submission.csv", b"id,value\na,0\nb,0\nc,0\n", is_refused)
    assert rule in rules(run(body, sent=[sent]))


def test_what_only_the_organisers_read_is_no_message_to_the_team():
    sent = Sent("one", "submission.csv", b"id,value\na,0\n", True)
    (outcome,) = run("    raise HostVisibleError('truth: 0, 1, 1')\n", sent=[sent]).outcomes
    assert "truth" not in outcome.errors
    assert "truth: 0, 1, 1" in outcome.remarks[0]


def test_arguments_without_annotation_and_parts_that_are_missing_are_told():
    assert rules(run(GOOD, HEAD.replace(": str)", ")"))) == {"O24"}
    assert rules(run(GOOD, HEAD.replace("def score", "def other"))) == {"O24"}
    assert rules(run("    return (\n")) == {"O24"}
    assert rules(run(GOOD, **{"solution.csv": None})) == {"O20"}
